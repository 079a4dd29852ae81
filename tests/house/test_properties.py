"""What the pipeline promises is listed with the tests that show it, and the list is true."""

from __future__ import annotations

import pytest

from tests.house.properties import PAGE, PROPERTIES, page, shown

FIRST_LAST = range(1, 63)


def test_each_property_of_edge_ids_saga_gateways_and_ledger_has_a_test() -> None:
    assert [number for number in FIRST_LAST if number not in shown()] == []


def test_every_marked_property_is_known() -> None:
    assert [number for number in shown() if number not in PROPERTIES] == []


def test_the_table_is_what_the_markers_say() -> None:
    if page() != PAGE.read_text(encoding="utf-8"):
        pytest.fail("tests/README.md is not what the tests are marked with: run python -m tests.house.properties")
