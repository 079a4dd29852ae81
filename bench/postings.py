"""Postings through the ledger against pgbench running the same SQL, and many merchants against one."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import psycopg

from bench.pgscript import Recorder, script
from bench.ratio import Ratio
from infra.local.postgres import Database as Place
from infra.local.postgres import Postgres
from pipeline.ledger.accounts import Accounts
from pipeline.ledger.connection import Database
from pipeline.ledger.migrate import migrate
from pipeline.ledger.port import Change, JournalStep, NewPayment, Operation, Payment, Posting
from pipeline.ledger.postgres import PostgresLedger
from pipeline.ledger.statuses import Status

BAR = 2.0
MERCHANTS_BAR = 1 / 3
CLIENTS, CROWD = 8, 64
_ROUNDS = 3
_LIVES, _LIVES_SMALL = 60, 4
_HOLDS, _HOLDS_SMALL = 20, 3
COMMIT_MS = 4
"""What a commit takes where storage is replicated between zones; a merchant's other payments wait for it."""
_AT = datetime(2026, 3, 5, 12, tzinfo=UTC)
_LEASE = timedelta(seconds=90)
_MERCHANT = "merchantname"
_OURS = 4 * 10**18
_MODEL = 3_141_592_653_589_793
"""Like nothing else that is sent, so that it is found there."""
_bases = itertools.count(10**15, 10**12)


def measure(scratch: Path, *, small: bool) -> Iterator[Ratio]:
    """Seconds of whole lives of payments, as many clients on both sides; then holds on one merchant and on many."""
    server = Postgres.start(scratch / "postgres")
    try:
        place = server.database()
        migrate(place.owner_dsn, place.app_password)
        _onboard(place)
        _patient(place)
        lives, holds = (_LIVES_SMALL, _HOLDS_SMALL) if small else (_LIVES, _HOLDS)
        yield _against_pgbench(server, place, scratch, lives)
        yield _merchants(server, place, scratch, holds)
    finally:
        server.stop()


def _against_pgbench(server: Postgres, place: Place, scratch: Path, lives: int) -> Ratio:
    whole = scratch / "life.sql"
    sent = _recorded(place, _MODEL)
    text = script(sent, payment_id=_MODEL, merchant_id=_MERCHANT, merchant="'m' || :client_id")
    whole.write_text(text, encoding="utf-8")
    crowd = _Crowd(place.app_dsn, CLIENTS)
    try:
        ours, plain = _least(partial(crowd.live, lives), partial(_pgbench, server, place, whole, CLIENTS, lives))
    finally:
        crowd.end()
    transactions = sum(text == "COMMIT" for text, _ in sent) * lives * CLIENTS
    facts = {"clients": CLIENTS, "payments": lives * CLIENTS, "statements per payment": len(sent),
             "transactions per second": round(transactions / ours)}
    return Ratio("ledger postings, by pgbench's time for the same SQL", ours, plain, BAR, facts=facts)


def _merchants(server: Postgres, place: Place, scratch: Path, holds: int) -> Ratio:
    """What a hold costs in the database itself, under one merchant's limit and under as many as there are clients."""
    sent = _recorded(place, _MODEL + 1)
    work: list[Callable[[], float]] = []
    for name, merchant in (("many", "'m' || :client_id"), ("one", "'m0'")):
        make = partial(script, sent, payment_id=_MODEL + 1, merchant_id=_MERCHANT, merchant=merchant)
        validated, held = scratch / f"{name}-validated.sql", scratch / f"{name}-held.sql"
        validated.write_text(make(until=2), encoding="utf-8")
        held.write_text(make(first=2, until=3), encoding="utf-8")
        bases = [next(_bases) for _ in range(2 * _ROUNDS)]
        for base in bases:
            _pgbench(server, place, validated, CROWD, holds, base)
        work.append(partial(_next_base, partial(_pgbench, server, place, held, CROWD, holds), iter(bases)))
    many, one = _least(*work)
    _slow_commits(server)
    slow_many, slow_one = _least(*work)
    facts = {"clients": CROWD, "holds": holds * CROWD, "milliseconds of a commit": COMMIT_MS,
             "times as fast": round(slow_one / slow_many, 2), "with this disk's commits": round(one / many, 2)}
    return Ratio("64 clients on 64 merchants, by the time on one", slow_many, slow_one, MERCHANTS_BAR, facts=facts)


def _patient(place: Place) -> None:
    """On a busy machine a crowd waits longer than a function would: its seconds are what is measured."""
    with psycopg.connect(place.owner_dsn, autocommit=True) as connection:
        for limit in ("statement_timeout", "lock_timeout"):
            connection.execute(f'ALTER ROLE {place.app} IN DATABASE "{place.name}" SET {limit} = 0'.encode())


def _slow_commits(server: Postgres) -> None:
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET commit_delay = {COMMIT_MS * 1_000}".encode())
        connection.execute("ALTER SYSTEM SET commit_siblings = 0")
        connection.execute("SELECT pg_reload_conf()")


def _onboard(place: Place) -> None:
    database = Database(place.app_dsn)
    accounts = Accounts(database)
    for merchant in (_MERCHANT, *(f"m{number}" for number in range(CROWD))):
        accounts.onboard(merchant, {"EUR": 10**15}, at=_AT)
    database.close()


