"""The simulator as a child process."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from infra.local.gateways.client import Client
from infra.local.gateways.wire import ADYEN_ACCOUNT, STRIPE_ACCOUNT, Secrets
from infra.local.guard import child_environment
from infra.local.processes import Server, answers

START_SECONDS = 30.0
_ROOT = Path(__file__).resolve().parents[3]


@dataclass
class GatewaySimulator:
    """A running simulator: where each API is, `client` to tell it what to do, `folder` with its book and log."""

    endpoint: str
    folder: Path
    server: Server
    secrets: Secrets

    @classmethod
    def start(cls, folder: Path, *, stripe_account: str = STRIPE_ACCOUNT,
              adyen_account: str = ADYEN_ACCOUNT, port: int = 0) -> Self:
        """Starts one on a free port (or on `port`), with the book that `folder` holds from before.

        Raises LocalRefused where it does not answer in time.
        """
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        written = folder / "endpoint"
        written.unlink(missing_ok=True)
        command = [sys.executable, "-m", "infra.local.gateways", "serve", "--folder", str(folder), "--port", str(port),
                   "--stripe-account", stripe_account, "--adyen-account", adyen_account]
        server = Server("the gateway simulator", command, environment=child_environment({"PYTHONPATH": str(_ROOT)}),
                        folder=folder, log=folder / "gateways.log")
        server.wait(lambda: written.exists() and answers(f"{written.read_text()}/_control/health") is not None,
                    seconds=START_SECONDS)
        return cls(written.read_text(encoding="utf-8"), folder, server,
                   Secrets(stripe_account=stripe_account, adyen_account=adyen_account))

    @property
    def stripe_base(self) -> str:
        """What the Stripe SDK is given as the address of its API."""
        return self.endpoint

    @property
    def adyen_base(self) -> str:
        """What stands for https://checkout-test.adyen.com: /v71/payments and the others come after it."""
        return self.endpoint

    @property
    def control(self) -> str:
        """Address of the control paths."""
        return f"{self.endpoint}/_control"

    @property
    def client(self) -> Client:
        """What talks to the control paths."""
        return Client(self.control)

    def keys(self) -> dict[str, str]:
        """The secrets that merchant and gateways share, by their names in the pipeline's secret."""
        return {"stripe_key": self.secrets.stripe_key, "stripe_webhook_secret": self.secrets.stripe_webhook_secret,
                "adyen_key": self.secrets.adyen_key, "adyen_hmac_key": self.secrets.adyen_hmac_key}

    def accounts(self) -> dict[str, str]:
        """Our accounts, by gateway."""
        return {"stripe": self.secrets.stripe_account, "adyen": self.secrets.adyen_account}

    def stop(self, *, keep: bool = False) -> None:
        """Ends it, then removes its folder unless its book is to be kept. May be repeated."""
        self.server.stop()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
