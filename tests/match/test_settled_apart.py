"""What is left out early, being settled elsewhere, changes nothing of what is said, however tangled the rest."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recon.engine import queries
from recon.engine.duckdb import DuckDbEngine
from recon.engine.port import Scalar
from recon.engine.queries import Query
from recon.match.request import Request
from recon.match.result import RunResult
from recon.match.run import reconcile
from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY

AS_OFS = (("T+7", "2026-03-17"), ("T+7", "2026-03-19"), ("hourly", "2026-03-12T11:00:00Z"))
_FATES = (
    ["pair"] * 12
    + ["movement", "line", "keyless", "crossed", "double", "wrong", "refund", "twice", "copies", "relabelled"]
    + ["same operation", "same reference", "charge of another", "told again", "told otherwise", "no number"]
)


class Tangled:
    """A lake of four days whose payments share hours, amounts and, here and there, keys that they should not."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.lake = LakeBuilder()
        span = (DAY - timedelta(days=30), DAY + timedelta(days=30))
        self.lake.feed("file-2", *span, received_at=DAY + timedelta(days=1))
        for payment_id in range(1, 80):
            self._payment(payment_id, self.draw.choice(_FATES))

    def _payment(self, payment_id: int, fate: str) -> None:
        draw, lake = self.draw, self.lake
        other = draw.randrange(1, 80)
        hours = draw.choice([9, 9, 10, draw.randrange(24)])
        at = DAY + timedelta(days=draw.randrange(-1, 4), hours=hours, seconds=draw.randrange(3_600))
        amount = draw.choice([500, 1_000, draw.randrange(1, 9_999)])
        ref = f"op_CAPTURE_{other if fate == 'same operation' else payment_id}_1"
        gateway_ref = f"pi_{other if fate == 'same reference' else payment_id}"
        said: dict[str, Any] = {"payment_id": payment_id, "operation_ref": ref, "gateway_ref": gateway_ref}
        said["at"] = at + timedelta(seconds=draw.choice([-5, 2, 40, 4_000]))
        if fate != "line":
            lake.movement(payment_id, amount, at=at, operation_ref=ref, gateway_ref=gateway_ref,
                          copies=2 if fate == "copies" else 1)  # fmt: skip
        if fate == "double":
            lake.movement(payment_id, amount, at=at + timedelta(seconds=9), operation_ref=ref, sequence=2)
        if fate == "relabelled":
            # Delivered again as if it were another payment's.
            again = dict(lake.rows["ledger_entries"][-2], payment_id=other, amount_minor=amount + 1)
            lake.rows["ledger_entries"].append(again)
        if fate == "refund":
            lake.movement(payment_id, 100, step="REFUND", at=at + timedelta(hours=30))
            lake.line(f"r{payment_id}", -100, kind="refund", payment_id=payment_id, at=at + timedelta(hours=30))
        if fate == "twice":
            lake.line(f"u{payment_id}", amount, payment_id=payment_id, operation_ref="again", at=at + timedelta(days=1))
        if fate != "movement":
            self._line(payment_id, amount, fate, f"op_CAPTURE_{other}_1", said)

    def _line(self, payment_id: int, amount: int, fate: str, others: str, said: dict[str, Any]) -> None:
        native = f"t{payment_id}"
        if fate == "keyless":
            said |= {"payment_id": None, "operation_ref": None, "gateway_ref": None}
        if fate == "crossed":
            said |= {"payment_id": payment_id + 1}
        if fate == "charge of another":
            said |= {"charge_ref": others}
        if fate == "no number":
            said |= {"payment_ref": None, "operation_ref": self.draw.choice([others, said["operation_ref"], None])}
        self.lake.line(native, amount + (7 if fate == "wrong" else 0), **said)
        if fate == "told again":
            self.lake.line(native, amount, **said | {"file_id": "file-2", "payment_ref": None})
        if fate == "told otherwise":
            self.lake.line(native, amount + 5, **said | {"file_id": "file-2", "operation_ref": others})


def with_all(name: str) -> Query:
    """The shipped queries, but nobody counts as answered alone."""
    if name == "answered_alone":
        nobody = queries.text(name).replace("WHERE\n    t.payment_ref IS NULL", "WHERE\n    t.payment_ref = 'nobody'")
        return queries.parse(name, nobody)
    return queries.load(name)


class Counting(DuckDbEngine):
    """Remembers how many rows each table had that it made last."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.rows: dict[str, int] = {}

    def materialize(self, name: str, query: str, /, **params: Scalar) -> int:
        """See Engine."""
        self.rows[name] = super().materialize(name, query, **params)
        return self.rows[name]


def everything(result: RunResult) -> tuple[Any, ...]:
    """All that a run says, but for how long it took."""
    summary = {name: value for name, value in result.summary.items() if name != "seconds"}
    return result.divergences.to_pylist(), result.matches.to_pylist(), summary


@pytest.mark.parametrize(
    "seed", [1, 2, 3, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(4, 40))]
)
def test_nothing_said_of_a_cohort_depends_on_what_is_settled_apart(tmp_path: Path, seed: int) -> None:
    lake = Tangled(seed).lake.write(tmp_path / "lake")
    for window, as_of in AS_OFS:
        request = Request.parse(window=window, as_of=as_of, lake=str(lake), known_at="2026-04-05")
        with Counting(str(lake)) as engine:
            ours = reconcile(request, engine=engine)
        with DuckDbEngine(str(lake), catalog=with_all) as plain:
            whole = reconcile(request, engine=plain)
        assert engine.rows["answered_alone"] > engine.rows["named_alone"] + 5, (seed, window, engine.rows)
        assert everything(ours) == everything(whole), (seed, window, as_of)
