"""One HTTP exchange with a gateway under one total budget, and how it ended when no answer came.

A fresh connection per call: a kept one that the other side has just closed would leave a call in doubt for nothing.
No retry, no redirect, no proxy; certificates are verified, and without TLS only this machine is talked to.
"""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from pipeline.errors import Misused, PipelineError
from pipeline.outcomes import Outcome
from pipeline.telemetry.trace import current_headers, span
from pipeline.timed_socket import Deadline, NotSent, TimedSocket, TooLong

_deadline: ContextVar[Deadline | None] = ContextVar("gateway_deadline", default=None)


class Unanswered(PipelineError):
    """No usable answer: outcome RETRYABLE where no byte of the request was sent, else IN_DOUBT; `code` says why."""

    def __init__(self, outcome: Outcome, code: str) -> None:
        super().__init__(f"{outcome}: {code}")
        self.outcome = outcome
        self.code = code


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def within(budget_s: float) -> Iterator[None]:
    """All that is sent inside the block shares `budget_s` seconds: resolving, connecting, TLS, writing and reading."""
    token = _deadline.set(Deadline.after(budget_s))
    try:
        yield
    finally:
        _deadline.reset(token)


def time_left() -> float:
    """Seconds left of the block's budget. Raises TimeoutError where none are, Misused outside of `within`."""
    deadline = _deadline.get()
    if deadline is None:
        raise Misused("a gateway call without a budget")
    return deadline.left()


def outcome_of(status: int, *, transient: bool = False) -> Outcome:
    """What an answer that is no success means; `transient` is the gateway's own word that nothing happened."""
    if transient or status == 429:
        return Outcome.RETRYABLE
    if status == 402:
        return Outcome.DECLINED
    # 408 and 409: the request was begun, here or by its twin.
    if 400 <= status < 500 and status not in (408, 409):
        return Outcome.MISUSED
    return Outcome.IN_DOUBT


class Exchange(Protocol):
    """What an adapter sends with: a Transport, or a gateway within this process."""

    @property
    def base(self) -> str:
        """The address that paths are below, without a slash at its end."""
        ...

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """See Transport.send."""
        ...


class Transport:
    """Sends requests under one base address, e.g. https://api.stripe.com. Thread-safe."""

    def __init__(self, base: str, *, gateway: str = "", tls: ssl.SSLContext | None = None) -> None:
        """`gateway` is what spans call it, `tls` replaces the usual trusted certificates. Raises Misused for an address
        that may not be talked to."""
        parts = urlsplit(base)
        self.base = base.rstrip("/")
        self._gateway = gateway
        self._host = parts.hostname or ""
        if parts.scheme == "https":
            self._tls: ssl.SSLContext | None = tls or ssl.create_default_context()
        elif parts.scheme == "http" and _is_this_machine(self._host):
            self._tls = None
        else:
            raise Misused(f"the gateway address {base!r} is neither https nor http on this machine")
        self._port = parts.port or (443 if self._tls else 80)
        self._path = parts.path.rstrip("/")

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """One request for `path` (with its query) below the base. Raises Unanswered; Misused outside of `within`."""
        deadline = _deadline.get()
        if deadline is None:
            raise Misused("a gateway call without a budget")
        # The path may hold references; what is asked is told by the step around it.
        with span("gateway", kind="client", gateway=self._gateway, method=method) as made:
            try:
                reply = self._exchange(method, path, {**headers, **current_headers()}, body, deadline)
            except Unanswered as failure:
                made.set(outcome=str(failure.outcome), code=failure.code)
                raise
            made.set(http_status=reply.status)
            return reply

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None,
                  deadline: Deadline) -> Reply:
        connection = _Connection(self._host, self._port, deadline, self._tls)
        try:
            connection.request(method, self._path + path, body=body, headers={**headers, "Connection": "close"})
            answer = connection.getresponse()
            content = answer.read()
        except NotSent as failure:
            raise Unanswered(Outcome.RETRYABLE, failure.code) from None
        except TimeoutError:
            raise Unanswered(Outcome.IN_DOUBT, "timeout") from None
        except TooLong:
            raise Unanswered(Outcome.IN_DOUBT, "answer_too_long") from None
        except http.client.HTTPException:
            raise Unanswered(Outcome.IN_DOUBT, "broken_answer") from None
        except OSError:
            raise Unanswered(Outcome.IN_DOUBT, "connection_lost") from None
        finally:
            connection.close()
            connection.end()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)


class _Connection(http.client.HTTPConnection):
    """The standard client over a socket that ends with the budget."""

    def __init__(self, host: str, port: int, deadline: Deadline, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port)
        self._deadline = deadline
        self._tls = tls
        self._timed: TimedSocket | None = None

    def connect(self) -> None:
        self.sock = self._timed = TimedSocket.open(self.host, self.port, self._deadline, self._tls)

    def end(self) -> None:
        if self._timed is not None:
            self._timed.end()


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
