"""What the tests of the register share."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon.breaks.orders import Order, carry_out
from tests.breaks.desk import Desk
from tests.breaks.packs import FOUND, export
from tests.factories.finished_run import case_id


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty register."""
    return Desk(tmp_path)


@pytest.fixture
def pack(desk: Desk) -> Path:
    """A pack of four cases, of which J1 is assigned to zoe."""
    desk.enter(found=FOUND)
    carry_out(desk.place, [Order(case_id("movement:J1"), "assign", "zoe")], actor="ana", now=desk.now)
    return export(desk)
