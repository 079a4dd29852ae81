"""What is written to a folder and to a bucket: the first creates, nobody overwrites what they have not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from infra.local.guard import applied, client
from infra.local.lake import make_bucket
from infra.local.stack import Stack
from recon.store.place import LocalPlace, Place, open_place
from recon.store.port import Absent, StoreRefused
from recon.store.s3_place import S3Place

BUCKET = "place-contract"
_NUMBERS = count()
Opened = Callable[[], Place]


@pytest.fixture(params=["folder", "bucket"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens one place, again and again; it is empty at first."""
    if request.param == "folder":
        yield lambda: open_place(tmp_path / "made" / "by it")
        return
    stack: Stack = request.getfixturevalue("stack")
    with applied(stack.environment()):
        make_bucket(client("s3"), BUCKET)
        address = f"s3://{BUCKET}/place-{next(_NUMBERS)}"
        yield lambda: open_place(address)


def test_the_address_decides(opened: Opened) -> None:
    place = opened()
    assert isinstance(place, S3Place if place.root.startswith("s3://") else LocalPlace)
    assert place.entries("nothing") is None


def test_only_the_first_creates(opened: Opened) -> None:
    place = opened()
    assert place.create("a/b.json", b"one")
    assert not place.create("a/b.json", b"two")
    assert not place.create("a/b.json", b"one")
    assert opened().read("a/b.json") == b"one"


def test_of_many_at_once_one_creates_and_one_replaces(opened: Opened) -> None:
    places = [opened() for _ in range(8)]
    with ThreadPoolExecutor(len(places)) as pool:
        created = list(pool.map(lambda n: places[n].create("claim", str(n).encode()), range(8)))
        assert created.count(True) == 1
        body, tag = places[0].tagged("claim")
        assert body == str(created.index(True)).encode()
        replaced = list(pool.map(lambda n: places[n].replace("claim", f"next {n}".encode(), tag), range(8)))
    assert replaced.count(True) == 1
    assert places[0].read("claim") == f"next {replaced.index(True)}".encode()


def test_what_has_changed_or_gone_is_not_replaced(opened: Opened) -> None:
    place = opened()
    place.put("x", b"1")
    _, tag = place.tagged("x")
    place.put("x", b"2")
    assert not place.replace("x", b"3", tag)
    assert place.tagged("x")[0] == b"2"
    _, tag = place.tagged("x")
    place.remove("x")
    place.remove("x")
    assert not place.replace("x", b"3", tag)
    with pytest.raises(Absent):
        place.tagged("x")


def test_equal_bytes_have_equal_tags_and_listings_show_no_scratch(opened: Opened) -> None:
    place = opened()
    place.put("t/x", b"same")
    place.put("t/y", b"same")
    assert place.tagged("t/x")[1] == place.tagged("t/y")[1]
    assert sorted(entry.name for entry in place.entries("t") or ()) == ["x", "y"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreRefused, match="cannot be made a folder"):
        open_place(tmp_path / "file" / "below")
    place = open_place(tmp_path / "lake")
    (tmp_path / "lake" / "t").write_text("in the way")
    with pytest.raises(StoreRefused, match=r"lake/t/x cannot be written"):
        place.put("t/x", b"")
    assert {path.name for path in (tmp_path / "lake").iterdir()} <= {".writing.lock", "t"}


@pytest.mark.parametrize("address", ["s3:/bucket", "gs://bucket/x", "s3://B/x"])
def test_an_address_that_is_none_is_refused(address: str, stack: Stack) -> None:
    with applied(stack.environment()), pytest.raises(StoreRefused, match="accepted"):
        open_place(address)
