"""Gateways by name, made from settings and secrets when first asked for: a gateway's SDK costs nothing until then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from pipeline.errors import Misused
from pipeline.gateways.port import Gateway
from pipeline.settings import Settings

NAMES = ("stripe", "adyen")


class Gateways:
    """The gateways of this process. Thread-safe."""

    def __init__(self, settings: Settings, secrets: Callable[[], Mapping[str, str]]) -> None:
        """`secrets` gives stripe_key and adyen_key, and is called when the first gateway is made."""
        self._settings = settings
        self._secrets = secrets
        self._made: dict[str, Gateway] = {}
        self._one_at_a_time = threading.Lock()

    def get(self, name: str) -> Gateway:
        """The gateway `name`. Raises Misused for an unknown name and where a setting or secret is missing."""
        with self._one_at_a_time:
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def _make(self, name: str) -> Gateway:
        base = self._settings.values.get(f"{name.upper()}_API_BASE") or None
        if name == "stripe":
            from pipeline.gateways.stripe import StripeGateway

            return StripeGateway(key=self._secret("stripe_key"), account=self._settings.gateway_account("stripe"),
                                 base=base)
        if name == "adyen":
            from pipeline.gateways.adyen import AdyenGateway

            return AdyenGateway(key=self._secret("adyen_key"), base=base)
        raise Misused(f"unknown gateway {name!r}; {' or '.join(NAMES)} is accepted")

    def _secret(self, name: str) -> str:
        value = self._secrets().get(name)
        if not value:
            raise Misused(f"the gateways' secret has no {name}")
        return value
