"""Windows: numbering, neighbours, frames, and the middle of a set by its rank."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

from tests.engine.probes.rows import TIMES, T

STATEMENTS: list[tuple[str, list[tuple[Any, ...]]]] = [
    # Numbering
    (f"SELECT t.n, row_number() OVER (ORDER BY t.s, t.n DESC) FROM {T} ORDER BY 1", [(1, 3), (2, 2), (3, 4), (4, 1)]),
    (f"SELECT t.n, row_number() OVER (PARTITION BY t.s ORDER BY t.n DESC) FROM {T} ORDER BY 1",
     [(1, 1), (2, 2), (3, 1), (4, 1)]),
    (f"SELECT t.n, rank() OVER (ORDER BY t.s), dense_rank() OVER (ORDER BY t.s) FROM {T} ORDER BY 1",
     [(1, 3, 2), (2, 1, 1), (3, 4, 3), (4, 1, 1)]),
    (f"SELECT t.n, rank() OVER (ORDER BY t.s DESC), dense_rank() OVER (ORDER BY t.s DESC) FROM {T} ORDER BY "
     "1", [(1, 1, 1), (2, 2, 2), (3, 4, 3), (4, 2, 2)]),
    (f"SELECT row_number() OVER (ORDER BY t.n) + 2147483647 FROM {T} WHERE t.n = 1", [(2147483648,)]),
    # Neighbours
    (f"SELECT t.n, lag(t.n) OVER (ORDER BY t.n), lead(t.n, 2) OVER (ORDER BY t.n) FROM {T} ORDER BY 1",
     [(1, None, 3), (2, 1, 4), (3, 2, None), (4, 3, None)]),
    (f"SELECT t.n, lag(t.s, 1, 'x') OVER (ORDER BY t.n), lead(t.s, 1, 'x') OVER (ORDER BY t.n) FROM {T} "
     "ORDER BY 1", [(1, "x", "a"), (2, "b", None), (3, "a", "a"), (4, None, "x")]),
    (f"SELECT t.n, lead(t.n, 0) OVER (ORDER BY t.n), lead(t.n, 9) OVER (ORDER BY t.n) FROM {T} ORDER BY 1",
     [(1, 1, None), (2, 2, None), (3, 3, None), (4, 4, None)]),
    ("SELECT t.n, first_value(t.n) OVER (PARTITION BY t.s ORDER BY t.n), last_value(t.n) OVER (PARTITION "
     f"BY t.s ORDER BY t.n ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM {T} ORDER BY 1",
     [(1, 1, 1), (2, 2, 4), (3, 3, 3), (4, 2, 4)]),
    (f"SELECT t.n, last_value(t.n) OVER (ORDER BY t.n) FROM {T} ORDER BY 1", [(1, 1), (2, 2), (3, 3), (4, 4)]),
    (f"SELECT t.n, first_value(t.s) OVER (ORDER BY t.n DESC) FROM {T} ORDER BY 1",
     [(1, "a"), (2, "a"), (3, "a"), (4, "a")]),
    (f"SELECT t.n, first_value(t.s) OVER (ORDER BY t.s NULLS FIRST, t.n) FROM {T} ORDER BY 1",
     [(1, None), (2, None), (3, None), (4, None)]),
    # Counts and sums over frames
    (f"SELECT t.n, count(*) OVER (ORDER BY t.s) FROM {T} ORDER BY 1", [(1, 3), (2, 2), (3, 4), (4, 2)]),
    (f"SELECT t.n, count(*) OVER (PARTITION BY t.s) FROM {T} ORDER BY 1", [(1, 1), (2, 2), (3, 1), (4, 2)]),
    (f"SELECT t.n, count(t.s) OVER () FROM {T} ORDER BY 1", [(1, 3), (2, 3), (3, 3), (4, 3)]),
    (f"SELECT t.n, min(t.n) OVER (PARTITION BY t.s) FROM {T} ORDER BY 1", [(1, 1), (2, 2), (3, 3), (4, 2)]),
    ("SELECT t.n, CAST(sum(CAST(t.n AS DECIMAL(38, 0))) OVER (ORDER BY t.n ROWS BETWEEN 1 PRECEDING AND "
     f"CURRENT ROW) AS BIGINT) FROM {T} ORDER BY 1", [(1, 1), (2, 3), (3, 5), (4, 7)]),
    (f"SELECT t.n, sum(CAST(t.n AS DECIMAL(38, 0))) OVER (ORDER BY t.s) FROM {T} ORDER BY 1",
     [(1, D(7)), (2, D(6)), (3, D(10)), (4, D(6))]),
    (f"SELECT t.n, sum(CAST(t.n AS DECIMAL(38, 0))) OVER (ORDER BY t.n ROWS 1 PRECEDING) FROM {T} ORDER BY "
     "1", [(1, D(1)), (2, D(3)), (3, D(5)), (4, D(7))]),
    ("SELECT t.n, sum(CAST(t.n AS DECIMAL(38, 0))) OVER (ORDER BY t.s, t.n ROWS BETWEEN 1 PRECEDING AND 1 "
     f"FOLLOWING) FROM {T} ORDER BY 1", [(1, D(8)), (2, D(6)), (3, D(4)), (4, D(7))]),
    ("SELECT t.n, sum(CAST(t.n AS DECIMAL(38, 0))) OVER (ORDER BY t.n RANGE BETWEEN 1 PRECEDING AND "
     f"CURRENT ROW) FROM {T} ORDER BY 1", [(1, D(1)), (2, D(3)), (3, D(5)), (4, D(7))]),
    ("SELECT t.n, sum(CAST(t.n AS DECIMAL(38, 0))) OVER (ORDER BY t.s GROUPS BETWEEN 1 PRECEDING AND "
     f"CURRENT ROW) FROM {T} ORDER BY 1", [(1, D(7)), (2, D(6)), (3, D(4)), (4, D(6))]),
    ("SELECT t.n, sum(CASE WHEN t.s = 'a' THEN CAST(t.n AS DECIMAL(38, 0)) END) OVER (ORDER BY t.n) FROM "
     f"{T} ORDER BY 1", [(1, None), (2, D(2)), (3, D(2)), (4, D(6))]),
    (f"SELECT t.n, min(t.n) OVER (ORDER BY t.n ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING) FROM {T} ORDER BY "
     "1", [(1, 3), (2, 4), (3, None), (4, None)]),
    ("SELECT t.n, max(t.n) OVER (PARTITION BY t.s ORDER BY t.n ROWS BETWEEN CURRENT ROW AND UNBOUNDED "
     f"FOLLOWING) FROM {T} ORDER BY 1", [(1, 1), (2, 4), (3, 3), (4, 4)]),
    (f"SELECT t.n, min_by(t.s, t.n) OVER (ORDER BY t.n DESC) FROM {T} ORDER BY 1",
     [(1, "b"), (2, "a"), (3, None), (4, "a")]),
    ("SELECT t.n, count(*) OVER (ORDER BY t.d RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW) "
     f"FROM {TIMES} ORDER BY 1", [(1, 1), (2, 2), (3, 1)]),
    # Over groups
    (f"SELECT t.s, row_number() OVER (ORDER BY count(*) DESC, t.s) FROM {T} GROUP BY t.s ORDER BY t.s",
     [("a", 1), ("b", 2), (None, 3)]),
    (f"SELECT sum(sum(CAST(t.n AS DECIMAL(38, 0)))) OVER (ORDER BY t.s) FROM {T} GROUP BY t.s ORDER BY 1",
     [(D(6),), (D(7),), (D(10),)]),
    # The middle and the 99th of a hundred, by rank
    ("SELECT x.n FROM (SELECT t.n, row_number() OVER (ORDER BY t.n) AS place, count(*) OVER () AS size "
     f"FROM {T}) AS x WHERE x.place * 2 BETWEEN x.size AND x.size + 1", [(2,)]),
    ("SELECT x.n FROM (SELECT t.n, row_number() OVER (ORDER BY t.n) AS place, count(*) OVER () AS size "
     f"FROM {T}) AS x WHERE x.place * 100 >= x.size * 99 AND (x.place - 1) * 100 < x.size * 99", [(4,)]),
]
