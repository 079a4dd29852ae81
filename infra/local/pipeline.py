"""The real-time half of the stack: database, fence, gateways, and the deployed functions over them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.deploy import MERCHANTS, Deployment, Tell, deploy, invoked, migrated, onboarded
from infra.local.errors import LocalRefused
from infra.local.gateways import GatewaySimulator
from infra.local.merchants import Merchants
from infra.local.postgres import Database, Postgres
from infra.local.processes import Server
from infra.local.redis import Redis


@dataclass
class Pipeline:
    """Everything that takes a payment, over a running emulator; the parts may be killed and restarted one by one."""

    postgres: Postgres
    database: Database
    redis: Redis
    gateways: GatewaySimulator
    merchants: Merchants
    deployment: Deployment
    folder: Path

    @classmethod
    def start(cls, folder: Path, *, aws: Mapping[str, str], tell: Tell, parameters: Mapping[str, str]) -> Self:
        """Starts the parts below `folder`, deploys, migrates, onboards merchants.

        `aws` is the emulator's environment, `parameters` replace those of the template. Raises LocalRefused with
        everything stopped.
        """
        parts: list[Postgres | Redis | GatewaySimulator | Merchants] = []
        try:
            start = time.monotonic()
            parts.append(merchants := Merchants.start(folder / "merchants"))
            parts.append(postgres := Postgres.start(folder / "postgres"))
            parts.append(redis := Redis.start(folder / "redis"))
            parts.append(gateways := GatewaySimulator.start(folder / "gateways"))
            database = postgres.database()
            tell(f"PostgreSQL, Redis and gateways started ({time.monotonic() - start:.1f} s)")
            secrets = {
                "DatabaseSecretId": {"password": database.app_password},
                "DatabaseOwnerSecretId": {"user": database.owner, "password": database.owner_password},
                "GatewaysSecretId": gateways.keys(),
            }
            deployment = deploy(aws, _parameters(database, redis, gateways) | dict(parameters), secrets, tell=tell)
            start = time.monotonic()
            names = migrated(aws, deployment)
            deployment = onboarded(aws, deployment)
            _listening(aws, deployment, merchants)
            gateways.client.webhooks(stripe_url=f"{deployment.api}/v1/webhooks/stripe",
                                     adyen_url=f"{deployment.api}/v1/webhooks/adyen")
            tell(f"{len(names)} migrations applied, {len(deployment.keys)} merchants onboarded "
                 f"({time.monotonic() - start:.1f} s)")
        except BaseException as error:
            for part in reversed(parts):
                part.stop()
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, BotoCoreError | ClientError):
                raise LocalRefused(f"the pipeline could not be deployed: {error}") from error
            raise
        return cls(postgres, database, redis, gateways, merchants, deployment, folder)

    def servers(self) -> dict[str, Server]:
        """The process of each part, by its name."""
        return {"postgres": self.postgres.server, "redis": self.redis.server, "gateways": self.gateways.server,
                "merchants": self.merchants.server}

    def addresses(self) -> dict[str, str]:
        """Address of each part, by its name."""
        return {"api": self.deployment.api, "postgres": f"postgresql://127.0.0.1:{self.postgres.port}",
                "redis": self.redis.url, "gateways": self.gateways.endpoint,
                "merchants": self.merchants.endpoint}

    def environment(self) -> dict[str, str]:
        """Settings of a program that takes payments here, looks at the ledger or at runs, or tells the gateways."""
        keys = {f"PAYMENTS_KEY_{merchant.upper()}": key for merchant, key in self.deployment.keys.items()}
        return {"PAYMENTS_API": self.deployment.api, **keys, "PAYMENTS_DATABASE": self.database.owner_dsn,
                "PAYMENTS_LAKE": f"s3://{self.deployment.outputs['LakeBucketName']}",
                "PAYMENTS_REDIS": self.redis.url, "PAYMENTS_GATEWAYS": self.gateways.control,
                "PAYMENTS_MERCHANTS": self.merchants.control,
                "RECON_RUNS": self.deployment.outputs["ReconRuns"],
                "RECON_TOPIC_ARN": self.deployment.outputs["ReconFlagsArn"]}

    def stop(self) -> None:
        """Ends all parts and removes what they wrote. May be repeated."""
        for part in (self.gateways, self.redis, self.postgres, self.merchants):
            part.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _listening(aws: Mapping[str, str], deployment: Deployment, merchants: Merchants) -> None:
    """Each merchant has an endpoint, whose secret its server knows."""
    merchants.ready()
    for merchant in MERCHANTS:
        made = invoked(aws, deployment.outputs["WebhookEndpointsName"], {
            "action": "create", "merchant_id": merchant, "url": merchants.url(merchant)})
        merchants.client.know(merchant, str(made["secret"]))


def _parameters(database: Database, redis: Redis, gateways: GatewaySimulator) -> dict[str, str]:
    accounts = gateways.accounts()
    return {
        "Target": "local", "SubnetIds": "", "SecurityGroupIds": "", "DatabaseHost": database.host,
        "DatabasePort": str(database.port), "DatabaseName": database.name, "DatabaseUser": database.app,
        "RedisUrl": redis.url, "StripeApiBase": gateways.stripe_base, "AdyenApiBase": gateways.adyen_base,
        "StripeAccount": accounts["stripe"], "AdyenMerchantAccount": accounts["adyen"],
        # The emulator converts while it is called, some milliseconds a line.
        "LakeRecordBytes": "100000", "LakeCallBytes": "200000",
        "WebhookAllowedNetworks": "127.0.0.0/8",
    }
