"""What a scheduled run carries: our code with its notebooks, and in its image the locked libraries: they are enough."""

from __future__ import annotations

import ast
import importlib.metadata
import io
import json
import re
import shlex
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from infra import package
from tests.house.tree import ROOT
from tests.infra.test_package import LOADS_ALL

DOCKERFILE = ROOT / "infra" / "recon.Dockerfile"
LOCK = ROOT / "requirements-recon.lock"
HANDLER = "recon.schedule.handler"


def names() -> list[str]:
    """What is in the zip."""
    with zipfile.ZipFile(io.BytesIO(package.recon_code())) as archive:
        return archive.namelist()


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its rest."""
    lines = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line and line[0] != "#")]


def copied() -> dict[str, str]:
    """Each file that the image gets from here, with its place there; folders are copied with what is in them."""
    found = {}
    for word, rest in instructions():
        if word != "COPY":
            continue
        *sources, target = shlex.split(rest)
        for source in sources:
            paths = sorted(ROOT.glob(source))
            assert paths, f"{source} is not there"
            for path in paths:
                for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                    inside = file.relative_to(path).as_posix() if path.is_dir() else path.name
                    if file.is_file():
                        found[file.relative_to(ROOT).as_posix()] = f"{target.rstrip('/')}/{inside}".removeprefix("./")
    return found


def ignored(path: str) -> bool:
    """Whether the build never sees a file, by the rules beside the Dockerfile; the last that fits counts."""
    rules = DOCKERFILE.with_name(f"{DOCKERFILE.name}.dockerignore").read_text(encoding="utf-8").splitlines()
    out = False
    for rule in (rule for rule in rules if rule and rule[0] != "#"):
        pattern = rule.removeprefix("!")
        parts = path.split("/")
        heads = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        if any(fnmatch(head, pattern) or fnmatch(f"/{head}", pattern.replace("**/", "*/")) for head in heads):
            out = rule[0] != "!"
    return out


def test_the_zip_has_our_code_and_the_notebooks_and_is_the_same_every_time() -> None:
    assert package.recon_code() == package.recon_code()
    found = names()
    assert {"recon/schedule/handler.py", "recon/sql/movements.sql", "recon/schedule/page.html.j2",
            "dashboards/style.css", "notebooks/reconciliation.ipynb", "pipeline/__init__.py",
            "pipeline/schemas/tables.py"} <= set(found)
    assert {name.split("/", 1)[0] for name in found} == {"recon", "dashboards", "notebooks", "pipeline"}
    assert [name for name in found if name.endswith((".md", ".pyc", ".parquet"))] == []
    assert [name for name in found if name.startswith("pipeline/") and not name.startswith(
        ("pipeline/schemas/", "pipeline/__init__.py"))] == []


def test_the_image_gets_the_same_files_at_the_same_places() -> None:
    seen = {path: at for path, at in copied().items() if not ignored(path)}
    assert seen.pop(LOCK.name) == LOCK.name
    assert {path: at for path, at in seen.items() if path != at} == {}
    assert sorted(seen) == sorted(names())


def test_the_image_installs_the_lock_and_nothing_else() -> None:
    said = dict(instructions())
    assert (said["ARG"], said["FROM"]) == ("BASE", "${BASE}")
    assert f"(lambda/python:{package.AWS.python})" in DOCKERFILE.read_text(encoding="utf-8")
    runs = [rest for word, rest in instructions() if word == "RUN"]
    (install,) = [run for run in runs if "install" in run]
    assert {"--require-hashes", "--no-deps", f"--requirement {LOCK.name}"} <= {
        *re.findall(r"--[a-z-]+", install), f"--requirement {install.split()[-1]}"}
    assert said["CMD"] == f'["{HANDLER}.handler"]'


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Our code as it is unpacked, and a folder that shows the lock's libraries alone."""
    folder = tmp_path_factory.mktemp("image")
    with zipfile.ZipFile(io.BytesIO(package.recon_code())) as archive:
        archive.extractall(folder / "code")
    (folder / "libraries").mkdir()
    wanted = set(re.findall(r"(?m)^([a-z0-9][a-z0-9._-]*)==", LOCK.read_text(encoding="utf-8")))
    for distribution in importlib.metadata.distributions():
        if distribution.metadata["Name"].lower().replace("_", "-").replace(".", "-") not in wanted:
            continue
        for top in {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}:
            shown = folder / "libraries" / top
            if not shown.exists():
                shown.symlink_to(Path(str(distribution.locate_file(top))))
    return folder / "code", folder / "libraries"


def imported(notebook: Path) -> set[str]:
    """The modules that a notebook's cells import."""
    found = set()
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module))
    return found


def test_every_module_and_what_notebooks_import_load_with_code_and_lock_alone(places: tuple[Path, Path]) -> None:
    ours = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in names()
            if name.endswith(".py") and not name.endswith("__main__.py")}
    asked = set().union(*(imported(path) for path in (places[0] / "notebooks").glob("*.ipynb")))
    # By name: the runner, the kernel and their libraries are imported where they are used, or started.
    late = {"papermill", "ipykernel_launcher", "plotly.graph_objects", "pyathena", "boto3", "openpyxl", "duckdb"}
    assert HANDLER in ours
    assert asked >= {"dashboards", "recon.schedule"}
    command = [sys.executable, "-I", "-S", "-B", "-W", "ignore", "-c", LOADS_ALL, *map(str, places),
               *sorted(ours | asked | late)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]


def test_no_library_of_another_install_is_shown(places: tuple[Path, Path]) -> None:
    shown = {path.name for path in places[1].iterdir()}
    assert {"papermill", "duckdb", "pyathena", "IPython"} <= shown
    assert shown.isdisjoint({"jupyterlab", "psycopg", "stripe", "ministack", "pytest", "infra", "recon"})
