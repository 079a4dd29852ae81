"""What a function carries: reproducible, small, and enough to load every module of ours."""

from __future__ import annotations

import importlib.metadata
import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import package
from infra.local.deploy import TEMPLATE, read
from infra.local.errors import LocalRefused
from tests.house.tree import modules

OF_THE_LAKE = {"pipeline.schemas.render", "pipeline.schemas.dictionary"}
"""Modules that no function loads."""

LOADS_ALL = """
import importlib, json, sys
sys.path[:] = sys.argv[1:3] + [entry for entry in sys.path if "site-packages" not in entry]
for name in sys.argv[3:]:
    importlib.import_module(name)
places = {name: str(getattr(module, "__file__", "")) for name, module in sys.modules.items()}
assert not [name for name, place in places.items() if "site-packages" in place]
"""


def put(distributions: set[str], folder: Path) -> None:
    """Copies installed distributions into `folder`, as an install of the lock would put them there."""
    folder.mkdir(parents=True)
    for name in distributions:
        for file in importlib.metadata.distribution(name).files or ():
            source = Path(str(file.locate()))
            if ".." not in file.parts and source.suffix not in (".pyc", ".pyi") and source.is_file():
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


def locked() -> set[str]:
    """Names of the lock that are installed here; some are for other Pythons or systems."""
    names = re.findall(r"(?m)^([a-z0-9][a-z0-9._-]*)==", package.LOCK.read_text(encoding="utf-8"))
    here = {d.metadata["Name"].lower().replace("_", "-").replace(".", "-") for d in importlib.metadata.distributions()}
    return set(names) & here


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The package, and what the runtime brings."""
    folder = tmp_path_factory.mktemp("package")
    put(locked() - set(package.IN_THE_RUNTIME), folder / "package")
    put(locked() & set(package.IN_THE_RUNTIME), folder / "runtime")
    with zipfile.ZipFile(io.BytesIO(package.code())) as archive:
        archive.extractall(folder / "package")
    return folder / "package", folder / "runtime"


def test_every_module_loads_with_the_package_alone(places: tuple[Path, Path]) -> None:
    names = [path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path, _ in modules("pipeline")
             if not path.endswith("__main__.py")]  # fmt: skip
    command = [sys.executable, "-I", "-S", "-B", "-c", LOADS_ALL, *map(str, places), *sorted({*names} - OF_THE_LAKE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pipeline.handlers.migrate" in names


def test_the_package_is_small_enough(places: tuple[Path, Path]) -> None:
    content = package.zipped(places[0])
    assert 1_000_000 < len(content) < package.MAX_ZIPPED
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        packages = {name.split("/", 1)[0] for name in archive.namelist()}
    assert packages & {"boto3", "botocore", "jupyterlab", "pandas", "duckdb", "pytest", "infra", "recon"} == set()
    assert {"pipeline", "psycopg", "stripe", "Adyen", "redis", "pydantic"} <= packages


def test_the_code_is_packed_the_same_every_time_with_its_statements(tmp_path: Path) -> None:
    first = package.code()
    assert first == package.code()
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        names = archive.namelist()
    assert "pipeline/ledger/sql/0001_tables.sql" in names
    assert [name for name in names if name.endswith((".md", ".pyc")) or not name.startswith("pipeline/")] == []
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "other.py").write_text("x = 1\n")
    assert package.digest(package.code(tmp_path / "pipeline")) != package.digest(first)


def test_it_is_built_for_what_the_template_runs_on() -> None:
    shared = read(TEMPLATE)["Globals"]["Function"]
    assert shared["Runtime"] == f"python{package.AWS.python}"
    assert package.AWS.platform.startswith(shared["Architectures"][0])
    assert (TEMPLATE.parent / shared["CodeUri"]).resolve() == package.OUT


def test_what_the_runtime_brings_is_left_out_and_hashes_stay() -> None:
    wanted = package._wanted(package.LOCK.read_text(encoding="utf-8"), None)
    assert not re.search(r"(?m)^(boto3|botocore)==", wanted)
    assert wanted.count("==") < wanted.count("--hash=sha256:")
    only = package._wanted(package.LOCK.read_text(encoding="utf-8"), ("boto3",))
    assert re.findall(r"(?m)^(\S+)==", only) == ["boto3"]


def test_what_cannot_be_fetched_is_refused_and_nothing_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "no way to the index")

    monkeypatch.setattr(subprocess, "run", fails)
    with pytest.raises(LocalRefused, match="no way to the index"):
        package.build(tmp_path / "build" / "pipeline.zip")
    assert list(tmp_path.iterdir()) == []
