"""A socket that ends with a deadline, whatever it is doing: a byte now and then buys the other side no time."""

from __future__ import annotations

import io
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_ANSWER = 2 * 1024 * 1024

Address = tuple[socket.AddressFamily, tuple[object, ...]]
"""A family, and what a socket of it connects to."""


class NotSent(OSError):
    """It ended before a byte of the request was sent; `code` is dns, connect, tls or timeout_before_sending."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TooLong(Exception):
    """The answer is longer than any that is read."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant of the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The instant `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds left, more than zero. Raises TimeoutError."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the budget is used up")
        return left


class TimedSocket:
    """What http.client uses of a socket: sendall, makefile, close. Its owner ends it."""

    def __init__(self, raw: socket.socket, deadline: Deadline, longest: int = LONGEST_ANSWER) -> None:
        self._raw = raw
        self._deadline = deadline
        self._longest = longest
        self._sent = False

    @classmethod
    def open(cls, host: str, port: int, deadline: Deadline, tls: ssl.SSLContext | None, *,
             at: Sequence[Address] | None = None, longest: int = LONGEST_ANSWER) -> TimedSocket:
        """A connection to `host`, with the TLS handshake done where `tls` is given. Raises NotSent.

        `at`: one of these is connected to, and `host` is not looked up. `longest`: bytes of an answer.
        """
        raw = None
        try:
            raw = _connected(addresses(host, port, deadline) if at is None else at, deadline)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                raw.settimeout(deadline.left())
                raw = tls.wrap_socket(raw, server_hostname=host)
            return cls(raw, deadline, longest)
        except OSError as failure:
            if raw is not None:
                raw.close()
            raise _not_sent(failure) from None

    def sendall(self, data: bytes) -> None:
        """Sends everything. Raises NotSent where the budget ended before the first byte, TimeoutError and OSError."""
        rest = memoryview(data)
        while rest:
            try:
                self._raw.settimeout(self._deadline.left())
            except TimeoutError:
                raise (TimeoutError() if self._sent else NotSent("timeout_before_sending")) from None
            self._sent = True
            rest = rest[self._raw.send(rest) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        """The answer as a binary stream; reading raises TimeoutError at the deadline and TooLong."""
        return io.BufferedReader(_Stream(self._raw, self._deadline, self._longest))

    def close(self) -> None:
        """Nothing yet: http.client lets go of a connection as soon as it has read the head of its last answer."""

    def end(self) -> None:
        """Ends the connection."""
        self._raw.close()


class _Stream(io.RawIOBase):
    def __init__(self, raw: socket.socket, deadline: Deadline, longest: int) -> None:
        self._raw = raw
        self._deadline = deadline
        self._longest = longest
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._raw.settimeout(self._deadline.left())
        count = self._raw.recv_into(buffer)
        self._read += count
        if self._read > self._longest:
            raise TooLong
        return count


def addresses(host: str, port: int, deadline: Deadline) -> list[Address]:
    """Where `host` is. Raises OSError where it is nowhere, TimeoutError.

    The system's resolver takes no timeout, so it is waited for from outside.
    """
    try:
        ipaddress.ip_address(host)
        return _resolved(host, port)
    except ValueError:
        pass
    found: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            found.put(_resolved(host, port))
        except OSError as failure:
            found.put(failure)

    threading.Thread(target=resolve, name="resolver", daemon=True).start()
    try:
        result = found.get(timeout=deadline.left())
    except queue.Empty:
        raise TimeoutError("no address in time") from None
    if isinstance(result, OSError):
        raise result
    return result


def _resolved(host: str, port: int) -> list[Address]:
    return [(family, address) for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _connected(found: Sequence[Address], deadline: Deadline) -> socket.socket:
    """A connection to the first address that takes one. Raises OSError of the last, TimeoutError."""
    failure: OSError = ConnectionError("no address")
    for family, address in found:
        raw = socket.socket(family, socket.SOCK_STREAM)
        try:
            raw.settimeout(deadline.left())
            raw.connect(address)
            return raw
        except OSError as refused:
            raw.close()
            failure = refused
    raise failure


def _not_sent(failure: OSError) -> NotSent:
    kinds: tuple[tuple[type[OSError], str], ...] = (
        (TimeoutError, "timeout_before_sending"), (socket.gaierror, "dns"), (ssl.SSLError, "tls"))
    return NotSent(next((code for kind, code in kinds if isinstance(failure, kind)), "connect"))
