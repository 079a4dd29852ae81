"""The engine of each contract test: every engine of the harness in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.harness import ENGINES, Bench, Catalog


@pytest.fixture(params=sorted(ENGINES))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """An engine over an empty lake."""
    catalog = Catalog()
    engine = ENGINES[request.param](tmp_path, catalog)
    yield Bench(engine, catalog, tmp_path)
    engine.close()


@pytest.fixture(scope="module", params=sorted(ENGINES))
def shared_bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One engine for a module's many small expressions."""
    catalog = Catalog()
    root = tmp_path_factory.mktemp("lake")
    engine = ENGINES[request.param](root, catalog)
    yield Bench(engine, catalog, root)
    engine.close()
