"""The HTTP side: `/{merchant}` receives webhooks; below `/_control/` is what tests say and ask."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from infra.local.merchants.book import Behaviour, Book, as_json

_MAX_BODY = 1 << 20


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1; port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, book: Book, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.book = book
        self.ending = threading.Event()

    @property
    def endpoint(self) -> str:
        """The address that all paths are below."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One request per connection."""

    server: Server

    def do_POST(self) -> None:
        """A webhook, or something for the control paths."""
        self._handle()

    def do_GET(self) -> None:
        """Of the control paths; elsewhere nothing is to be had."""
        self._handle()

    def do_DELETE(self) -> None:
        """Of the control paths alone."""
        self._handle()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the book says it all."""

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MAX_BODY:
            self._send(413, b"{}")
            return
        body = self.rfile.read(length)
        address = urlsplit(self.path)
        with suppress(OSError):
            # The caller may have gone.
            if address.path.startswith("/_control/"):
                self._control(address.path.removeprefix("/_control/"), dict(parse_qsl(address.query)), body)
            elif self.command == "POST":
                headers = {name.lower(): value for name, value in self.headers.items()}
                self._answer(self.server.book.receive(address.path.strip("/"), self.path, headers, body,
                                                      time.time_ns() // 1_000_000))
            else:
                self._send(404, b"{}")

    def _answer(self, behaviour: Behaviour) -> None:
        kind = behaviour.kind
        if kind == "cut":
            self.connection.shutdown(socket.SHUT_RDWR)
        elif kind == "unverified":
            self._send(401, b"{}")
        elif kind == "trickle":
            for byte in b"HTTP/1.1 200 OK\r\nX-Slowly: " + b"." * 1000:
                if self.server.ending.wait(behaviour.seconds):
                    return
                self.connection.sendall(bytes([byte]))
        else:
            if kind == "slow":
                self.server.ending.wait(behaviour.seconds)
            more = {"Location": f"{self.server.endpoint}{self.path}?redirected"} if kind == "302" else {}
            more |= {"Retry-After": behaviour.retry_after} if behaviour.retry_after is not None else {}
            self._send(200 if kind == "slow" else int(kind), b"{}", more)

    def _control(self, path: str, asked: dict[str, str], body: bytes) -> None:
        book = self.server.book
        try:
            said: dict[str, Any] = json.loads(body or b"{}")
            found: object = {}
            match f"{self.command} {path}":
                case "GET health":
                    pass
                case "GET received":
                    found = book.received(merchant_id=asked.get("merchant_id"), payment_id=asked.get("payment_id"))
                case "GET payments":
                    found = book.payments()
                case "POST secrets":
                    book.know(said["merchant_id"], said["secrets"])
                case "POST answers":
                    book.behave(Behaviour(**said))
                case "DELETE answers":
                    book.clear()
                case _:
                    self._send(404, as_json({"message": "there are health, received, payments, secrets and answers"}))
                    return
        except (ValueError, KeyError, TypeError) as error:
            self._send(400, as_json({"message": str(error)}))
            return
        self._send(200, as_json(found))

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)),
                            **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
