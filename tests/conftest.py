"""What every test shares: how properties draw their examples, and when a skip is a failure."""

from __future__ import annotations

import os
import signal
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from infra.local.postgres import Database, Postgres
    from infra.local.stack import Stack

ROOT = Path(__file__).resolve().parents[1]
IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")
FROZEN = ("rare_cases", "small", "middle", "large", "world_31", "world_32", "world_33", "world_34")
"""Databases of tests/differential: nothing is added to them once they are declared."""
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "repeatable")

MAY_SKIP = ("samples", "stripe_mock")
"""Markers of tests that may skip in CI too. Everywhere else a skip there means that a part is missing."""

# A run that a shell started in the background inherits interrupts switched off, and with it whatever it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A metric that is on no list fails the test that emits it; where payments are taken it is dropped and told.
os.environ["TELEMETRY_STRICT"] = "1"

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=60, print_blob=True, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "nightly", deadline=None, max_examples=2000, print_blob=True, suppress_health_check=_SLOW_IS_FINE
)
settings.load_profile(PROFILE)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The local stack with Athena's API on DuckDB, one for all tests of this worker: each uses names of its own on it.

    A test that runs our own code on it lays its settings over the process: `with applied(stack.environment())`.
    """
    from infra.local.stack import Stack

    with Stack.start(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def trino_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The local stack with a real Trino server, for tests marked `trino`; one for all tests of this worker."""
    from infra.local.stack import Stack
    from infra.local.trino import install, java

    if why := java.missing():
        pytest.skip(why)
    if not install.installed():
        pytest.skip(f"there is no Trino in {install.home()}: make check installs it")
    with Stack.start(tmp_path_factory.mktemp("trino"), trino=True, frozen=FROZEN) as running:
        yield running


@pytest.fixture(scope="session")
def pipeline_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The local stack with the deployed pipeline (`.pipeline`: api, keys, database, redis, gateways), one per worker.

    Nothing sweeps or relays there by itself: a test invokes Recovery or Relay when it wants to.
    """
    from infra.local.stack import Stack

    still = {"ScheduleState": "DISABLED"}
    with Stack.start(tmp_path_factory.mktemp("pipeline"), pipeline=True, parameters=still) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL server, one for all tests of this worker: each makes databases of its own on it."""
    from infra.local.postgres import Postgres

    running = Postgres.start(tmp_path_factory.mktemp("postgres"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def postgres(postgres_server: Postgres, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of the module's own with the ledger's migrations: `owner_dsn` to look, `app_dsn` to work."""
    from pipeline.ledger.migrate import migrate

    name = request.module.__name__.rpartition(".")[2]
    database = postgres_server.database(f"{name[:40]}_{zlib.crc32(request.node.nodeid.encode()):08x}")
    migrate(database.owner_dsn, database.app_password)
    yield database
    postgres_server.drop(database)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Redis server, one for all tests of this worker: each uses keys of its own on it."""
    from infra.local.redis import Redis

    running = Redis.start(tmp_path_factory.mktemp("redis"))
    yield running.url
    running.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests are spread by group, a file is one unless it says otherwise: its fixtures are made once."""
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(ROOT).as_posix()))


def pytest_report_header(config: pytest.Config) -> str:
    """Say which examples the properties draw."""
    seed = config.getoption("hypothesis_seed", None)
    return f"properties: profile {PROFILE}, {'seed ' + str(seed) if seed else 'the same examples on every run'}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Say how a failure is repeated."""
    if exitstatus == pytest.ExitCode.TESTS_FAILED:
        seed = config.getoption("hypothesis_seed", None)
        again = f"HYPOTHESIS_PROFILE={PROFILE} " if PROFILE != "repeatable" else ""
        option = f" --hypothesis-seed={seed}" if seed else ""
        terminalreporter.write_line(f"repeat with the same examples: {again}.venv/bin/python -m pytest{option} TEST")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test fails, but for the markers of MAY_SKIP."""
    report = yield
    allowed = any(item.get_closest_marker(marker) for marker in MAY_SKIP)
    if IN_CI and report.skipped and not hasattr(report, "wasxfail") and not allowed:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped in CI, where every part must be there: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI a module that skips itself whole fails."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} skipped in CI, where every part must be there: {report.longrepr}"
    return report
