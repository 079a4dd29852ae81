"""Two at once never work in one folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon.cli.claimed_folder import claimed
from recon.errors import Refused


def test_the_second_works_beside_the_first_and_the_next_takes_the_freed_one(tmp_path: Path) -> None:
    wanted = tmp_path / "build" / "run"
    with claimed(wanted) as first, claimed(wanted) as second:
        assert (first, second) == (wanted, wanted.with_name("run-2"))
    with claimed(wanted) as again:
        assert again == wanted


def test_when_all_are_taken_it_says_so(tmp_path: Path) -> None:
    def nested(depth: int) -> None:
        with claimed(tmp_path / "run"):
            nested(depth + 1)

    with pytest.raises(Refused, match="are all in use"):
        nested(1)
