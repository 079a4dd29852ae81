"""A whole story, stage by stage: while the stack runs, and after it has been stopped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.local.errors import LocalRefused
from infra.local.gateways.client import Client
from infra.local.stack import Stack
from infra.local.story import lake_objects, provenance, trails
from infra.local.story.befall import Payment, befall, plain
from infra.local.story.books import Row, entries_of, facts_of, read_ledger
from infra.local.story.commands import Recon
from infra.local.story.delivery import Delivery, Scheduled
from infra.local.story.due import expectations
from infra.local.story.errors import StageFailed
from infra.local.story.facts import DAY, HOUR, Entry, Facts, hour_of, rfc, runs_of
from infra.local.story.folder import Folder
from infra.local.story.holes import chosen
from infra.local.story.lake_objects import Object
from infra.local.story.plant import Planting, given_back
from infra.local.story.telling import Telling
from infra.local.story.truth import Truth, truth_of, unnamed
from infra.local.story.truth_file import write_reference, write_truth
from infra.local.story.verdict import Verdict, reconciled
from infra.local.traffic import ledger as traffic_ledger
from infra.local.traffic.books import book_equals_ledger
from infra.local.traffic.run import Driven, driven
from infra.local.traffic.run import Wanted as Traffic
from infra.local.traffic.settle import settle

QUIET = {"ScheduleState": "DISABLED"}
"""Nothing runs by schedule: the story asks recovery, relay and control itself."""
SETTLED = 10 * DAY
"""How far the gateways settle: past the day as of which T+7 looks, over any holidays."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a story is to tell; `patience_s` bounds how long recovery is waited for."""

    payments: int
    concurrency: int
    seed: int
    patience_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Happened:
    """What the stack leaves behind: payments and answers, both books, the facts, what was injected, and the trail."""

    driven: Driven
    ledger: Mapping[str, Sequence[Row]]
    book: Sequence[Row]
    facts: Facts
    planted: Sequence[Row]
    executions: Mapping[int, Sequence[str]]
    webhooks: Mapping[int, Sequence[str]] | None
    instants: Sequence[datetime]
    accounts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """How a story went."""

    happened: Happened
    verdicts: Sequence[Verdict]
    links: Mapping[str, Mapping[str, int]]
    unlinked: Sequence[Row]

    @property
    def holds(self) -> bool:
        """Whether every run is clean and every link is there."""
        return not any(verdict.faults for verdict in self.verdicts) and not self.unlinked


def tell(folder: Folder, wanted: Wanted, telling: Telling, *, parameters: Mapping[str, str] | None = None) -> Told:
    """The whole story; the stack is stopped however it ends. Raises LocalRefused where the stack cannot start, later
    StageFailed."""
    with telling.within("stack", "PostgreSQL, Redis, gateways and the emulator; everything is deployed"):
        stack = Stack.start(folder.stack, pipeline=True, parameters={**QUIET, **(parameters or {})}, tell=telling.say)
    try:
        happened = _while_it_runs(stack, folder, wanted, telling)
    except LocalRefused as refused:
        # What was there when it began has ended since.
        raise StageFailed(f"{refused}; {stack.ended() or 'all parts still ran'}") from refused
    finally:
        stack.stop()
    truths = _truths(folder, happened, wanted)
    recon = Recon(folder.logs, {})
    with telling.within("ingest", "the settlement files that the gateways delivered"):
        recon.run("ingest", folder.feeds, "--lake", folder.lake)
    verdicts: list[Verdict] = []
    with telling.within("runs", f"{len(truths)}, two at a time, each scored against what happened"):
        telling.stage("runs", len(truths))

        def done(verdict: Verdict) -> None:
            telling.advance()
            telling.say(verdict.line())

        verdicts += reconciled(recon, folder, truths, done)
    with telling.within("latency", "how long all of it took, in a notebook"):
        since, until = min(happened.instants), max(happened.instants)
        recon.run("latency", "--since", rfc(hour_of(since)), "--until", rfc(hour_of(until) + HOUR), "--lake",
                  folder.lake, "--out", folder.latency)
    with telling.within("provenance", "from every request to its settlement line"):
        trail = trails.trail_of(folder.lake, happened.ledger, happened.book, happened.facts, happened.planted,
                                happened.executions, happened.webhooks)
        rows = provenance.linked(trails.asked_of(happened.driven), trail)
        provenance.write(rows, folder.root / "provenance.parquet")
    return Told(happened, verdicts, provenance.counts(rows), [row for row in rows if row["unexplained"]])


