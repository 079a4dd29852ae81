"""A server on loopback that answers every connection by a function, in HTTP or not."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form, each given once."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        """The JSON of the body."""
        return json.loads(self.body)


Script = Callable[[socket.socket, threading.Event], None]


def answering(status: int, body: bytes | str | dict[str, Any], **headers: str) -> Script:
    """Answers in full; `transient_error="true"` is the header transient-error."""
    if isinstance(body, dict):
        body = json.dumps(body)
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + content)


def raw(data: bytes) -> Script:
    """Sends these bytes and closes."""
    return lambda connection, _: connection.sendall(data)


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Reads the request and never answers."""
    over.wait(30)


def trickling(start: bytes) -> Script:
    """Sends `start` and then a byte now and then, without end."""
    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.wait(0.03):
            connection.sendall(b"x")
    return script


class ScriptedServer:
    """Counts connections and keeps the requests. `script` may be replaced between calls."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, reads: bool = True) -> None:
        self.script = script
        self.seen: list[Seen] = []
        self.connections = 0
        self._tls = tls
        self._reads = reads
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.base = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    @property
    def only(self) -> Seen:
        """The one request that came, over the one connection."""
        assert (self.connections, len(self.seen)) == (1, 1)
        return self.seen[0]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with connection:
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                if self._reads:
                    self.seen.append(_read(connection))
                self.script(connection, self._over)
                connection.close()
        except OSError:
            return


def _read(connection: socket.socket) -> Seen:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    method, path, _ = first.split(" ")
    return Seen(method, path, headers, body)


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("the request ends early")
    return data
