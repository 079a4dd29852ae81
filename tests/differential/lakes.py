"""Which lakes are compared, in which windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from infra.local.guard import applied, client
from infra.local.lake import declare, make_bucket, upload
from infra.local.stack import Stack
from recon.engine.open import open_engine
from recon.feeds.ingest import ingest
from recon.feeds.options import ReadOptions
from recon.lake import Lake
from recon.latency.request import Request as Measured
from recon.latency.result import LatencyResult
from recon.latency.run import measure
from recon.match.request import Request
from recon.match.result import RunResult
from recon.match.run import reconcile
from recon.worlds.build import WorldSpec, build_world
from tests.differential import handmade
from tests.differential.recorder import Answer, Recorder
from tests.factories.latency import mixed as lives

BUCKET = "differential-lakes"


@dataclass(frozen=True, slots=True)
class Case:
    """One run: a lake by name, its window and as_of."""

    lake: str
    window: str
    as_of: str


def world(seed: int, payments: int, days: int) -> Callable[[Path], Path]:
    """Makes the lake of a world, its files ingested."""
    def make(root: Path) -> Path:
        build_world(WorldSpec(seed, payments, days), root / "world")
        lake = root / "world" / "lake"
        ingest([root / "world" / "feeds"], lake, ReadOptions(), lambda: datetime(2026, 4, 30, tzinfo=UTC))
        return lake

    return make


LAKES: dict[str, Callable[[Path], Path]] = {
    "rare_cases": handmade.rare_cases,
    "lives": lives,
    "small": world(21, 1_500, 16),
    "middle": world(22, 3_000, 12),
    "large": world(23, 5_000, 12),
}

CASES = (
    Case("rare_cases", "T+7", handmade.AS_OF),
    Case("small", "hourly", "2026-03-05T08:00:00Z"),
    Case("middle", "T+7", "2026-03-11"),
    Case("large", "hourly", "2026-03-08T09:00:00Z"),
)

WINDOWS = (
    ("lives", "2026-03-05T08:00:00Z", "2026-03-05T12:00:00Z", "all"),
    ("lives", "2026-03-05T10:00:00Z", "2026-03-06", "adyen"),
)
"""A lake by name, since, until and gateway: what is measured of how long payments took."""

_MORE = {31: 24, 32: 24, 33: 24, 34: 45}
LAKES |= {f"world_{seed}": world(seed, 4_000, days) for seed, days in _MORE.items()}
MORE_CASES = (
    *(Case(f"world_{seed}", "T+7", f"2026-03-{day}") for seed in (31, 32, 33) for day in (14, 20, 25)),
    Case("world_34", "T+30", "2026-04-12"),
    Case("world_34", "T+14", "2026-04-02"),
    Case("large", "T+7", "2026-03-13"),
    Case("large", "T+14", "2026-03-20"),
)
"""Those of a night."""


class Made:
    """Lakes in a folder, each made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = cache(self._make)
        self._uploaded: set[tuple[str, str]] = set()

    def upload(self, name: str, stack: Stack) -> str:
        """Puts the lake on the stack's S3, declares it as database of the same name and returns its address."""
        settings = stack.environment()
        if (name, stack.emulator.endpoint) not in self._uploaded:
            make_bucket(client("s3", settings), BUCKET)
            upload(self.path(name), BUCKET, name, aws=settings)
            declare(BUCKET, name, name, aws=settings)
            self._uploaded.add((name, stack.emulator.endpoint))
        return f"s3://{BUCKET}/{name}"

    def _make(self, name: str) -> Path:
        return LAKES[name](self._folder / name)


@contextmanager
def on_stack(stack: Stack, database: str) -> Iterator[None]:
    """This process talks to the stack, and to the lake's tables in `database`."""
    more = {"RECON_ATHENA_DATABASE": database, "RECON_TRINO_LAKE": f"lake.{database}"}
    with applied(stack.environment() | more):
        yield


def run(case: Case, engine: str, address: str) -> tuple[RunResult, list[Answer]]:
    """The run of `case` on an engine, and what each of its queries answered."""
    request = Request.parse(window=case.window, as_of=case.as_of, lake=address, engine=engine)
    with Recorder.over(lambda catalog: open_engine(engine, Lake(address).root, catalog=catalog)) as recorder:
        return reconcile(request, engine=recorder), recorder.answers


def measured(window: tuple[str, str, str, str], engine: str, address: str) -> tuple[LatencyResult, list[Answer]]:
    """The measurement of `window` on an engine, and what each of its queries answered."""
    _, since, until, gateway = window
    request = Measured.parse(since=since, until=until, gateway=gateway, lake=address, engine=engine)
    with Recorder.over(lambda catalog: open_engine(engine, Lake(address).root, catalog=catalog)) as recorder:
        return measure(request, engine=recorder), recorder.answers
