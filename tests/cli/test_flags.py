"""`recon flags`: what a user types, what is answered, and how it ends; and the commands that a flag names, typed."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.local.guard import applied, child_environment, client
from infra.local.stack import Stack
from recon.breaks.run_files import RunFiles
from recon.breaks.update import update
from recon.cli.app import build
from recon.errors import Refused
from recon.store.place import open_place
from tests.breaks.desk import START
from tests.differential import handmade
from tests.factories.finished_run import Found, write_run

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "arn:aws:sns:us-east-1:000000000000:nobody-has-made-it"
Call = Callable[..., Any]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls `recon flags` on a registered run of two causes, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    found = [Found("movement:J1"), Found("line:stripe:t2", "missing_in_ledger", -50, "JPY", severity="warning")]
    run = RunFiles.read(write_run(Path("t7"), found=found))
    update(open_place("lake"), run, actor="ana", now=START)
    return lambda *words: CliRunner().invoke(
        build(["flags"]), ["flags", "--run", "t7", "--lake", "lake", "--runs", "runs", *words])


def refused(done: Any) -> str:
    """What a refused command says."""
    assert isinstance(done.exception, Refused), done.output
    assert done.exception.exit_code == 2
    return str(done.exception)


def test_a_preview_reads_as_it_would_be_sent_and_tells_nobody(call: Call) -> None:
    done = call("--preview")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "2 flag(s) would be sent; nothing was written")
    assert "[break] missing_at_gateway stripe acct_1: 1 new, 1 open (T+7 2026-03-17T00)" in done.output
    assert not Path("runs/flags").exists()
    assert [message["cause"]["class"] for message in json.loads(call("--preview", "--json").output)] == [
        "missing_at_gateway", "missing_in_ledger"]  # fmt: skip


def test_what_is_sent_is_sent_once(call: Call, stack: Stack) -> None:
    arn = client("sns", stack.environment()).create_topic(Name="cli-flags")["TopicArn"]
    with applied(stack.environment()):
        first, again = call("--topic", arn), call("--topic", arn)
    assert first.output == f"2 flag(s) sent to {arn}, of 2 of this run\n"
    assert again.output == f"0 flag(s) sent to {arn}, of 2 of this run; the run had been told of before\n"


def test_a_topic_that_refuses_is_said_and_nothing_is_lost(call: Call, stack: Stack) -> None:
    with applied(stack.environment()):
        said = refused(call("--topic", TOPIC))
        assert "2 of 2 flag(s) due could not be sent" in said
        assert "check account, region and name" in said
        arn = client("sns", stack.environment()).create_topic(Name="cli-flags-later")["TopicArn"]
        assert call("--topic", arn).output.startswith("2 flag(s) sent")


@pytest.mark.parametrize("words, said", [
    ((), "either shows or sends: give --preview, or --topic"),
    (("--preview", "--topic", TOPIC), "either shows or sends"),
    (("--topic", TOPIC, "--json"), "--json is for --preview"),
    (("--topic", "flags"), "no SNS topic; accepted: its ARN"),
    (("--preview", "--run", "nowhere"), "no run at nowhere"),
    (("--preview", "--lake", "nowhere"), "nowhere"),
])  # fmt: skip
def test_what_cannot_be_told_is_refused(call: Call, words: tuple[str, ...], said: str) -> None:
    assert said in refused(call(*words))
    assert not Path("runs/flags").exists()


def test_a_run_that_was_never_registered_is_refused_with_the_next_step(call: Call) -> None:
    write_run(Path("other"), "T+14")
    assert "recon breaks update" in refused(call("--preview", "--run", "other"))


def test_the_commands_that_a_flag_names_open_the_investigation(tmp_path: Path) -> None:
    """On a lake that has every divergence: run, register, flag, then type what the largest flag says."""
    handmade.rare_cases(tmp_path)
    env = child_environment({"PYTHONPATH": str(ROOT)})

    def recon(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "recon.cli.app", *words], cwd=tmp_path, env=env, check=False,
                              capture_output=True, text=True, timeout=300)  # fmt: skip

    first = recon("run", "--window", "T+7", "--as-of", handmade.AS_OF, "--lake", "lake", "--out", "t7")
    assert first.returncode in (0, 3), first.stderr
    assert recon("breaks", "update", "--run", "t7", "--lake", "lake").returncode == 0
    shown = recon("flags", "--run", "t7", "--lake", "lake", "--runs", "runs", "--preview", "--json")
    messages = json.loads(shown.stdout)
    assert len(messages) > 5
    for name, command in messages[0]["commands"].items():
        program, *words = shlex.split(command)
        done = recon(*words)
        assert (program, done.returncode) == ("recon", first.returncode if name == "run" else 0), done.stderr
        assert name == "run" or messages[0]["largest"][0]["case_id"][:6] in done.stdout
    again = json.loads((tmp_path / words[words.index("--out") + 1] / "summary.json").read_text())
    assert again["run_id"] == messages[0]["run_id"]
