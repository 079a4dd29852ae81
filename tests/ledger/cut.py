"""A way to the database that can be cut at COMMIT: before it arrives, after it was answered, or in between."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

COMMIT = b"COMMIT\x00"


class CutAtCommit:
    """Forwards TCP to a server. `how` says what happens to the next COMMIT, once:

    `before`: it does not arrive. `after`: it arrives, and its answer is lost. `between`: it arrives and the client is
    cut off at once. `then` is called at that moment. `commits` counts those that went through.
    """

    def __init__(self, dsn: str) -> None:
        server = conninfo_to_dict(dsn)
        self._server = (str(server["host"]), int(str(server["port"])))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.dsn = make_conninfo(dsn, port=self._listener.getsockname()[1], sslmode="disable", gssencmode="disable")
        self.how: str | None = None
        self.then: Callable[[], None] = lambda: None
        self.commits = 0
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._run(self._accept)

    @property
    def armed(self) -> bool:
        """Whether the next COMMIT will be cut."""
        return self.how is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listener, *self._open):
            _shut(one)
        for thread in self._threads:
            thread.join(5)

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server, timeout=5)
            except OSError:
                _shut(client)
                continue
            server.settimeout(None)
            self._open += [client, server]
            cut = threading.Event()
            self._run(self._up, client, server, cut)
            self._run(self._down, client, server, cut)

    def _up(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        with suppress(OSError):
            while sent := client.recv(65_536):
                if COMMIT in sent:
                    if self.how is not None:
                        self._cut(client, server, cut, sent)
                        return
                    self.commits += 1
                server.sendall(sent)
        _shut(client, server)

    def _cut(self, client: socket.socket, server: socket.socket, cut: threading.Event, sent: bytes) -> None:
        how, self.how = self.how, None
        cut.set()
        if how != "before":
            server.sendall(sent)
        if how == "between":
            _shut(client)
        if how == "before":
            _shut(client, server)
        self.then()

    def _down(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        with suppress(OSError):
            while answered := server.recv(65_536):
                if cut.is_set():
                    break
                client.sendall(answered)
        _shut(client, server)


def _shut(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
