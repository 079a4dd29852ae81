"""One Athena server per backend over the emulator, with a small lake, for the tests that only use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from _pytest.fixtures import SubRequest

from infra.local.athena import Athena
from infra.local.emulator import Emulator
from infra.local.guard import local_environment
from infra.local.stack import Stack as WholeStack
from tests.infra.athena.harness import Stack, fill

TRINO = pytest.param("real", marks=pytest.mark.trino)


@pytest.fixture(scope="session")
def plain(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server over DuckDB, for what no backend has a part in."""
    yield from _started(local_environment(emulator.endpoint), tmp_path_factory.mktemp("athena"))


@pytest.fixture(scope="session")
def real(trino_stack: WholeStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server over Trino: the one that all tests of this worker share."""
    assert trino_stack.trino is not None
    aws = local_environment(trino_stack.emulator.endpoint)
    yield from _started(aws, tmp_path_factory.mktemp("athena"), trino_stack.trino.url)


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


def _started(aws: Mapping[str, str], folder: Path, trino: str = "") -> Iterator[Stack]:
    fill(aws)
    athena = Athena.start(folder / "athena", aws=aws, trino=trino or None)
    try:
        yield Stack(athena, aws, trino)
    finally:
        athena.stop()
