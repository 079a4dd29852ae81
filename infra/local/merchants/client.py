"""Talks to the merchants' server: what it received, and how it is to answer."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

from infra.local.errors import LocalRefused


class Client:
    """`control` is the control address. Every call raises LocalRefused with the server's own words."""

    def __init__(self, control: str) -> None:
        self._control = control
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def received(self, *, merchant_id: str | None = None, payment_id: int | str | None = None) -> list[dict[str, Any]]:
        """Requests in order (of one merchant, of one payment): number, at_ms, merchant_id, path, headers, body,
        verdict, answered, event_id, payment_id, version, status."""
        asked = {name: str(value) for name, value in (("merchant_id", merchant_id), ("payment_id", payment_id))
                 if value is not None}
        found: list[dict[str, Any]] = self._ask("GET", f"received?{urlencode(asked)}")
        return found

    def payments(self) -> dict[str, dict[str, Any]]:
        """By payment_id the merchant, and the version and status that it believes."""
        found: dict[str, dict[str, Any]] = self._ask("GET", "payments")
        return found

    def know(self, merchant_id: str, *secrets: str) -> None:
        """The merchant verifies with these secrets and no others."""
        self._ask("POST", "secrets", {"merchant_id": merchant_id, "secrets": list(secrets)})

    def answer(self, kind: str, *, merchant_id: str | None = None, count: int | None = 1, **more: Any) -> None:
        """The next `count` requests (None: all) of the merchant (None: of any) are answered so: 200, 302, 400, 410,
        429, 500, 503 (with retry_after), slow (200 after seconds), trickle (seconds between bytes), cut."""
        self._ask("POST", "answers", {"kind": kind, "merchant_id": merchant_id, "count": count, **more})

    def clear(self) -> None:
        """All answer 200 again."""
        self._ask("DELETE", "answers")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode("utf-8")
        request = urllib.request.Request(f"{self._control}/{path}", data=data, method=method)
        try:
            with self._opener.open(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise LocalRefused(f"the merchants' server: {error.read().decode('utf-8', 'replace')}") from None
        except OSError as error:
            raise LocalRefused(f"the merchants' server at {self._control} does not answer: {error}") from None
