"""The engine of each contract test: every engine of the harness in turn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.harness import KINDS, PARAMS, Bench, opened
from tests.engine.server import Server


@pytest.fixture(params=PARAMS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """An engine over an empty lake."""
    yield from _bench(request, tmp_path)


@pytest.fixture(scope="module", params=PARAMS)
def shared_bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One engine for a module's many small expressions."""
    yield from _bench(request, tmp_path_factory.mktemp("lake"))


def _bench(request: pytest.FixtureRequest, folder: Path) -> Iterator[Bench]:
    _, needed = KINDS[request.param]
    with opened(request.param, folder, request.getfixturevalue(needed) if needed else None) as bench:
        yield bench


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Server:
    """The Trino server of RECON_TRINO_URL, else the local stack's."""
    return Server(os.environ.get("RECON_TRINO_URL") or request.getfixturevalue("trino_stack").trino.url)