def _while_it_runs(stack: Stack, folder: Folder, wanted: Wanted, telling: Telling) -> Happened:
    assert stack.pipeline is not None
    aws, outputs, keys = stack.environment(), stack.pipeline.deployment.outputs, stack.pipeline.deployment.keys
    dsn, gateways = aws["PAYMENTS_DATABASE"], Client(aws["PAYMENTS_GATEWAYS"])
    delivery = Delivery(aws, outputs["LakeBucketName"])
    begun = datetime.now(UTC)
    with telling.within("traffic", f"{wanted.payments} payments with faults over HTTP, seed {wanted.seed}"):
        asked = Traffic(wanted.payments, wanted.concurrency, wanted.seed, wanted.patience_s, doubts_first=True)
        with Scheduled(delivery):
            made = driven(aws, keys, asked, telling)
        _require_checks(made)
        befell = _befallen(aws, dsn, gateways, made, wanted, telling)
    with telling.within("lake", "what the ledger committed, as Parquet in the bucket"):
        delivery.relay()
        ledger = read_ledger(dsn)
        require_captures(ledger)
        entries = entries_of(ledger)
        objects, missing = _spoiled(delivery, delivery.arrived(entries), entries, befell, telling)
        counted = delivery.control(hour_of(datetime.now(UTC)) + 2 * HOUR)
    with telling.within("settlement", "the gateways settle over the following business days"):
        planted = _planted(gateways, ledger, made, befell, missing, wanted)
        telling.say(f"{len(planted)} divergences injected into it, of {len({row['label'] for row in planted})} kinds")
        until = hour_of(datetime.now(UTC)).replace(hour=0) + SETTLED
        delivered = gateways.settle(folder.feeds, rfc(until), quiet_since=rfc(hour_of(begun).replace(hour=0)))
        telling.say(f"{len(delivered)} files until {until:%Y-%m-%d}")
    book = gateways.book()
    instants = [entry.at for entry in entries] + [datetime.fromisoformat(row["at"]) for row in book] + [
        datetime.fromtimestamp(row["at"] / 1000, UTC) for row in planted]
    hours = sorted({hour_of(at) for at in instants})
    delivery.counted(hours)
    facts = facts_of(ledger, book, gateways.settled(), delivered, missing=missing,
                     repeated=lake_objects.repeated(objects),
                     controlled_until={hour: min(hour + HOUR, counted) for hour in hours})
    with telling.within("pull", "the lake's bucket into a folder"):
        Recon(folder.logs, aws).run("pull", "--from", aws.get("PAYMENTS_LAKE", f"s3://{delivery.bucket}"), "--lake",
                                    folder.lake, "--since", f"{min(instants):%Y-%m-%d}", "--until",
                                    f"{max(instants) + DAY:%Y-%m-%d}")
        ran = trails.executions(aws, (outputs["SagaArn"], outputs["UnwindArn"]))
        heard = trails.received(aws["PAYMENTS_MERCHANTS"], ledger) if "PAYMENTS_MERCHANTS" in aws else None
    return Happened(made, ledger, book, facts, planted, ran, heard, instants, stack.pipeline.gateways.accounts())


def _require_checks(made: Driven) -> None:
    broken = [check for check in made.summary.checks if not check.holds]
    if broken:
        said = [f"{check.name}: {fault.where} {fault.why}" for check in broken for fault in check.faults[:3]]
        raise StageFailed("\n".join(["after the traffic it does not hold that", *said]))


def require_captures(ledger: Mapping[str, Sequence[Row]]) -> None:
    """Raises StageFailed where no payment was captured: then nobody has reached a gateway."""
    if not any(row["step"] == "CAPTURE" for row in ledger["movements"]):
        raise StageFailed(f"of {len(ledger['payments'])} payments none was captured: the gateways were not reached")


