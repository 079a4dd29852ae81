"""The lake as a list of objects: partitions, knowledge, digests and what is refused."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table as declared
from recon.errors import Refused
from recon.lake import Lake, LakeObject
from recon.store.local import LocalStore
from recon.store.port import Entry

EARLY, LATE = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC), datetime(2026, 1, 9, tzinfo=UTC)


def put(root: Path, path: str, landed: datetime = EARLY, body: bytes = b"x") -> str:
    """One object at `path`, modified at `landed`."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(body)
    stamp = round(landed.timestamp() * 1000) * 1_000_000
    os.utime(target, ns=(stamp, stamp))
    return path


def listing(root: Path, *rows: tuple[str, str, str | None, datetime], name: str = "0.parquet") -> None:
    """A lake_files object: (table, path, digest, landed_at) with 7 rows each."""
    (root / "lake_files").mkdir(exist_ok=True)
    columns: list[dict[str, Any]] = [
        {"table": table, "path": path, "digest": digest, "rows": 7, "landed_at": landed.replace(tzinfo=None)}
        for table, path, digest, landed in rows]
    pq.write_table(pa.Table.from_pylist(columns, arrow_schema(declared("lake_files"))), root / "lake_files" / name)


def paths(objects: list[LakeObject]) -> list[str]:
    return [item.path for item in objects]


def test_objects_are_sorted_and_know_when_they_landed(tmp_path: Path) -> None:
    second = put(tmp_path, "ledger_entries/dt=2026-01-02/hr=00/a.parquet", LATE)
    first = put(tmp_path, "ledger_entries/dt=2026-01-01/hr=23/b.parquet")
    assert Lake(tmp_path).objects("ledger_entries") == [
        LakeObject("ledger_entries", first, None, None, EARLY, 1),
        LakeObject("ledger_entries", second, None, None, LATE, 1)]


def test_only_parquet_at_the_depth_of_the_partitions_counts(tmp_path: Path) -> None:
    good = put(tmp_path, "ledger_entries/dt=2026-01-01/hr=00/a.parquet")
    for stray in ("a.parquet", "dt=2026-01-01/a.parquet", "dt=2026-01-01/hr=00/2026/a.parquet", "2026/01/a.parquet",
                  "dt=2026-01-01/hr=00/_SUCCESS", "dt=2026-01-01/hr=00/.a.parquet", "dt=2026-01-01/hr=00/_b.parquet",
                  "dt=2026-01-01/hr=00/a.parquet.crc", "dt=2026-01-01/notes.txt"):
        put(tmp_path, f"ledger_entries/{stray}")
    assert paths(Lake(tmp_path).objects("ledger_entries")) == [good]


def test_days_are_half_open(tmp_path: Path) -> None:
    days = [put(tmp_path, f"settlement_lines/gateway={gateway}/dt=2026-01-0{day}/a.parquet")
            for gateway in ("adyen", "stripe") for day in (1, 2, 3)]
    lake = Lake(tmp_path)
    found = lake.objects("settlement_lines", dt_from=date(2026, 1, 2), dt_until=date(2026, 1, 3))
    assert paths(found) == [days[1], days[4]]
    assert paths(lake.objects("settlement_lines", dt_from=date(2026, 1, 3))) == [days[2], days[5]]
    assert lake.objects("settlement_lines", dt_until=date(2026, 1, 1)) == []


