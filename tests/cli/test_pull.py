"""`recon pull` as a user types it, from a bucket of the local stack."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import ClientError

from infra.local.guard import applied, child_environment, client
from infra.local.lake import make_bucket
from infra.local.stack import Stack
from recon.cli import pull as command
from recon.errors import Refused
from recon.lake import Lake
from recon.store import s3
from tests.pull.bucket import ENTRIES, OF_WINDOW, STATES, WINDOW, filled

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "pulled"
DAYS = ["--since", str(WINDOW.since), "--until", str(WINDOW.until)]


class Desk:
    """A folder, and a lake on the stack's S3."""

    def __init__(self, folder: Path, stack: Stack) -> None:
        self.folder, self.aws = folder, stack.environment()
        self.s3 = client("s3", self.aws)
        make_bucket(self.s3, BUCKET)
        self.address = f"s3://{BUCKET}/{folder.name}"
        for path, (body, _) in filled().objects.items():
            self.put(path, body)

    def put(self, path: str, body: bytes) -> None:
        """Puts an object."""
        self.s3.put_object(Bucket=BUCKET, Key=f"{self.folder.name}/{path}", Body=body)

    def pull(self, *more: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """`recon pull` from the address into lake."""
        return subprocess.run(self.words(*more), cwd=self.folder, env=self.settings(**settings), check=False,
                              capture_output=True, text=True, timeout=120)  # fmt: skip

    def words(self, *more: str) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", "recon.cli.app", "pull", "--from", self.address, "--lake", "lake", *DAYS, *more]

    def settings(self, **more: str) -> dict[str, str]:
        """The environment of the command."""
        return child_environment(self.aws | {"PYTHONPATH": str(ROOT)} | more)


@pytest.fixture
def desk(stack: Stack, tmp_path: Path) -> Desk:
    """A desk of the test's own."""
    return Desk(tmp_path, stack)


def test_a_pull_says_what_it_did_as_a_sentence_and_as_json(desk: Desk) -> None:
    first = desk.pull()
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("lake: 4 objects fetched (0.0 MB), 0 unchanged; of 2026-03-10 to 2026-03-12 there "
                                   "are now 1 of ledger_control, 1 of ledger_entries, ")
    [item] = Lake(desk.folder / "lake").objects("ledger_entries")
    landed = desk.s3.head_object(Bucket=BUCKET, Key=f"{desk.folder.name}/{ENTRIES}")["LastModified"]
    assert (item.path, item.rows, item.landed_at) == (ENTRIES, 3, landed)
    desk.s3.delete_object(Bucket=BUCKET, Key=f"{desk.folder.name}/{STATES}")
    again = desk.pull("--json")
    assert json.loads(again.stdout) == {
        "from": desk.address, "lake": "lake", "since": "2026-03-10", "until": "2026-03-12", "objects": 3,
        "tables": dict.fromkeys(["ledger_control", "ledger_entries", "payment_events", "payment_states"], 1),
        "fetched": [], "fetched_bytes": 0, "unchanged": 3, "gone": [STATES], "refused": []}  # fmt: skip
    assert f"gone: 1 objects are no longer at {desk.address}; they stay here" in desk.pull().stderr


def test_a_corrupt_object_ends_with_2_and_its_name_and_the_others_are_here(desk: Desk) -> None:
    desk.put(ENTRIES, b"no parquet")
    done = desk.pull("--json")
    assert done.returncode == 2
    assert [one["path"] for one in json.loads(done.stdout)["refused"]] == [ENTRIES]
    assert done.stderr.startswith(f"refused: 1 of 4 objects of {desk.address} cannot be read and were not brought")
    assert f"{ENTRIES}: it cannot be read as Parquet" in done.stderr
    assert sorted(json.loads(done.stdout)["fetched"]) == sorted({*OF_WINDOW} - {ENTRIES})


def test_on_a_terminal_it_shows_how_far_it_is(desk: Desk) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(desk.words(), cwd=desk.folder, env=desk.settings(TERM="xterm"), stdout=subprocess.PIPE,
                          stderr=theirs) as running:  # fmt: skip
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4_096):
                shown += piece
        except OSError:
            pass  # the other end is closed
    os.close(ours)
    assert running.returncode == 0
    assert b"listing" in shown
    assert b"kB" in shown or b"bytes" in shown


@pytest.mark.parametrize("words, said", [
    (["--from", "lake"], "'lake' is no S3 address; accepted: s3://bucket or s3://bucket/prefix"),
    (["--since", "2026-03-12"], "--since 2026-03-12 is not before --until 2026-03-12; accepted: the first day"),
    (["--since", "yesterday"], "--since is 'yesterday'; a date is accepted, e.g. 2026-03-31"),
    (["--until", "2026-02-30"], "--until is '2026-02-30'; a date is accepted"),
    (["--lake", "file"], "lake file is a file; accepted: a folder, or the name of a new one"),
    (["--lake", "file/lake"], "lake file/lake: Not a directory; accepted: a folder that can be written"),
    (["--from", "s3://no-such-bucket-at-all"], "s3://no-such-bucket-at-all cannot be listed: no such bucket"),
    (["--from", f"s3://{BUCKET}/nowhere"], f"no lake at s3://{BUCKET}/nowhere: nothing lies there; expected one"),
])  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_written(desk: Desk, monkeypatch: pytest.MonkeyPatch, words: list[str],
                                                   said: str) -> None:
    monkeypatch.chdir(desk.folder)
    Path("file").write_text("x")
    assert said in _refused(desk, *words)
    assert [path.name for path in desk.folder.iterdir()] == ["file"]


def test_aws_itself_is_not_reached_by_accident(desk: Desk) -> None:
    done = desk.pull(AWS_ENDPOINT_URL="https://s3.example.com")
    assert (done.returncode, done.stdout) == (2, "")
    assert "would reach AWS itself (AWS_ENDPOINT_URL leads away from this machine)" in done.stderr
    assert not (desk.folder / "lake").exists()


@pytest.mark.parametrize("code, said", [
    ("AccessDenied", "access denied"), ("ExpiredToken", "credentials have expired")])  # fmt: skip
@pytest.mark.parametrize("call", ["list_objects_v2", "get_object"])
def test_what_aws_refuses_is_said_plainly(desk: Desk, monkeypatch: pytest.MonkeyPatch, call: str, code: str,
                                          said: str) -> None:
    monkeypatch.chdir(desk.folder)
    real = s3.client

    def refusing(service: str, what: str) -> Any:
        made = real(service, what)

        def refuse(**_: object) -> None:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, call)

        setattr(made, call, refuse)
        return made

    monkeypatch.setattr(s3, "client", refusing)
    assert said in _refused(desk)
    assert not [path for path in desk.folder.rglob("*") if path.is_file() and path.name != ".pull.lock"]


def test_a_window_that_has_nothing_is_told_what_there_is(desk: Desk) -> None:
    done = desk.pull("--since", "2026-05-01", "--until", "2026-05-03")
    assert done.returncode == 0
    assert done.stdout == f"{desk.address} has nothing of 2026-05-01 to 2026-05-03; it holds 2026-03-09 to 2026-03-12\n"


def _refused(desk: Desk, *words: str) -> str:
    """What the command refuses with, in this process; later options win."""
    app = typer.Typer()
    command.register(app)
    with applied(desk.aws), pytest.raises(Refused) as refused:
        typer.main.get_command(app).main(
            ["--from", desk.address, "--lake", "lake", *DAYS, *words], standalone_mode=False)  # fmt: skip
    assert refused.value.exit_code == 2
    return str(refused.value)
