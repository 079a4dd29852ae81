"""Worlds that the tests share, made once."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from recon.worlds.build import WorldSpec, build_world
from recon.worlds.journals import journals_of
from recon.worlds.model import History
from recon.worlds.planting import defective_history


@functools.cache
def history_with_truth(seed: int, payments: int, days: int) -> History:
    """A history with its journal ids, without writing the lake."""
    history = defective_history(seed, payments, days)
    journals_of(history, np.random.default_rng([seed, 2]))
    return history


@pytest.fixture(scope="session")
def history() -> History:
    """A history of 5,000 payments over 45 days."""
    return history_with_truth(1, 5_000, 45)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world on disk; tests leave it as it is."""
    out = tmp_path_factory.mktemp("worlds") / "small"
    build_world(WorldSpec(3, 300, 40), out)
    return out
