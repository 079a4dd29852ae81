"""Installing the server: only a whole one appears, whoever interrupts or joins in. Maven is played by a script."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.errors import LocalRefused
from infra.local.trino import install, java

JARS = {"lib/a.jar": b"a", "plugin/hive/b.jar": b"b"}

GOOD = """
for word in "$@"; do case $word in -Dstaging=*) staging=${word#-Dstaging=};; esac; done
mkdir -p $staging/lib $staging/plugin/trino-hive-435 $staging/markers
printf a > $staging/lib/a.jar
printf b > $staging/plugin/trino-hive-435/b.jar
"""


class Machine:
    """A machine whose Maven does what a script says."""

    def __init__(self, folder: Path) -> None:
        self.maven = folder / "mvn"
        self.target = folder / "cache" / "trino"
        self.runs = folder / "runs"
        self.play(GOOD)

    def play(self, script: str) -> None:
        """From now on Maven runs `script`; each run is counted."""
        self.maven.write_text(f"#!/bin/sh\necho run >> {self.runs}\n{script}", encoding="utf-8")
        self.maven.chmod(0o755)

    def count(self) -> int:
        """How often Maven ran."""
        return len(self.runs.read_text(encoding="utf-8").splitlines()) if self.runs.exists() else 0


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with Java and Maven, and a short list of jars."""
    made = Machine(tmp_path)
    sums = tmp_path / "jars.sha256"
    sums.write_text("".join(f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in JARS.items()))
    monkeypatch.setattr(install, "CHECKSUMS", sums)
    monkeypatch.setattr(install.check, "__defaults__", (sums,))
    monkeypatch.setattr(install, "_compile", lambda *_: None)
    monkeypatch.setattr("infra.local.trino.install.time.sleep", lambda _: None)
    monkeypatch.setattr(java, "javac", lambda: Path("javac"))
    monkeypatch.setattr(java, "maven", lambda: made.maven)
    return made


def left(machine: Machine) -> set[str]:
    """What the cache holds besides the lock."""
    return {path.name for path in machine.target.parent.iterdir()} - {"trino.lock"}


def test_a_whole_server_appears_and_is_not_fetched_again(machine: Machine) -> None:
    for _ in range(2):
        assert install.install(machine.target) == machine.target
    assert machine.count() == 1
    assert {name: (machine.target / name).read_bytes() for name in JARS} == JARS
    assert left(machine) == {"trino"}


def test_two_at_once_fetch_it_once(machine: Machine) -> None:
    machine.play("sleep 0.5\n" + GOOD)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: install.install(machine.target), range(2)))
    assert machine.count() == 1


def test_another_jar_than_the_listed_is_never_installed(machine: Machine) -> None:
    machine.play(GOOD + "printf x > $staging/lib/a.jar\n")
    with pytest.raises(LocalRefused, match=r"lib/a\.jar has other bytes; nothing was installed"):
        install.install(machine.target)
    assert not install.installed(machine.target)
    assert not machine.target.exists()


def test_a_failing_maven_is_tried_thrice_and_quoted(machine: Machine) -> None:
    machine.play("echo '[ERROR] no such host'; exit 1\n")
    with pytest.raises(LocalRefused, match=r"could not fetch(?s:.*)no such host"):
        install.install(machine.target)
    assert machine.count() == 3
    assert not install.installed(machine.target)


def test_what_an_interrupted_install_left_is_made_anew(machine: Machine) -> None:
    staging = machine.target.with_suffix(".part") / "lib"
    staging.mkdir(parents=True)
    (staging / "half.jar").write_bytes(b"")
    install.install(machine.target)
    assert left(machine) == {"trino"}


def test_an_older_server_is_replaced(machine: Machine) -> None:
    install.install(machine.target)
    (machine.target / install.CHECKSUMS.name).write_text("another list")
    (machine.target / "lib" / "old.jar").write_bytes(b"")
    install.install(machine.target)
    assert machine.count() == 2
    assert not (machine.target / "lib" / "old.jar").exists()
