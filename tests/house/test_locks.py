"""The locks: every package pinned and hashed, no address, and a pipeline that carries no notebook."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.tree import ROOT

LOCKS = ("requirements.lock", "requirements-pipeline.lock", "requirements-recon.lock", "requirements-setup.lock",
         "requirements-bench.lock")
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)")
NOT_IN_A_LAMBDA = {"jupyterlab", "papermill", "pandas", "duckdb", "plotly", "sqlglot", "pytest", "ruff", "mypy", "uv"}


def entries(lock: str) -> list[str]:
    """The lock's requirements, each joined to one line, comments left out."""
    text = "\n".join(line for line in (ROOT / lock).read_text(encoding="utf-8").splitlines() if "#" not in line)
    return [entry for entry in text.replace("\\\n", " ").splitlines() if entry.strip()]


def pins(lock: str) -> set[tuple[str, str]]:
    """(name, version) of each requirement; a package may have several versions for several Pythons."""
    return {(canonicalize_name(m[1]), m[2]) for m in (PIN.match(entry) for entry in entries(lock)) if m}


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_is_pinned_and_hashed(lock: str) -> None:
    for entry in entries(lock):
        assert PIN.match(entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_an_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-", "\n".join(entries(lock)), re.MULTILINE)


@pytest.mark.parametrize("lock", ["requirements-pipeline.lock", "requirements-recon.lock", "requirements-setup.lock"])
def test_the_smaller_locks_are_part_of_the_whole(lock: str) -> None:
    assert pins(lock) <= pins("requirements.lock")


def test_a_lambda_carries_no_notebook() -> None:
    names = {name for name, _ in pins("requirements-pipeline.lock")}
    assert names.isdisjoint(NOT_IN_A_LAMBDA)
    assert {"psycopg", "redis", "stripe"} <= names


def test_a_scheduled_run_carries_notebooks_and_neither_their_editor_nor_tools() -> None:
    names = {name for name, _ in pins("requirements-recon.lock")}
    assert names.isdisjoint({"jupyterlab", "jupyter-server", "ministack", "pytest", "ruff", "mypy", "uv", "psycopg"})
    assert {"papermill", "ipykernel", "plotly", "pyathena", "duckdb"} <= names


@pytest.mark.parametrize("extra, lock", [
    ("pipeline", "requirements-pipeline.lock"), ("recon", "requirements-recon.lock"),
    ("workbench", "requirements.lock"), ("local", "requirements.lock"), ("dev", "requirements.lock")])  # fmt: skip
def test_the_lock_has_what_the_project_asks_for(extra: str, lock: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = pins(lock)
    for text in project["optional-dependencies"][extra]:
        wanted = Requirement(text)
        if wanted.name == project["name"]:
            # Another extra of ours, which has a row of its own.
            assert wanted.extras <= project["optional-dependencies"].keys()
            continue
        versions = [version for name, version in locked if name == canonicalize_name(wanted.name)]
        assert versions, f"{wanted} is not in {lock}: run `make lock`"
        assert all(wanted.specifier.contains(version) for version in versions), f"{wanted} against {versions}"
