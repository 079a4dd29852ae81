"""The HTTP side: both vendors' APIs and, below /_control/, what tests say to the simulator."""

from __future__ import annotations

import logging
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from infra.local.gateways.control import Control
from infra.local.gateways.desk import Ending
from infra.local.gateways.keys import Reply
from infra.local.gateways.simulator import Simulator
from infra.local.gateways.wire import Request

_MAX_BODY = 1 << 20
_log = logging.getLogger(__name__)


class Ended(Exception):
    """The server ends: what rested before its effect has none."""


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1; port 0 takes a free one."""

    daemon_threads = True
    # Many clients at once must not be turned away.
    request_queue_size = 128

    def __init__(self, simulator: Simulator, control: Control, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.simulator, self.control = simulator, control
        self.ending = threading.Event()

    @property
    def endpoint(self) -> str:
        """The address that clients use."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def rest(self, seconds: float) -> None:
        """Waits. Raises Ended when the server ends first."""
        if self.ending.wait(seconds):
            raise Ended


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    # Small answers would wait for the acknowledgement of the piece before.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def do_POST(self) -> None:
        """A call."""
        self._call()

    def do_GET(self) -> None:
        """A look-up."""
        self._call()

    def do_DELETE(self) -> None:
        """Of the control paths alone."""
        self._call()

    def log_message(self, format: str, *args: object) -> None:
        """Into the log, not to standard error."""
        _log.debug(format, *args)

    def _call(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MAX_BODY:
            self.close_connection = True
            self._send(Reply(413, b"{}"))
            return
        body = self.rfile.read(length)
        address = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, address.path, address.query, headers, body)
        try:
            if request.path.startswith("/_control/"):
                self._send(self.server.control.handle(request))
                return
            self.server.control.count(request)
            ending = self.server.simulator.handle(request, self.server.rest)
        except Ended:
            self.close_connection = True
            return
        except Exception:
            _log.exception("%s %s", self.command, self.path)
            self._send(Reply(500, b'{"error":{"type":"api_error","message":"the simulator has failed; see its log"}}'))
            return
        try:
            self._end(ending)
        except OSError:
            # The caller has gone; what was done stays done.
            self.close_connection = True

    def _end(self, ending: Ending) -> None:
        if ending.how == "trickle":
            self._trickle(ending)
            return
        if ending.wait_s and not self._wait(ending.wait_s):
            return
        if ending.how in ("silence", "cut"):
            self._cut()
        elif ending.how == "garbage":
            self._send(Reply(200, ending.reply.body[:20] + b"\x00<html>"))
        else:
            self._send(ending.reply)

    def _wait(self, seconds: float) -> bool:
        """Waits; False where the caller has given up meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.server.ending.is_set():
            self.server.ending.wait(min(left, 0.25))
            if _gone(self.connection):
                self.close_connection = True
                return False
        return True

    def _trickle(self, ending: Ending) -> None:
        """The answer byte by byte over the whole wait."""
        self.wfile.write(self._head(ending.reply))
        self.wfile.flush()
        for byte in ending.reply.body:
            if not self._wait(max(ending.wait_s / max(len(ending.reply.body), 1), 0.001)):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, reply: Reply) -> None:
        self.wfile.write(self._head(reply) + reply.body)
        self.wfile.flush()

    def _head(self, reply: Reply) -> bytes:
        lines = [f"HTTP/1.1 {reply.status} {self.responses[reply.status][0]}" if reply.status in self.responses
                 else f"HTTP/1.1 {reply.status} Answer",
                 "Content-Type: application/json", f"Content-Length: {len(reply.body)}",
                 *(f"{name}: {value}" for name, value in reply.headers)]
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _gone(connection: socket.socket) -> bool:
    """Whether the other side has closed its end."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
