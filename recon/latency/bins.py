"""The bins of the distributions: as wide in proportion everywhere, with edges that people can read."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa

from recon.latency.result import Bin

_STEPS = (10, 15, 20, 30, 50, 70)
"""Edges of one decade, in tenths."""
_DECADES = 8
_FIRST_US = 100


def bins() -> tuple[Bin, ...]:
    """From nothing up: below 0.1 ms, then six to a decade, at last everything that is longer than a day or so."""
    edges = [0, *(_FIRST_US * step * 10**decade // 10 for decade in range(_DECADES + 1) for step in _STEPS), 1 << 62]
    return tuple(Bin(number, low, high) for number, (low, high) in enumerate(pairwise(edges)))


def table(of: tuple[Bin, ...]) -> pa.Table:
    """As the histogram's query joins them."""
    return pa.table({
        "bin": pa.array([one.bin for one in of], pa.int64()),
        "from_us": pa.array([one.from_us for one in of], pa.int64()),
        "until_us": pa.array([one.until_us for one in of], pa.int64()),
    })
