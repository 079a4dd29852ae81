"""Gateways by name: from settings and secrets, and with nothing imported that is not asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.errors import Misused
from pipeline.gateways.port import Authorization
from pipeline.gateways.registry import NAMES, Gateways
from pipeline.money import Money
from pipeline.outcomes import Outcome
from pipeline.settings import Settings
from tests.gateways.scripted import ScriptedServer, answering

SECRETS = {"stripe_key": "sk_test_1", "adyen_key": "AQE1"}
ACCOUNTS = {"STRIPE_ACCOUNT": "acct_1", "ADYEN_MERCHANT_ACCOUNT": "ShopECOM"}


@pytest.mark.parametrize("name, key", [("stripe", "authorization"), ("adyen", "x-api-key")])
def test_address_and_key_come_from_settings_and_secrets(name: str, key: str) -> None:
    with ScriptedServer(answering(429, "{}")) as server:
        settings = Settings.of({**ACCOUNTS, f"{name.upper()}_API_BASE": server.base})
        gateway = Gateways(settings, lambda: SECRETS).get(name)
        wanted = Authorization(77, Money(100, "EUR"), "pm_1", settings.gateway_account(name), "merchant-1")
        assert gateway.name == name
        assert gateway.authorize(wanted, key="77", budget_s=10).outcome is Outcome.RETRYABLE
        assert server.only.headers[key].endswith(SECRETS[f"{name}_key"])


def test_a_gateway_is_made_once_and_secrets_are_read_only_then() -> None:
    asked: list[int] = []

    def secrets() -> dict[str, str]:
        asked.append(1)
        return SECRETS
    gateways = Gateways(Settings.of(ACCOUNTS), secrets)
    assert asked == []
    assert gateways.get("stripe") is gateways.get("stripe")
    assert len(asked) == 1
    assert {gateways.get(name).name for name in NAMES} == set(NAMES)


@pytest.mark.parametrize("name, settings, secrets, what", [
    ("paypal", ACCOUNTS, SECRETS, "stripe or adyen"), ("stripe", {}, SECRETS, "STRIPE_ACCOUNT"),
    ("stripe", ACCOUNTS, {}, "stripe_key"), ("adyen", ACCOUNTS, {"adyen_key": ""}, "adyen_key"),
    ("adyen", {"ADYEN_API_BASE": "http://elsewhere.example"}, SECRETS, "https")])
def test_what_is_missing_is_named(
        name: str, settings: dict[str, str], secrets: dict[str, str], what: str) -> None:
    with pytest.raises(Misused, match=what):
        Gateways(Settings.of(settings), lambda: secrets).get(name)


@pytest.mark.parametrize("modules, absent", [
    ("registry, webhooks, events, retention, port, lock_port", ("stripe", "Adyen", "redis", "requests")),
    ("stripe", ("Adyen", "redis")), ("adyen", ("stripe", "redis")), ("lock", ("stripe", "Adyen"))])
def test_a_module_imports_no_sdk_but_its_own(modules: str, absent: tuple[str, ...]) -> None:
    lines = [f"import pipeline.gateways.{name}" for name in modules.split(", ")]
    script = "\n".join(["import sys", *lines, f"print([name for name in {absent!r} if name in sys.modules])"])
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
