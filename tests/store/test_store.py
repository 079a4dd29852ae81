"""A folder and a bucket are the same to the lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from infra.local.guard import applied, client
from infra.local.lake import make_bucket
from infra.local.stack import Stack
from recon.lake import Lake
from recon.store.local import LocalStore
from recon.store.open import open_store
from recon.store.port import Absent, Store, StoreRefused
from recon.store.s3 import S3Store, split

BUCKET = "store-contract"
_NUMBERS = count()
Filled = Callable[[dict[str, bytes]], Store]


@pytest.fixture(params=["folder", "bucket"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Filled]:
    """Makes a store that holds these objects."""
    if request.param == "folder":
        yield lambda objects: _folder(tmp_path, objects)
        return
    stack: Stack = request.getfixturevalue("stack")
    with applied(stack.environment()):
        s3 = client("s3")
        make_bucket(s3, BUCKET)
        yield lambda objects: _bucket(s3, objects)


def _folder(root: Path, objects: dict[str, bytes]) -> Store:
    for path, body in objects.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    return LocalStore(root)


def _bucket(s3: Any, objects: dict[str, bytes]) -> Store:
    prefix = f"lake-{next(_NUMBERS)}"
    for path, body in objects.items():
        s3.put_object(Bucket=BUCKET, Key=f"{prefix}/{path}", Body=body)
    return S3Store(f"s3://{BUCKET}/{prefix}/")


ODD = "a b%20é's [1]?*+.parquet"


def test_a_folder_lists_what_lies_directly_in_it(filled: Filled) -> None:
    store = filled({f"t/dt=2026-01-01/{ODD}": b"12345", "t/x.parquet": b"1", "u/y": b""})
    found = store.entries("t")
    assert found is not None
    assert sorted((entry.name, entry.folder, entry.size_bytes) for entry in found) == [
        ("dt=2026-01-01", True, 0), ("x.parquet", False, 1)]
    assert store.entries("t/nowhere") is None
    assert store.entries("t/x.parquet") is None


def test_files_are_those_at_a_depth(filled: Filled) -> None:
    store = filled({"t/a/one": b"1", f"t/a/{ODD}": b"22", "t/a/b/two": b"333", "t/top": b""})
    assert sorted((entry.name, entry.size_bytes) for entry in store.files("t", 1)) == [(f"a/{ODD}", 2), ("a/one", 1)]
    assert [entry.name for entry in store.files("t", 0)] == ["top"]
    assert [entry.name for entry in store.files("t/a", 1)] == ["b/two"]
    assert store.files("t/nowhere", 1) == []


def test_bytes_come_back_and_what_is_gone_is_said_by_name(filled: Filled) -> None:
    store = filled({f"t/{ODD}": b"body"})
    assert store.read(f"t/{ODD}") == b"body"
    with pytest.raises(Absent, match=r"t/gone is gone from lake .*"):
        store.read("t/gone")


def test_a_lake_knows_bytes_that_changed(filled: Filled) -> None:
    path = "ledger_entries/dt=2026-01-01/hr=00/a.parquet"
    store = filled({path: b"one"})
    lake = Lake(store.root, store)
    [item] = lake.objects("ledger_entries")
    assert (item.path, item.size_bytes) == (path, 3)
    [digest] = lake.digests([item])
    assert lake.changed([item], [digest]) == []
    of_md5 = "etag:f97c5d29941bfb1b2fdab0874906ab82"
    of_sha256 = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert lake.changed([item, item], [of_md5, of_sha256]) == []
    assert lake.changed([item, item], [of_md5[:-1] + "3", "0" * 64]) == [item, item]
    assert lake.text("policy/policy.json") is None


def test_what_is_no_lake_is_refused(stack: Stack, tmp_path: Path) -> None:
    with applied(stack.environment()):
        make_bucket(client("s3"), BUCKET)
        with pytest.raises(StoreRefused, match=f"no lake at s3://{BUCKET}/nowhere: nothing lies there; expected one"):
            open_store(f"s3://{BUCKET}/nowhere")
        with pytest.raises(StoreRefused, match=r"s3://no-such-bucket-here cannot be listed: no such bucket"):
            open_store("s3://no-such-bucket-here")
    with pytest.raises(StoreRefused, match=r"no lake at .*nowhere: expected a folder"):
        open_store(tmp_path / "nowhere")


@pytest.mark.parametrize("address, parts", [
    ("s3://lake", ("lake", "")), ("s3://lake/", ("lake", "")), ("s3://lake/a/b/", ("lake", "a/b")),
])
def test_addresses_are_split(address: str, parts: tuple[str, str]) -> None:
    assert split(address) == parts


@pytest.mark.parametrize("address", ["s3:/lake", "s3://", "s3://Lake", "s3:lake/x", "s3://-"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(StoreRefused, match="is no S3 address; accepted: s3://bucket or s3://bucket/prefix"):
        split(address)


def test_a_file_that_goes_while_its_folder_is_listed_hides_no_other(tmp_path: Path) -> None:
    store = _folder(tmp_path, {"t/here": b"1"})
    (tmp_path / "t" / "gone").symlink_to("nowhere")  # as far as its facts go, it is no longer there
    assert [entry.name for entry in store.entries("t") or ()] == ["here"]
