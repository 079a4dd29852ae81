"""Which objects belong to a table, by its properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.athena.backends.objects import objects
from infra.local.athena.catalog import Catalog, GlueTable
from infra.local.athena.errors import QueryFailed
from infra.local.athena.storage import Item, Store

DAYS = {"projection.dt.type": "date", "projection.dt.format": "yyyy-MM-dd", "projection.dt.range": "2026-01-01,NOW"}
HOURS = {"projection.hr.type": "integer", "projection.hr.range": "0,23", "projection.hr.digits": "2"}
GATEWAYS = {"projection.gateway.type": "enum", "projection.gateway.values": "adyen, stripe"}


class Listed(Store):
    """A listing without S3."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def list(self, prefix: str) -> list[Item]:
        found = [Item(f"s3://b/{key}", 0 if key.endswith("empty") else 1) for key in self.keys]
        return sorted((item for item in found if item.url.startswith(prefix)), key=lambda item: item.url)


class Partitions(Catalog):
    """Partitions without Glue."""

    def __init__(self, *found: tuple[str, dict[str, str]]) -> None:
        self.found = found

    def partitions(self, table: GlueTable) -> list[tuple[str, dict[str, str]]]:
        return list(self.found)


def table(keys: str = "", **properties: str) -> GlueTable:
    settings = {"projection.enabled": "true", **DAYS, **HOURS, **GATEWAYS, **properties}
    return GlueTable("db", "t", "s3://b/t", {"a": "string"}, dict.fromkeys(keys.split(), "string"), settings)


def found(shape: GlueTable, *keys: str) -> list[str]:
    return [item.url.removeprefix("s3://b/") for item in objects(shape, Partitions(), Listed(*keys))]


def test_without_partitions_the_folder_counts() -> None:
    assert found(table(), "t/a", "t/b c%20.parquet", "t/deep/a", "t/_a", "t/.a", "t/empty", "t2/a") == [
        "t/a", "t/b c%20.parquet"]


def test_projected_values_only() -> None:
    good = "t/dt=2026-01-31/hr=05/a"
    assert found(table("dt hr"), good, "t/dt=2026-01-31/hr=5/a", "t/dt=2026-01-31/hr=24/a", "t/dt=2025-12-31/hr=05/a",
                 "t/dt=2026-1-31/hr=05/a", "t/dt=x/hr=05/a", "t/dt=2026-01-31/hr=05/x/a", "t/dt=2026-01-31/a",
                 "t/hr=05/dt=2026-01-31/a", "t/dt=2026-01-31/hr=005/a") == [good]
    assert found(table("gateway"), "t/gateway=adyen/a", "t/gateway=stripe/a", "t/gateway=other/a") == [
        "t/gateway=adyen/a", "t/gateway=stripe/a"]


def test_a_template_says_where_partitions_lie() -> None:
    shape = table("dt hr", **{"storage.location.template": "s3://b/x/${hr}/on-${dt}/y"})
    listed = Listed("x/05/on-2026-01-31/y/a", "x/05/on-2026-01-31/z/a", "x/25/on-2026-01-31/y/a")
    (item,) = objects(shape, Partitions(), listed)
    assert (item.url, item.keys) == ("s3://b/x/05/on-2026-01-31/y/a", {"dt": "2026-01-31", "hr": "05"})


@pytest.mark.parametrize("end, days, there", [
    ("NOW", 1, False), ("NOW", 0, True), ("NOW+2DAYS", 2, True), ("NOW+2DAYS", 3, False), ("NOW-1DAY", 0, False),
    ("NOW+1WEEK", 7, True),
])
def test_ranges_up_to_now(end: str, days: int, there: bool) -> None:
    day = (datetime.now(UTC) + timedelta(days)).date().isoformat()
    assert bool(found(table("dt", **{"projection.dt.range": f"2026-01-01,{end}"}), f"t/dt={day}/a")) is there


@given(st.integers(0, 99), st.integers(1, 7), st.integers(0, 20), st.integers(20, 40))
def test_integers_by_range_and_interval(value: int, step: int, low: int, high: int) -> None:
    shape = table("hr", **{"projection.hr.range": f"{low},{high}", "projection.hr.interval": str(step)})
    assert bool(found(shape, f"t/hr={value:02}/a")) is (value in range(low, high + 1, step))


def test_partitions_that_glue_lists() -> None:
    shape = GlueTable("db", "t", "s3://b/t", {"a": "string"}, {"dt": "string"}, {})
    catalog = Partitions(("s3://b/elsewhere", {"dt": "x"}), ("s3://b/t/dt=y/", {"dt": "y"}))
    listed = Listed("elsewhere/a", "t/dt=y/b", "t/c")
    assert [(item.url, item.keys["dt"]) for item in objects(shape, catalog, listed)] == [
        ("s3://b/elsewhere/a", "x"), ("s3://b/t/dt=y/b", "y")]


def test_projections_that_are_not_known_here() -> None:
    with pytest.raises(QueryFailed, match="injected"):
        found(table("dt", **{"projection.dt.type": "injected"}))