def _befallen(aws: Mapping[str, str], dsn: str, gateways: Client, made: Driven, wanted: Wanted,
              telling: Telling) -> dict[str, list[Payment]]:
    """What happens to payments later has happened, and everybody knows."""
    befell = befall(gateways, plain(read_ledger(dsn), gateways.book(), made.summary.run), wanted.seed)
    telling.stage(", ".join(f"{len(some)} {kind.replace('_', ' ')}" for kind, some in befell.items()))
    left = settle(dsn, gateways, aws, patience_s=wanted.patience_s, tell=telling.tell)
    if left.left or left.webhooks_left:
        raise StageFailed(f"{left.left} payments are unfinished, {left.webhooks_left} webhooks were not taken")
    books = book_equals_ledger(traffic_ledger.read(dsn), gateways.book())
    if not books.holds:
        raise StageFailed(f"{books.name} does not hold: {books.faults[0].where} {books.faults[0].why}")
    return befell


def _spoiled(delivery: Delivery, objects: list[Object], entries: Sequence[Entry], befell: Mapping[str, list[Payment]],
             telling: Telling) -> tuple[list[Object], list[Entry]]:
    """One object is lost and one comes twice; the objects that lie there then, and the entries that do not."""
    touched = {payment.payment_id for some in befell.values() for payment in some}
    lost, again = chosen(objects, entries, touched)
    telling.say(f"{len(objects)} objects, {len(entries)} entries")
    if lost:
        lake_objects.remove(delivery.s3, delivery.bucket, lost)
        telling.say(f"lost on purpose: {lost.key}, {len(lost.rows)} entries")
    if again:
        telling.say(f"delivered twice on purpose: {lake_objects.deliver_again(delivery.s3, delivery.bucket, again)}")
    there = lake_objects.read(delivery.s3, delivery.bucket)
    return there, lake_objects.missing(there, entries)


def _planted(gateways: Client, ledger: Mapping[str, Sequence[Row]], made: Driven, befell: Mapping[str, list[Payment]],
             missing: Sequence[Entry], wanted: Wanted) -> list[Row]:
    book, touched = gateways.book(), {payment for some in befell.values() for payment in some}
    disputed = [payment for payment in befell["chargeback"] if payment not in befell["chargeback_reversal"]]
    open_ones = [payment for payment in plain(ledger, book, made.summary.run) if payment not in touched]
    return Planting(gateways, open_ones, given_back(ledger, book), disputed, missing, wanted.seed,
                    times=1 + wanted.payments // 1000).plant()


def _truths(folder: Folder, happened: Happened, wanted: Wanted) -> list[Truth]:
    """The truth of each run, written where `recon score` looks for it."""
    expected = expectations(dict(happened.accounts))
    truths = [truth_of(happened.facts, expected, run) for run in runs_of(happened.instants)]
    for truth in truths:
        if left := unnamed(happened.facts, truth):
            raise StageFailed(f"the truth of {truth.run.name} leaves {left} without a name")
        if truth.run.known_at <= datetime.now(UTC):
            raise StageFailed(f"{truth.run.name} would look at what has not come by then: the story took too long")
    days = [at.date() for at in happened.instants]
    write_reference(folder.lake, expected, min(days) - 30 * DAY, max(days) + 120 * DAY)
    write_truth(folder.world, truths, {
        "seed": wanted.seed, "payments": wanted.payments,
        "injected": [{name: row[name] for name in ("number", "label", "kind", "vendor", "payment_id")}
                     for row in happened.planted]})
    return truths


def summary(told: Told, seconds: Mapping[str, float]) -> dict[str, Any]:
    """story.json."""
    labels = [row["label"] for row in told.happened.planted]
    return {"holds": told.holds, "seconds": dict(seconds), "payments": len(told.happened.ledger["payments"]),
            "injected": {label: labels.count(label) for label in sorted(set(labels))},
            "runs": [verdict.to_dict() for verdict in told.verdicts],
            "links": {name: dict(of) for name, of in told.links.items()},
            "unlinked": [{"reference": row["reference"], "status": row["status"], "missing": row["unexplained"]}
                         for row in told.unlinked]}


def write_summary(folder: Folder, told: Told, seconds: Mapping[str, float]) -> None:
    """Writes story.json."""
    (folder.root / "story.json").write_text(json.dumps(summary(told, seconds), indent=1), encoding="utf-8")