def _recorded(place: Place, payment_id: int) -> list[tuple[str, dict[str, Any]]]:
    """What one whole life sends."""
    recorder = Recorder(place.app_dsn)
    _life(PostgresLedger(recorder, clock=lambda: _AT), payment_id, _MERCHANT)
    recorder.close()
    return recorder.sent


def _pgbench(server: Postgres, place: Place, file: Path, clients: int, times: int, base: int | None = None) -> float:
    """Seconds of the clients' work, without the time in which they connect."""
    command = [str(server.binaries / "pgbench"), "--no-vacuum", "--protocol=extended", f"--client={clients}",
               "--jobs=2", f"--transactions={times}", f"--define=base={base or next(_bases)}", "--define=n=0",
               f"--file={file}", "--max-tries=1", "--host=127.0.0.1", f"--port={place.port}",
               f"--username={place.app}", place.name]
    done = subprocess.run(command, env={**os.environ, "PGPASSWORD": place.app_password}, capture_output=True, text=True,
                          check=False)
    rate = re.search(r"^tps = ([\d.]+) \(without initial connection time\)", done.stdout, re.MULTILINE)
    if done.returncode or rate is None:
        raise RuntimeError(f"pgbench: {done.stderr.strip()[-2_000:]}")
    return clients * times / float(rate[1])


def _next_base(run: Callable[..., float], bases: Iterator[int]) -> float:
    return run(next(bases))


def _least(*work: Callable[[], float]) -> list[float]:
    """Least seconds of each piece of work, which times itself, taken in turns."""
    best = [float("inf")] * len(work)
    for _ in range(_ROUNDS):
        best = [min(seconds, piece()) for seconds, piece in zip(best, work, strict=True)]
    return best


def _life(ledger: PostgresLedger, payment_id: int, merchant_id: str) -> Payment:
    """A payment from its entering to COMMITTED, as the saga writes it."""
    new = NewPayment(payment_id, merchant_id, 2_500, "EUR", "stripe", "acct_1", "automatic", "pm_card_visa",
                     f"hash-{payment_id}", "trace")
    payment = ledger.open(new, execution="execution", at=_AT, lease_until=_AT + _LEASE)
    for fields in _STEPS:
        made = fields(payment_id)
        payment = ledger.apply(Change(payment_id, payment.fence, payment.version, _AT, **made))
    return payment


def _step(name: str, state: str) -> JournalStep:
    return JournalStep(name, 1, "forward", state, 1)


def _operation(payment_id: int, kind: str, status: str) -> Operation:
    return Operation(payment_id, kind, 1, 2_500, status, f"{payment_id}:{kind}", first_sent_at=_AT)


_STEPS = (
    lambda _: {"status": Status.VALIDATED, "ends": [_step("validate", "done")],
               "updates": {"fraud_decision": "approve", "fraud_score": 1, "fraud_model": "m"}},
    lambda _: {"status": Status.RESERVED, "postings": [Posting("RESERVE", 1, 2_500)],
               "ends": [_step("reserve", "done")]},
    lambda p: {"status": Status.AUTHORIZING, "begins": [_step("authorize", "intended")],
               "operations": [_operation(p, "authorize", "pending")]},
    lambda p: {"status": Status.AUTHORIZED, "ends": [_step("authorize", "done")],
               "updates": {"gateway_ref": "pi_1", "authorized_minor": 2_500},
               "operations": [_operation(p, "authorize", "succeeded")]},
    lambda p: {"status": Status.CAPTURING, "begins": [_step("capture", "intended")],
               "operations": [_operation(p, "capture", "pending")]},
    lambda p: {"status": Status.CAPTURED, "postings": [Posting("CAPTURE", 1, 2_500, "ch_1")],
               "updates": {"captured_minor": 2_500}, "ends": [_step("capture", "done")],
               "operations": [_operation(p, "capture", "succeeded")]},
    lambda _: {"status": Status.COMMITTED, "postings": [Posting("COMMIT", 1, 2_500, fee_minor=75)],
               "ends": [_step("commit", "done")], "release_lease": True},
)


class _Crowd:
    """Clients that are processes of their own, as functions are, each with one connection and one merchant."""

    def __init__(self, dsn: str, clients: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Pipe] = []
        self._processes = []
        for number in range(clients):
            near, far = context.Pipe()
            process = context.Process(target=_client, args=(dsn, number, far), daemon=True)
            process.start()
            self._pipes.append(near)
            self._processes.append(process)
        self.live(1)

    def live(self, lives: int) -> float:
        """Every client takes `lives` payments through their life; seconds until the last has."""
        start = time.perf_counter()
        for pipe in self._pipes:
            pipe.send(lives)
        for pipe in self._pipes:
            if failed := pipe.recv():
                raise RuntimeError(failed)
        return time.perf_counter() - start

    def end(self) -> None:
        """Lets the clients go."""
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.send(0)
            process.join(10)


def _client(dsn: str, number: int, pipe: Pipe) -> None:
    ledger = PostgresLedger(Database(dsn), clock=lambda: _AT)
    ids = itertools.count(_OURS + number * 10**9)
    while lives := pipe.recv():
        try:
            for _ in range(lives):
                _life(ledger, next(ids), f"m{number}")
            pipe.send(None)
        except Exception as error:
            pipe.send(repr(error))
