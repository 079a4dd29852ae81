"""The HTTP side: JSON 1.1 by X-Amz-Target, and the control paths for tests below /_local/."""

from __future__ import annotations

import json
import logging
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.athena.errors import ApiError
from infra.local.athena.service import Dropped, Service

TARGET = "AmazonAthena."
_log = logging.getLogger(__name__)


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1; port 0 takes a free one."""

    daemon_threads = True
    # Many clients at once must not be turned away.
    request_queue_size = 128

    def __init__(self, service: Service, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.service = service

    @property
    def endpoint(self) -> str:
        """The address that clients use."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        """An operation of the API, or a fault to be taken in."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if self.path == "/_local/faults":
                self.server.service.faults.add(_object(body))
                self._answer(200, {})
                return
            operation = self.headers.get("X-Amz-Target", "").removeprefix(TARGET)
            self._answer(200, self.server.service.call(operation, _object(body)))
        except ApiError as error:
            self._answer(error.status, error.body, error.code)
        except Dropped:
            self.close_connection = True
        except Exception as error:
            _log.exception("%s", self.headers.get("X-Amz-Target"))
            self._answer(500, {"__type": "InternalServerException", "Message": str(error)}, "InternalServerException")

    def do_GET(self) -> None:
        """Whether the server answers, the faults still waiting, and the journal of calls."""
        faults = self.server.service.faults
        known: dict[str, Any] = {"/_local/health": {}, "/_local/faults": faults.waiting(),
                                 "/_local/calls": faults.calls()}
        if self.path in known:
            self._answer(200, known[self.path])
        else:
            self._answer(404, {"message": f"there are {', '.join(known)}"})

    def do_DELETE(self) -> None:
        """Forgets faults and journal."""
        self.server.service.faults.clear()
        self._answer(200, {})

    def log_message(self, format: str, *args: Any) -> None:
        """Into the log, not to standard error."""
        _log.debug(format, *args)

    def _answer(self, status: int, body: Any, code: str = "") -> None:
        content = json.dumps(body).encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.end_headers()
        self.wfile.write(content)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ApiError("SerializationException", "The body is not a JSON object")
    return found
