"""Talks to a running simulator: faults, book, clock, webhooks."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from infra.local.errors import LocalRefused


class Client:
    """`control` is the simulator's control address. Every call raises LocalRefused with the simulator's own words."""

    def __init__(self, control: str) -> None:
        self._control = control
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def fault(self, kind: str, **more: Any) -> None:
        """The next calls that fit fail as README.md says: operation, vendor, payment_id, count, probability, seed,
        seconds, code."""
        self._ask("POST", "faults", {"kind": kind, **more})

    def faults(self) -> list[dict[str, Any]]:
        """Faults that may strike yet."""
        found: list[dict[str, Any]] = self._ask("GET", "faults")
        return found

    def clear_faults(self) -> None:
        """No faults any more, but for those of tokens."""
        self._ask("DELETE", "faults")

    def book(self, payment_id: int | str | None = None, *, since: int = 0) -> list[dict[str, Any]]:
        """Operations of the book (of one payment), oldest first."""
        found: list[dict[str, Any]] = self._ask("GET", f"book?{urlencode({'since': since})}")["operations"]
        return [done for done in found if payment_id is None or done["payment_id"] == str(payment_id)]

    def calls(self) -> dict[str, int]:
        """How often each `METHOD /path` of the vendors' APIs was called."""
        found: dict[str, int] = self._ask("GET", "calls")
        return found

    def traces(self) -> list[dict[str, str]]:
        """`call` (METHOD /path), `traceparent` and `x-amzn-trace-id` of the latest calls, oldest first."""
        found: list[dict[str, str]] = self._ask("GET", "traces")
        return found

    def advance(self, seconds: float) -> str:
        """Moves the gateways' clock on; what it says then."""
        return str(self._ask("POST", "clock", {"seconds": seconds})["now"])

    def now(self) -> str:
        """The gateways' clock."""
        return str(self._ask("GET", "clock")["now"])

    def happen(self, kind: str, payment_id: int | str, *, vendor: str, amount: int | None = None) -> dict[str, Any]:
        """capture_failed, refund_failed, chargeback or chargeback_reversal befalls a payment."""
        found: dict[str, Any] = self._ask("POST", "happen", {"kind": kind, "payment_id": str(payment_id),
                                                             "vendor": vendor, "amount": amount})
        return found

    def webhooks(self, **policy: Any) -> dict[str, Any]:
        """Changes how webhooks are sent: stripe_url, adyen_url, headers, paused, delay_s, duplicate, reorder, batch,
        seed; the policy that holds now."""
        found: dict[str, Any] = self._ask("POST", "webhooks", policy)
        return found

    def webhook_state(self) -> dict[str, Any]:
        """Policy, how many events wait, and what was sent."""
        found: dict[str, Any] = self._ask("GET", "webhooks")
        return found

    def forge(self, forgery: str, number: int) -> int:
        """Sends an event again, forged; the status that the receiver answered."""
        return int(self._ask("POST", "webhooks/forge", {"forgery": forgery, "number": number})["status"])

    def events(self, payment_id: int | str = "") -> list[dict[str, Any]]:
        """Events (of one payment), sent or not."""
        found: list[dict[str, Any]] = self._ask("GET", f"events?{urlencode({'payment_id': payment_id})}")
        return found

    def settle(self, folder: Path, until: str | None = None, *, quiet_since: str | None = None) -> list[dict[str, Any]]:
        """Writes the settlement files that are due by `until` (the gateways' present) and not written yet; with
        `quiet_since` also those of days on which nothing happened, from that instant's day on."""
        found: list[dict[str, Any]] = self._ask("POST", "settle", {
            "folder": str(folder.absolute()), "until": until, "quiet_since": quiet_since})
        return found

    def settled(self) -> list[dict[str, Any]]:
        """What the files written so far say, line by line and payout by payout."""
        found: list[dict[str, Any]] = self._ask("GET", "settled")
        return found

    def defect(self, kind: str, *, label: str, vendor: str, **more: Any) -> dict[str, Any]:
        """The settlement will say something wrong, as settlement/README.md lists: payment_id, of, amount_minor,
        currency. Refused where that cannot be."""
        found: dict[str, Any] = self._ask("POST", "defects", {"kind": kind, "label": label, "vendor": vendor, **more})
        return found

    def defects(self) -> list[dict[str, Any]]:
        """All of them, with what they change."""
        found: list[dict[str, Any]] = self._ask("GET", "defects")
        return found

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode("utf-8")
        request = urllib.request.Request(f"{self._control}/{path}", data=data, method=method)
        try:
            with self._opener.open(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise LocalRefused(f"the gateway simulator: {error.read().decode('utf-8', 'replace')}") from None
        except OSError as error:
            raise LocalRefused(f"the gateway simulator at {self._control} does not answer: {error}") from None
