"""One attempt at an endpoint within one total budget: looked up anew, checked, made to the checked address itself."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from pipeline.errors import Misused
from pipeline.notify.addresses import Allowed, checked_url, refused
from pipeline.timed_socket import Address, Deadline, NotSent, TimedSocket, TooLong, addresses

BUDGET_S = 15.0
LONGEST_HEAD = 65_536
"""Of an answer; its body is not read: the status says everything."""

Resolve = Callable[[str, int, Deadline], Sequence[Address]]


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is None where none came; `code` is then refused_address, refused_url, dns, connect, tls, timeout,
    connection_lost or broken_answer, otherwise answered."""

    status: int | None
    code: str
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Poster:
    """How endpoints are called. Thread-safe. `tls` replaces the usual trusted certificates."""

    allowed: Allowed
    budget_s: float = BUDGET_S
    resolve: Resolve = addresses
    tls: ssl.SSLContext | None = None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sends `body` as it stands, once; follows nothing. Never raises."""
        deadline = Deadline.after(self.budget_s)
        try:
            parts = checked_url(url, self.allowed)
        except Misused:
            return Answer(None, "refused_url")
        secure = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        try:
            found = self.resolve(host, port, deadline)
        except OSError as failure:
            return Answer(None, "timeout" if isinstance(failure, TimeoutError) else "dns")
        if not found or refused([str(address[0]) for _, address in found], self.allowed, tls=secure):
            return Answer(None, "refused_address")
        connection = _Pinned(host, port, deadline, (self.tls or _tls()) if secure else None, found)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return _exchanged(connection, path, {**headers, "Host": parts.netloc, "Content-Type": "application/json",
                                             "Connection": "close"}, body)


class _Pinned(http.client.HTTPConnection):
    """The standard client over a socket to one of the given addresses; `host` is for TLS alone."""

    def __init__(self, host: str, port: int, deadline: Deadline, tls: ssl.SSLContext | None,
                 at: Sequence[Address]) -> None:
        super().__init__(host, port)
        self._deadline, self._tls, self._at = deadline, tls, at
        self._timed: TimedSocket | None = None

    def connect(self) -> None:
        self.sock = self._timed = TimedSocket.open(self.host, self.port, self._deadline, self._tls, at=self._at,
                                                   longest=LONGEST_HEAD)

    def end(self) -> None:
        if self._timed is not None:
            self._timed.end()


def _exchanged(connection: _Pinned, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    try:
        connection.request("POST", path, body=body, headers=dict(headers))
        answer = connection.getresponse()
    except NotSent as failure:
        return Answer(None, "timeout" if failure.code == "timeout_before_sending" else failure.code)
    except TimeoutError:
        return Answer(None, "timeout")
    except (TooLong, http.client.HTTPException, ValueError):
        return Answer(None, "broken_answer")
    except OSError:
        return Answer(None, "connection_lost")
    finally:
        connection.close()
        connection.end()
    return Answer(answer.status, "answered", answer.getheader("Retry-After"))


@cache
def _tls() -> ssl.SSLContext:
    """The system's certificates; reading them takes longer than a call."""
    return ssl.create_default_context()
