"""Whatever is changed in the log is seen, and named, before anything is believed or written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schemas.reference import BREAK_LOG
from pipeline.schemas.render import arrow_schema
from recon.breaks.book import Book
from recon.breaks.entry import Draft, Entry, chained, digest
from recon.breaks.errors import LogBroken
from recon.breaks.files import decode, encode
from recon.breaks.orders import Order, carry_out
from recon.store.place import open_place
from tests.breaks.desk import Desk
from tests.breaks.places import ListedOnTheWay
from tests.factories.finished_run import Found, case_id

FOUND = [Found("movement:J1"), Found("movement:J2", "unsettled", severity="warning")]
CASE = case_id("movement:J1")
AT = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake whose log has four objects, the last two by people; tests work on copies."""
    desk = Desk(tmp_path_factory.mktemp("log"))
    desk.enter(found=FOUND)
    desk.enter("T+14", FOUND)
    carry_out(desk.place, [Order(CASE, "assign", "zoe"), Order(CASE, "explain", "timing")], actor="ana", now=desk.now)
    carry_out(desk.place, [Order(CASE, "write-off", "small")], actor="ana", now=desk.now)
    assert desk.book().chain.number == 4
    return desk.folder / "lake"


@pytest.fixture
def lake(log: Path, tmp_path: Path) -> Path:
    """A copy."""
    return Path(shutil.copytree(log, tmp_path / "lake"))


def broken(lake: Path) -> str:
    """What is said of the log, which must not be believed; and nothing is written to it."""
    before = {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()}
    with pytest.raises(LogBroken, match="restore the folder break_log from the bucket's earlier versions") as refused:
        carry_out(open_place(lake), [Order(CASE, "approve")], actor="bob", now=AT)
    after = {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()}
    assert after == before
    return str(refused.value)


def numbered(lake: Path, number: int) -> Path:
    """An object of the log."""
    return lake / "break_log" / f"{number:08d}.parquet"


def test_the_log_is_believed_as_it_was_written(lake: Path) -> None:
    assert Book.read(open_place(lake)).cases[CASE].status == "write_off_proposed"


@given(data=st.data())
def test_no_byte_of_the_log_can_change_unseen(log: Path, tmp_path_factory: pytest.TempPathFactory,
                                              data: st.DataObject) -> None:  # fmt: skip
    name = data.draw(st.sampled_from(sorted(path.name for path in (log / "break_log").iterdir())))
    body = bytearray((log / "break_log" / name).read_bytes())
    place = data.draw(st.integers(0, len(body) - 1), "byte")
    body[place] ^= data.draw(st.integers(1, 255), "flip")
    copy = Path(shutil.copytree(log, tmp_path_factory.mktemp("flip") / "lake"))
    (copy / "break_log" / name).write_bytes(body)
    assert "break_log/" in broken(copy)
    shutil.rmtree(copy)


