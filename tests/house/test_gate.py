"""The gate cannot be passed by leaving parts out: in CI a skip fails, but for the tests that may."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT

SKIPPING = """
import pytest

def test_skips_inside():
    pytest.skip("no database")

@pytest.mark.skipif(True, reason="no browser")
def test_skips_by_mark():
    pass

@pytest.mark.xfail(reason="known")
def test_is_known_to_fail():
    assert False

@pytest.mark.samples
def test_needs_samples():
    pytest.skip("no samples")

def test_passes():
    pass
"""
SKIPPING_WHOLE = "import pytest\nno_such_part = pytest.importorskip('no_such_part')\n"


def run(folder: Path, **environment: str) -> dict[str, int]:
    """Outcome counts of a small suite that skips in every way, run under the project's own conftest."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_skipping.py").write_text(SKIPPING, encoding="utf-8")
    (folder / "test_skipping_whole.py").write_text(SKIPPING_WHOLE, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = samples\n", encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--tb=no",
        "--continue-on-collection-errors",
    ]
    done = subprocess.run(
        command, cwd=folder, env={**kept, **environment}, capture_output=True, encoding="utf-8", check=False
    )
    return {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1])}


def test_at_the_desk_a_skip_is_a_skip(tmp_path: Path) -> None:
    assert run(tmp_path) == {"passed": 1, "skipped": 4, "xfailed": 1}


def test_in_ci_only_the_samples_may_skip(tmp_path: Path) -> None:
    # A skip before the test begins (by mark, or of the whole module) counts as an error, one inside it as a failure.
    assert run(tmp_path, CI="true") == {"passed": 1, "failed": 1, "errors": 2, "skipped": 1, "xfailed": 1}
