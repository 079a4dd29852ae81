"""`recon run`: what it refuses before it starts, and what its exit code says."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from recon.cli.app import build
from recon.engine.port import ENGINES
from recon.errors import Refused
from recon.schedule import runner
from recon.schedule.record import Record, RunFailed
from tests.factories.lake import LakeBuilder
from tests.factories.run_result import build as result_of

GOOD = {"--window": "T+7", "--as-of": "2026-03-15"}


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls `recon run` with a runner that leaves a prepared summary instead of starting a notebook."""
    given: list[Mapping[str, object]] = []
    small_lake = LakeBuilder().write(tmp_path / "lake")

    def run(options: dict[str, str], *more: str, status: str = "ok", fails: Exception | None = None) -> Any:
        def ran(parameters: Mapping[str, object], **_: object) -> runner.Ran:
            given.append(parameters)
            if fails:
                raise fails
            out = Path(str(parameters["out"]))
            out.mkdir(exist_ok=True)
            (out / "summary.json").write_text(json.dumps(dict(result_of(status=status).summary)), encoding="utf-8")
            return runner.Ran(out, Record("id", status, {}))

        monkeypatch.setattr(runner, "run", ran)
        lake = {"--lake": str(small_lake), "--out": str(tmp_path / "out")}
        words = [word for pair in {**lake, **options}.items() for word in pair]
        done = CliRunner().invoke(build(["run"]), ["run", *words, *more])
        return done, given

    return run