def edit(path: Path, row: int, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Rewrite an object with one row changed."""
    rows = decode(BREAK_LOG, path.read_bytes())
    rows[row] = change(rows[row])
    path.write_bytes(encode(BREAK_LOG, rows))


EDITS = [(column.name, number, with_hash) for column in BREAK_LOG.columns for number in (2, 4)
         for with_hash in (False, True) if not (with_hash and column.name == "entry_id")]  # fmt: skip
"""Each cell, in the middle and at the end of the log, with its entry's hash as it was and made anew."""


@pytest.mark.parametrize("column, number, with_hash", EDITS)
def test_no_cell_can_be_edited_unseen(lake: Path, column: str, number: int, with_hash: bool) -> None:
    kind = arrow_schema(BREAK_LOG).field(column).type
    other = 77 if kind == pa.int64() else AT.replace(tzinfo=None) if pa.types.is_timestamp(kind) else "other"

    def change(row: dict[str, Any]) -> dict[str, Any]:
        row |= {column: other}
        return row | {"entry_id": digest(row)} if with_hash else row

    edit(numbered(lake, number), 0, change)
    said = broken(lake)
    assert f"{number:08d}" in said or f"{number + 1:08d}" in said


def test_an_entry_that_does_not_fit_is_named(lake: Path) -> None:
    edit(numbered(lake, 2), 1, lambda row: row | {"actor": "nobody"})
    assert broken(lake).startswith(f"{lake.as_posix()}/break_log/00000002.parquet: entry 4 (seen of case ")


@pytest.mark.parametrize("number, said", [
    (1, "00000001.parquet: it is missing, and 00000002 is there"), (3, "00000003.parquet: it is missing, and 00000004"),
    (4, "_head.json: it names object 00000004, and the log ends with 00000003: its end was cut off"),
])  # fmt: skip
def test_an_object_that_is_gone_is_missed(lake: Path, number: int, said: str) -> None:
    numbered(lake, number).unlink()
    assert said in broken(lake)


def test_objects_that_changed_places_are_seen(lake: Path) -> None:
    one, two = numbered(lake, 2), numbered(lake, 3)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert "00000002.parquet: entry 3 (assigned of case" in broken(lake)
    one.write_bytes(first)
    two.write_bytes(first)
    assert "00000003.parquet: entry 5 (seen of case" in broken(lake)


def test_an_end_that_is_cut_off_together_with_its_head_is_missed_by_the_runs(lake: Path) -> None:
    head = lake / "break_log" / "_head.json"
    chain = Book.read(open_place(lake)).chain
    for number in (4, 3, 2):
        numbered(lake, number).unlink()
    head.unlink()
    assert f"entry {chain.entries[3].entry_id[:12]} is gone, up to which run" in broken(lake)
    shutil.rmtree(lake / "break_log")
    assert "is gone, up to which run" in broken(lake)


def test_a_head_that_is_gone_or_names_another_object_is_seen(lake: Path) -> None:
    head = lake / "break_log" / "_head.json"
    told = json.loads(head.read_bytes())
    for change in ({"number": 3}, {"number": 0}, {"number": -1}, {"object": "0" * 64}, {"entry_id": "0" * 64}):
        head.write_bytes(json.dumps(told | change, sort_keys=True).encode() + b"\n")
        assert "_head.json: object" in broken(lake)
    for body in (json.dumps({"number": 4}), json.dumps(told), json.dumps(told, sort_keys=True) + " ", "[]", ""):
        head.write_bytes(body.encode())
        assert "_head.json: it is not as a head is written" in broken(lake)
    head.unlink()
    assert "_head.json: it is gone, though 4 objects were appended" in broken(lake)


def test_what_is_no_object_of_the_log_does_not_lie_in_it(lake: Path) -> None:
    copy = lake / "break_log" / "00000004 (1).parquet"
    copy.write_bytes(numbered(lake, 4).read_bytes())
    assert "it is no object of the log" in broken(lake)
    copy.unlink()
    numbered(lake, 5).write_bytes(encode(BREAK_LOG, []))
    assert "00000005.parquet: it holds no entry" in broken(lake)


def test_a_column_that_no_hash_covers_is_refused(lake: Path) -> None:
    table = pq.read_table(numbered(lake, 4))
    pq.write_table(table.append_column("note", pa.array(["x"])), numbered(lake, 4))
    assert "it has columns that break_log has not: note" in broken(lake)


@pytest.mark.parametrize("change, said", [
    (lambda rows: [rows[0] | {"run_id": "another"}], "exactly one row, of the run that its name says"),
    (lambda rows: rows * 2, "exactly one row"),
    (lambda rows: [rows[0] | {"log_entry_id": "0" * 64}], "entry 000000000000 is gone, up to which run"),
])  # fmt: skip
def test_a_registered_run_that_is_not_as_written_is_seen(lake: Path, change: Any, said: str) -> None:
    from pipeline.schemas.reference import RECON_RUNS

    path = next((lake / "recon_runs").iterdir())
    path.write_bytes(encode(RECON_RUNS, change(decode(RECON_RUNS, path.read_bytes()))))
    assert said in broken(lake)


def test_what_no_head_names_yet_follows_from_what_is_before_it(lake: Path) -> None:
    chain = Book.read(open_place(lake)).chain
    numbered(lake, 4).unlink()
    head = {"number": 2, "entry_id": chain.entries[3].entry_id, "object": chain.entries[4].previous_object}
    (lake / "break_log" / "_head.json").write_bytes(json.dumps(head, sort_keys=True).encode() + b"\n")
    assert Book.read(open_place(lake)).chain.number == 3
    first, second = decode(BREAK_LOG, numbered(lake, 3).read_bytes())
    moved = second | {"entry_no": first["entry_no"]}
    numbered(lake, 3).write_bytes(encode(BREAK_LOG, [moved | {"entry_id": digest(moved)}]))
    assert "00000003.parquet: entry 5 (explained of case" in broken(lake)
    assert "it does not follow the entry before it" in broken(lake)


def test_a_listing_that_went_while_others_wrote_is_made_again(lake: Path) -> None:
    place = ListedOnTheWay(lake.as_posix(), "00000003.parquet")
    assert Book.read(place).chain == Book.read(open_place(lake)).chain


def test_a_head_that_lags_behind_is_caught_up_with(lake: Path) -> None:
    head = lake / "break_log" / "_head.json"
    now = head.read_bytes()
    chain = Book.read(open_place(lake)).chain
    numbered(lake, 4).rename(lake / "kept")
    book_of_three = {"number": 3, "entry_id": chain.entries[5].entry_id, "object": chain.entries[6].previous_object}
    head.write_bytes(json.dumps(book_of_three, sort_keys=True).encode() + b"\n")
    assert Book.read(open_place(lake)).chain.number == 3
    (lake / "kept").rename(numbered(lake, 4))
    assert Book.read(open_place(lake)).chain == chain
    carry_out(open_place(lake), [], actor="ana", now=AT)
    assert head.read_bytes() == now


def test_every_declared_column_but_the_two_of_the_chain_is_in_the_hash() -> None:
    draft = Draft("c", "opened", "ana", "movement:J1", ("a",), "break", "open", {"x": 1}, "d", "r")
    entry = chained(draft, None, "0" * 64, AT)
    row = entry.row()
    assert set(row) == {column.name for column in BREAK_LOG.columns}
    for name in set(row) - {"entry_id"}:
        other = AT.replace(year=2030) if name == "recorded_at" else 99 if name == "entry_no" else "other"
        assert digest(row | {name: other}) != entry.entry_id, name
        if name not in ("previous_id",):
            assert digest(row | {name: None}) != entry.entry_id, name
    assert Entry.of_row(row) == entry
    assert digest(row | {"later_column": None}) == entry.entry_id, "an older entry keeps its hash"


def test_equal_entries_have_equal_bytes() -> None:
    draft = Draft("c", "opened", "ana", "movement:J1", ("a",), "break", "open", {"b": 2, "a": 1})
    same = replace(draft, evidence={"a": 1, "b": 2})
    one, two = (encode(BREAK_LOG, [chained(of, None, None, AT).row()]) for of in (draft, same))
    assert one == two
