"""Parts of the local stack, started once for the tests that only use them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.emulator import Emulator
from infra.local.guard import local_environment


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for all tests of this worker; each uses names of its own on it."""
    running = Emulator.start(tmp_path_factory.mktemp("emulator") / "run")
    yield running
    running.stop()


@pytest.fixture
def aws(emulator: Emulator) -> dict[str, str]:
    """The AWS settings of the emulator."""
    return local_environment(emulator.endpoint)
