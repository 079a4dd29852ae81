"""What the tests of the register share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.breaks.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty register."""
    return Desk(tmp_path)
