"""What the tests of flags share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alerts.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty register, and nothing told."""
    return Desk(tmp_path)
