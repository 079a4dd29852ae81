"""The deployed LedgerControl: after payments its rows wait in the outbox, and say what the ledger holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from infra.local.deploy import invoked
from tests.integration.site import Site, new_key, order
from tests.ledger.control.book import HOUR, latest, recounted


@pytest.mark.property(72)
def test_what_the_ledger_holds_of_each_hour_waits_for_the_lake(site: Site) -> None:
    for gateway in ("stripe", "adyen"):
        assert site.insist(order(gateway), new_key()).status == 201
    name = site.pipeline.deployment.outputs["LedgerControlName"]
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=24)
    first = invoked(site.aws, name, {"until": until.isoformat()})
    assert first["said"] >= 3
    assert datetime.fromisoformat(first["covers_until"]) >= until
    with psycopg.connect(site.pipeline.database.owner_dsn, autocommit=True) as hand:
        figures, covered = latest(hand)
        assert figures == recounted(hand, covered)
        assert {"RESERVE", "CAPTURE", "COMMIT"} <= {key[2] for key in figures}
        assert sorted(covered) == [min(covered) + n * HOUR for n in range(len(covered))]
    told = [json.loads(row["body"]) for row in site.rows("SELECT body FROM outbox WHERE kind = 'ledger_control'")]
    assert len(told) >= first["said"]
    assert {"RESERVE", "CAPTURE", "COMMIT"} <= {row["step"] for row in told if row["currency"] == "EUR"}
    assert invoked(site.aws, name, {"until": until.isoformat()})["said"] == 0
    # A payment that comes into an hour that has been said leads to a later revision of it.
    assert site.insist(order(), new_key()).status == 201
    assert 3 <= invoked(site.aws, name, {})["said"] <= 8
    assert len([line for line in site.logged("control") if line["outcome"] == "ok"]) >= 3
