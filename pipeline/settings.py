"""Settings of the pipeline, from environment variables alone; secrets come from Secrets Manager by their ids."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pipeline.errors import Misused


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; `of` names a missing or unreadable variable. Durations in seconds where named _s."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Settings of `environment` (None: this process's)."""
        return cls(os.environ if environment is None else environment)

    def text(self, name: str, default: str | None = None) -> str:
        """A variable as it stands. Raises Misused where it is absent or empty and has no default."""
        value = self.values.get(name) or default
        if value is None:
            raise Misused(f"the setting {name} is missing")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number. Raises Misused."""
        value = self.text(name, None if default is None else str(default))
        try:
            return int(value)
        except ValueError:
            raise Misused(f"the setting {name} is {value!r}; a whole number is accepted") from None

    def seconds(self, name: str, default: float | None = None) -> float:
        """A number of seconds, fractions allowed. Raises Misused."""
        value = self.text(name, None if default is None else str(default))
        try:
            return float(value)
        except ValueError:
            raise Misused(f"the setting {name} is {value!r}; a number of seconds is accepted") from None

    @property
    def saga_lease(self) -> timedelta:
        """How long a saga may hold a payment; longer than the state machine's execution timeout."""
        return timedelta(seconds=self.seconds("SAGA_LEASE_S", 90))

    @property
    def authorize_budget_s(self) -> float:
        """Hard stop of an authorisation."""
        return self.seconds("AUTHORIZE_BUDGET_S", 12)

    @property
    def capture_budget_s(self) -> float:
        """Hard stop of a capture, void or refund."""
        return self.seconds("CAPTURE_BUDGET_S", 8)

    @property
    def routes(self) -> dict[str, str]:
        """Gateway by currency, `*` for the rest. Raises Misused."""
        try:
            found = json.loads(self.text("GATEWAY_ROUTES", '{"EUR": "adyen", "GBP": "adyen", "*": "stripe"}'))
            return {str(currency): str(gateway) for currency, gateway in found.items()}
        except (ValueError, AttributeError):
            raise Misused("the setting GATEWAY_ROUTES is no JSON object of currency and gateway") from None

    def gateway_account(self, gateway: str) -> str:
        """Our account at the gateway, from STRIPE_ACCOUNT or ADYEN_MERCHANT_ACCOUNT. Raises Misused."""
        return self.text({"stripe": "STRIPE_ACCOUNT", "adyen": "ADYEN_MERCHANT_ACCOUNT"}[gateway])