@pytest.mark.parametrize(
    "options, more, said",
    [
        ({**GOOD, "--window": "T+8"}, (), "window 'T+8' is unknown; accepted: hourly, T+7, T+14, T+30"),
        ({**GOOD, "--as-of": "15.03.2026"}, (), "as_of '15.03.2026' is not a day"),
        ({**GOOD, "--as-of": "2026-02-30"}, (), "2026-02-30"),
        ({"--window": "hourly", "--as-of": "2026-03-15"}, (), "accepted: RFC 3339"),
        ({**GOOD, "--known-at": "soon"}, (), "known_at 'soon'"),
        ({**GOOD, "--engine": "oracle"}, (), "engine 'oracle' is unknown; accepted: duckdb, athena, trino"),
        ({**GOOD, "--lake": "nowhere"}, (), "no lake at nowhere: expected a folder"),
        ({**GOOD, "--as-of": "2028-03-15"}, (), "has nothing of T+7 as of 2028-03-15"),
        ({**GOOD, "--manifest": "nowhere.json"}, (), "manifest nowhere.json cannot be read"),
        (GOOD, ("--fail-on", "missing"), "--fail-on 'missing' is no class of divergence; accepted: ambiguous_match"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_starts(
    call: Any, options: dict[str, str], more: tuple[str, ...], said: str
) -> None:
    done, given = call(options, *more)
    assert isinstance(done.exception, Refused)
    assert said in str(done.exception)
    assert done.exception.exit_code == 2
    assert not given


LOCAL = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
ATHENA = {"RECON_ATHENA_WORKGROUP": "recon", "RECON_ATHENA_SCRATCH": "s3://scratch/athena/"}
TRINO = {"RECON_TRINO_URL": "http://127.0.0.1:1", "RECON_TRINO_SCRATCH_LOCATION": "s3://scratch/trino/"}
ON_S3 = {"--lake": "s3://bucket/lake"}


@pytest.mark.parametrize(
    "engine, environment, more, said",
    [
        ("athena", LOCAL, {}, "engine athena needs RECON_ATHENA_WORKGROUP, e.g. recon; it is not set"),
        ("athena", {**LOCAL, "RECON_ATHENA_WORKGROUP": "recon"}, {}, "engine athena needs RECON_ATHENA_SCRATCH, e.g."),
        ("athena", {**LOCAL, **ATHENA}, {}, r"engine athena reads lakes on S3, and .* is a folder; accepted: --lake"),
        ("athena", {**LOCAL, **ATHENA, "RECON_ATHENA_SCRATCH": "/mine"}, {}, "RECON_ATHENA_SCRATCH is '/mine'; s3://"),
        ("athena", {**LOCAL, **ATHENA, "RECON_BYTES_BUDGET": "lots"}, {}, "RECON_BYTES_BUDGET is 'lots'; a size"),
        ("trino", LOCAL, {}, "engine trino needs RECON_TRINO_URL, e.g."),
        ("trino", {**LOCAL, **TRINO}, {}, r"engine trino reads lakes on S3, and .* is a folder; accepted: --lake"),
        ("trino", {**LOCAL, **TRINO, "RECON_TRINO_URL": "trino:8080"}, {}, "RECON_TRINO_URL is 'trino:8080'; http:"),
        ("trino", {**LOCAL, **TRINO, "RECON_TRINO_URL": "http://trino:x"}, {}, "RECON_TRINO_URL is 'http://trino:x'"),
        *((engine, {}, ON_S3, r"would reach AWS itself \(AWS_ENDPOINT_URL is not set\): set RECON_AWS=allowed if you")
          for engine in ENGINES),
        ("duckdb", {"RECON_AWS": "yes"}, ON_S3, "RECON_AWS is 'yes'; only 'allowed' is accepted"),
        ("duckdb", LOCAL, {"--lake": "s3://B/lake"}, "'s3://B/lake' is no S3 address; accepted: s3://bucket or s3://"),
    ],
)  # fmt: skip
def test_what_an_engine_lacks_is_refused_by_name(
    call: Any, engine: str, environment: dict[str, str], more: dict[str, str], said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in [name for name in os.environ if name.startswith(("AWS_", "RECON_"))]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done, given = call({**GOOD, **more, "--engine": engine})
    assert isinstance(done.exception, Refused), done.output
    assert re.search(said, str(done.exception)), done.exception
    assert done.exception.exit_code == 2
    assert not given


def test_a_misspelt_option_is_refused_by_name(call: Any) -> None:
    done, given = call(GOOD, "--as_off", "x")
    assert done.exit_code == 2
    assert "--as_off" in done.output
    assert not given


@pytest.mark.parametrize(
    "status, fail_on, code",
    [("ok", (), 0), ("waiting", (), 3), ("ok", ("scale_error",), 1), ("waiting", ("feed_late",), 1),
     ("ok", ("refund_failed",), 0), ("ok", ("refund_failed", "scale_error"), 1)],
)  # fmt: skip
def test_the_exit_code_says_how_it_ended(call: Any, status: str, fail_on: tuple[str, ...], code: int) -> None:
    done, _ = call(GOOD, *(word for name in fail_on for word in ("--fail-on", name)), status=status)
    assert done.exit_code == code, done.output


def test_a_failed_notebook_is_told_apart_from_a_refusal(call: Any) -> None:
    done, _ = call(GOOD, fails=RunFailed("the notebook failed in cell 3"))
    assert done.exit_code == 70
    assert "failed: the notebook failed in cell 3" in done.output
    refused, _ = call(GOOD, fails=runner.RefusedInside("no table ledger_entries"))
    assert isinstance(refused.exception, runner.RefusedInside)
    assert refused.exception.exit_code == 2


def test_the_table_shows_every_amount_in_its_own_currency(call: Any, tmp_path: Path) -> None:
    done, _ = call(GOOD)
    for shown in ("9,000,000.03", "12,499.10", "-445,500", "11.111", "scale_error 2"):
        assert shown in done.output
    assert str(tmp_path / "out" / "reconciliation.html") in done.output


def test_json_is_the_summary_and_nothing_else(call: Any) -> None:
    done, given = call({**GOOD, "--known-at": "now"}, "--json")
    assert json.loads(done.stdout)["run_id"]
    assert str(given[0]["known_at"]).endswith("Z"), "now is resolved where the clock may be read"
    assert "manifest" not in given[0]