class Watched(LocalStore):
    """Remembers which folders were listed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.listed: list[str] = []

    def entries(self, folder: str) -> list[Entry] | None:
        """See Store."""
        self.listed.append(folder)
        return super().entries(folder)


def test_other_days_are_not_even_listed(tmp_path: Path) -> None:
    for day in range(1, 10):
        put(tmp_path, f"ledger_entries/dt=2026-01-0{day}/hr=00/a.parquet")
    store = Watched(tmp_path)
    Lake(tmp_path, store).objects("ledger_entries", dt_from=date(2026, 1, 5), dt_until=date(2026, 1, 6))
    assert [folder for folder in store.listed if "dt=" in folder] == [
        "ledger_entries/dt=2026-01-05", "ledger_entries/dt=2026-01-05/hr=00"]


def test_lake_files_tells_landing_rows_and_digest(tmp_path: Path) -> None:
    path = put(tmp_path, "ledger_entries/dt=2026-01-01/hr=00/a.parquet", LATE)
    unlisted = put(tmp_path, "ledger_entries/dt=2026-01-01/hr=00/b.parquet", LATE)
    other = put(tmp_path, "payment_states/dt=2026-01-01/hr=00/a.parquet", LATE)
    listing(tmp_path, ("ledger_entries", path, "abc", EARLY), ("payment_states", other, None, EARLY))
    assert Lake(tmp_path).objects("ledger_entries") == [
        LakeObject("ledger_entries", path, 7, "abc", EARLY, 1),
        LakeObject("ledger_entries", unlisted, None, None, LATE, 1)]


def test_the_earliest_landing_of_two_listings_holds(tmp_path: Path) -> None:
    path = put(tmp_path, "ledger_entries/dt=2026-01-01/hr=00/a.parquet")
    listing(tmp_path, ("ledger_entries", path, "abc", LATE))
    listing(tmp_path, ("ledger_entries", path, "abc", EARLY), name="1.parquet")
    assert [item.landed_at for item in Lake(tmp_path).objects("ledger_entries")] == [EARLY]


def test_known_at_leaves_out_what_landed_at_or_after_it(tmp_path: Path) -> None:
    first = put(tmp_path, "ledger_entries/dt=2026-01-01/hr=00/a.parquet", EARLY)
    put(tmp_path, "ledger_entries/dt=2026-01-01/hr=00/b.parquet", LATE)
    assert paths(Lake(tmp_path).objects("ledger_entries", known_at=LATE)) == [first]


@pytest.mark.parametrize("path", ["settlement_lines/gateway=adyen/dt=2026-01-01/a.parquet", "feed_files/a.parquet",
                                  "batches/a.parquet", "feed_expectations/a.parquet"])
def test_known_at_never_hides_objects_whose_rows_say_when_they_came(tmp_path: Path, path: str) -> None:
    put(tmp_path, path, LATE)
    assert paths(Lake(tmp_path).objects(path.split("/")[0], known_at=EARLY)) == [path]


def test_an_object_that_is_listed_and_gone_is_lost_not_read(tmp_path: Path) -> None:
    gone = "ledger_entries/dt=2026-01-01/hr=00/a.parquet"
    kept = put(tmp_path, "ledger_entries/dt=2026-01-02/hr=00/a.parquet")
    listing(tmp_path, ("ledger_entries", gone, None, EARLY), ("ledger_entries", kept, None, EARLY))
    assert paths(Lake(tmp_path).objects("ledger_entries")) == [kept]
    assert paths(Lake(tmp_path).lost("ledger_entries")) == [gone]
    assert paths(Lake(tmp_path).lost("ledger_entries", dt_from=date(2026, 1, 2))) == []


def test_a_listing_that_cannot_be_used_is_refused_by_name(tmp_path: Path) -> None:
    put(tmp_path, "lake_files/0.parquet", body=b"no parquet")
    with pytest.raises(Refused, match=r"lake_files/0.parquet cannot be read as Parquet"):
        Lake(tmp_path).objects("ledger_entries")
    pq.write_table(pa.table({"table": ["ledger_entries"], "path": ["x"]}), tmp_path / "lake_files" / "0.parquet")
    with pytest.raises(Refused, match=r"lake_files/0.parquet lacks landed_at; a listing has table, path, digest"):
        Lake(tmp_path).objects("ledger_entries")


def test_a_missing_lake_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"no lake at .*nowhere: expected a folder that holds one folder per table"):
        Lake(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(Refused, match=r"no lake at .*file"):
        Lake(tmp_path / "file")


def test_a_missing_table_is_refused_with_the_folder_it_wants(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    wanted = rf"no table ledger_entries in lake .*: expected folder {tmp_path}/ledger_entries/dt=YYYY-MM-DD/hr=HH/ with"
    with pytest.raises(Refused, match=wanted):
        lake.require("ledger_entries")
    with pytest.raises(Refused, match=f"expected folder {tmp_path}/feed_files/ with Parquet files"):
        lake.require("feed_files")
    assert lake.objects("ledger_entries") == []
    (tmp_path / "ledger_entries").mkdir()
    lake.require("ledger_entries")


def test_a_day_that_is_no_day_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "ledger_entries/dt=2026-02-30/hr=00/a.parquet")
    with pytest.raises(Refused, match=r"dt=2026-02-30: a folder dt=YYYY-MM-DD was expected"):
        Lake(tmp_path).objects("ledger_entries", dt_from=date(2026, 1, 1))


def test_digests_are_listed_or_of_the_bytes(tmp_path: Path) -> None:
    bodies = [b"one", b"two", b"three"]
    folder = "ledger_entries/dt=2026-01-01/hr=00"
    items = [put(tmp_path, f"{folder}/{number}.parquet", body=body) for number, body in enumerate(bodies)]
    listing(tmp_path, ("ledger_entries", items[1], "listed", EARLY))
    lake = Lake(tmp_path)
    objects = lake.objects("ledger_entries")
    of_bytes = [hashlib.sha256(body).hexdigest() for body in bodies]
    assert lake.digests(objects) == [of_bytes[0], "listed", of_bytes[2]]
    assert lake.changed(objects, of_bytes) == []
    assert lake.changed(objects, lake.digests(objects)) == [objects[1]]
    assert lake.manifest_entries(objects)[1] == {
        "table": "ledger_entries", "path": items[1], "rows": 7, "digest": "listed",
        "landed_at": "2026-01-02T03:04:05.678000Z", "size_bytes": 3}
    (tmp_path / items[0]).unlink()
    with pytest.raises(Refused, match=f"{items[0]} is gone from lake"):
        lake.digests(objects)


def test_a_relative_root_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "lake/feed_files/a.parquet")
    monkeypatch.chdir(tmp_path)
    lake = Lake("lake")
    monkeypatch.chdir("/")
    assert lake.root == f"{tmp_path}/lake"
    assert paths(lake.objects("feed_files")) == [path.removeprefix("lake/")]
