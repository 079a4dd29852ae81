"""A result is wholly there or not at all, whenever the process dies."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recon.schedule import place
from recon.schedule.place import BadPlace

FILES = ("a.txt", "b.txt")


def _put(out: Path, text: str) -> None:
    with place.building(out) as folder:
        for name in FILES:
            (folder / name).write_text(text, encoding="utf-8")


def _seen(out: Path) -> list[str]:
    return [(out / name).read_text(encoding="utf-8") for name in FILES]


def test_new_and_repeated_results_leave_nothing_beside_them(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "run"
    _put(out, "one")
    _put(out, "two")
    assert _seen(out) == ["two", "two"]
    assert os.listdir(out.parent) == ["run"]


def test_a_failure_leaves_the_old_result(tmp_path: Path) -> None:
    out = tmp_path / "run"
    _put(out, "one")
    with pytest.raises(FileNotFoundError), place.building(out) as folder:
        (folder / "a.txt").rename(folder / "b.txt")
    assert _seen(out) == ["one", "one"]
    assert os.listdir(tmp_path) == ["run"]


def test_without_an_exchange_the_result_is_replaced_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refuses:
        def renameat2(self, *_: object) -> int:
            return -1

        renamex_np = renameat2

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Refuses())
    out = tmp_path / "run"
    _put(out, "one")
    _put(out, "two")
    assert _seen(out) == ["two", "two"]
    assert os.listdir(tmp_path) == ["run"]


KILLED = """
import sys, time
from pathlib import Path
from recon.schedule import place
number = 0
while True:
    number += 1
    with place.building(Path(sys.argv[1])) as folder:
        (folder / "a.txt").write_text(str(number))
        (folder / "b.txt").write_text(str(number))
    print(number, flush=True)
"""


def test_a_kill_at_any_moment_leaves_one_whole_result(tmp_path: Path) -> None:
    out = tmp_path / "run"
    for delay_ms in (0, 3, 7, 11):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(out)], stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(delay_ms / 1000)
            process.send_signal(signal.SIGKILL)
        first, second = _seen(out)
        assert first == second
    _put(out, "last")
    assert os.listdir(tmp_path) == ["run"], "what killed runs left is swept away"


def test_places_that_would_lose_something_are_refused(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.doc").touch()
    a_file = tmp_path / "file"
    a_file.touch()
    link = tmp_path / "link"
    link.symlink_to(other)
    for out, said in [
        (lake / "run", "inside the lake"),
        (lake, "inside the lake"),
        (other, "thesis.doc"),
        (a_file, "not a folder"),
        (link, "not a folder"),
        (a_file / "run", "cannot be made"),
    ]:
        with pytest.raises(BadPlace, match=said):
            place.check(out, files=FILES, lake=lake)
    place.check(tmp_path / "new", files=FILES, lake=lake)
    _put(tmp_path / "run", "one")
    place.check(tmp_path / "run", files=FILES, lake=lake)
