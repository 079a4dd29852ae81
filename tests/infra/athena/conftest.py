"""One Athena server per backend over the emulator, with a small lake, for the tests that only use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.fixtures import SubRequest

from infra.local.athena import Athena
from infra.local.emulator import Emulator
from infra.local.guard import local_environment
from infra.local.trino.server import Trino
from tests.infra.athena.harness import Stack, fill

TRINO = pytest.param("real", marks=pytest.mark.trino)


@pytest.fixture(scope="session")
def plain(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server over DuckDB, for what no backend has a part in."""
    yield from _started(emulator, tmp_path_factory.mktemp("athena"), False)


@pytest.fixture(scope="session")
def real(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server over Trino."""
    yield from _started(emulator, tmp_path_factory.mktemp("athena"), True)


@pytest.fixture(params=["plain", TRINO])
def stack(request: SubRequest) -> Stack:
    """A server over either backend: what passes here holds for both."""
    found: Stack = request.getfixturevalue(request.param)
    return found


@pytest.fixture(autouse=True)
def _nothing_left_over(request: SubRequest) -> Iterator[None]:
    yield
    for name in ("plain", "real"):
        if name in request.fixturenames:
            request.getfixturevalue(name).athena.reset()


def _started(emulator: Emulator, folder: Path, on_trino: bool) -> Iterator[Stack]:
    aws = local_environment(emulator.endpoint)
    fill(aws)
    trino = Trino.start(folder / "trino", aws=aws) if on_trino else None
    try:
        athena = Athena.start(folder / "athena", aws=aws, trino=trino.url if trino else None)
        try:
            yield Stack(athena, aws, trino.url if trino else "")
        finally:
            athena.stop()
    finally:
        if trino:
            trino.stop()
