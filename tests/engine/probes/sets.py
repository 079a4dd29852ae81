"""Sets of rows: aggregates, order, joins, subqueries, unions and their types."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D
from typing import Any

from tests.engine.probes.rows import SWING, WIDE, T, U

STATEMENTS: list[tuple[str, list[tuple[Any, ...]]]] = [
    # Aggregates pass over NULL; of no rows they are NULL, and count is 0
    (f"SELECT count(*), count(t.s) FROM {T}", [(4, 3)]),
    (f"SELECT count(DISTINCT t.s) FROM {T}", [(2,)]),
    (f"SELECT t.n > 2, count(DISTINCT t.s) FROM {T} GROUP BY t.n > 2 ORDER BY 1", [(False, 2), (True, 1)]),
    (f"SELECT count(DISTINCT x.c) FROM (SELECT 'a' AS c, t.n FROM {T}) AS x", [(1,)]),
    (f"SELECT count(*), count(1), count(t.n) FROM {T} WHERE t.n > 9", [(0, 0, 0)]),
    ("SELECT count(*) FILTER (WHERE t.s = 'a'), count(*) FILTER (WHERE NOT t.s = 'a'), count(*) FILTER "
     f"(WHERE t.n > 9) FROM {T}", [(2, 1, 0)]),
    (f"SELECT min(t.s), max(t.s), bool_or(t.n > 3), bool_and(t.n > 3) FROM {T}", [("a", "b", True, False)]),
    (f"SELECT min(t.s), max(t.n) FROM {T} WHERE t.n > 9", [(None, None)]),
    (f"SELECT max(t.n) FILTER (WHERE t.s IS NULL) FROM {T}", [(3,)]),
    ("SELECT bool_or(t.b), bool_and(t.b) FROM (VALUES (CAST(NULL AS BOOLEAN)), (true)) AS t (b)", [(True, True)]),
    ("SELECT bool_or(t.b), bool_and(t.b) FROM (VALUES (CAST(NULL AS BOOLEAN))) AS t (b)", [(None, None)]),
    ("SELECT min(t.d), max(t.d) FROM (VALUES (DATE '2026-01-01'), (CAST(NULL AS DATE))) AS t (d)",
     [(date(2026, 1, 1), date(2026, 1, 1))]),
    ("SELECT min(t.s), max(t.s) FROM (VALUES ('ｚ'), ('👍'), ('é')) AS t (s)", [("é", "👍")]),
    (f"SELECT t.s FROM {T} WHERE t.n > 9 GROUP BY t.s", []),
    (f"SELECT count(*) FROM {T} HAVING count(*) > 9", []),
    (f"SELECT count(*) + 2147483647 FROM {T}", [(2147483651,)]),
    # Sums
    (f"SELECT sum(CAST(t.n AS DECIMAL(38, 0))) FROM {T}", [(D(10),)]),
    (f"SELECT CAST(sum(CAST(t.n AS DECIMAL(38, 0))) AS BIGINT) FROM {T}", [(10,)]),
    (f"SELECT sum(CAST(t.x AS DECIMAL(38, 0))) FROM {WIDE}", [(D("18446744073709551614"),)]),
    (f"SELECT CAST(sum(CAST(t.x AS DECIMAL(38, 0))) AS BIGINT) FROM {SWING}", [(9223372036854775807,)]),
    (f"SELECT CAST(sum(CAST(t.n AS DECIMAL(38, 0))) AS BIGINT) FROM {T} WHERE t.n > 9", [(None,)]),
    (f"SELECT sum(CAST(t.n AS DECIMAL(38, 0))) FILTER (WHERE t.s = 'a') FROM {T}", [(D(6),)]),
    ("SELECT sum(DISTINCT CAST(t.x AS DECIMAL(38, 0))) FROM (VALUES (1), (1), (2)) AS t (x)", [(D(3),)]),
    ("SELECT sum(CAST(t.x AS DECIMAL(38, 18))) FROM (VALUES (CAST('0.1' AS DECIMAL(38, 18))), (CAST('0.2' "
     "AS DECIMAL(38, 18)))) AS t (x)", [(D("0.300000000000000000"),)]),
    ("SELECT sum(CAST(t.x AS DECIMAL(38, 0))), count(t.x) FROM (VALUES (1), (CAST(NULL AS INTEGER))) AS t "
     "(x)", [(D(1), 1)]),
    # Lists as text
    (f"SELECT array_join(array_agg(t.s ORDER BY t.s DESC, t.n), ',') FROM {T}", [("b,a,a",)]),
    (f"SELECT array_join(array_agg(DISTINCT t.s ORDER BY t.s), '|') FROM {T}", [("a|b",)]),
    (f"SELECT array_join(array_agg(t.s ORDER BY t.n), ',') FROM {T} WHERE t.n > 9", [(None,)]),
    (f"SELECT array_join(array_agg(t.s ORDER BY t.n), ',') FROM {T} WHERE t.n = 3", [("",)]),
    (f"SELECT array_join(array_agg(t.s ORDER BY t.n), '') FROM {T}", [("baa",)]),
    (f"SELECT array_join(array_agg(t.n ORDER BY t.n DESC), ',') FROM {T}", [("4,3,2,1",)]),
    (f"SELECT array_join(array_agg(t.s ORDER BY t.n) FILTER (WHERE t.n < 3), ',') FROM {T}", [("b,a",)]),
    (f"SELECT array_join(array_agg(t.s ORDER BY t.n) FILTER (WHERE t.n > 9), ',') FROM {T}", [(None,)]),
    (f"SELECT listagg(t.s, ',') WITHIN GROUP (ORDER BY t.n DESC) FROM {T}", [("a,a,b",)]),
    (f"SELECT listagg(t.s, ',') WITHIN GROUP (ORDER BY t.n) FROM {T} WHERE t.n > 9", [(None,)]),
    (f"SELECT listagg(t.s, ',') WITHIN GROUP (ORDER BY t.n) FROM {T} WHERE t.n = 3", [(None,)]),
    (f"SELECT listagg(DISTINCT t.s, ',') WITHIN GROUP (ORDER BY t.s) FROM {T}", [("a,b",)]),
    (f"SELECT listagg(t.s) WITHIN GROUP (ORDER BY t.n) FROM {T}", [("b,a,a",)]),
    (f"SELECT listagg(CAST(t.n AS VARCHAR), '-') WITHIN GROUP (ORDER BY t.n DESC) FROM {T}", [("4-3-2-1",)]),
    # The value of the row with the smallest or greatest other value
    (f"SELECT min_by(t.s, t.n), max_by(t.s, t.n) FROM {T} WHERE t.n <= 3", [("b", None)]),
    (f"SELECT max_by(t.s, t.n) FILTER (WHERE t.s IS NOT NULL) FROM {T} WHERE t.n <= 3", [("a",)]),
    (f"SELECT min_by(t.n, t.s) FROM {T} WHERE t.n IN (1, 2, 3)", [(2,)]),
    (f"SELECT min_by(t.n, t.s) FROM {T} WHERE t.n > 9", [(None,)]),
    ("SELECT min_by(t.n, t.s) FROM (VALUES (1, CAST(NULL AS VARCHAR))) AS t (n, s)", [(None,)]),
    ("SELECT max_by(t.n, t.s) FROM (VALUES (1, CAST(NULL AS VARCHAR)), (2, 'a')) AS t (n, s)", [(2,)]),
    ("SELECT min_by(t.n, t.s), max_by(t.n, t.s) FROM (VALUES (CAST(NULL AS BIGINT), 'a'), (2, 'b'), (3, "
     "'c')) AS t (n, s)", [(None, 3)]),
    ("SELECT max_by(t.n, t.d) FROM (VALUES (1, TIMESTAMP '2026-01-01 00:00:00.001'), (2, TIMESTAMP "
     "'2026-01-01 00:00:00')) AS t (n, d)", [(1,)]),
    (f"SELECT min_by(lower(to_hex(sha256(to_utf8(t.s)))), bitwise_and(t.n, 7)) FROM {T} WHERE t.n < 3",
     [("3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",)]),
    # Order: NULL last in both directions, text by code point
    (f"SELECT t.s FROM {T} ORDER BY t.s, t.n", [("a",), ("a",), ("b",), (None,)]),
    (f"SELECT t.s FROM {T} ORDER BY t.s DESC, t.n", [("b",), ("a",), ("a",), (None,)]),
    (f"SELECT t.n FROM {T} ORDER BY t.s NULLS FIRST, t.n LIMIT 2", [(3,), (2,)]),
    (f"SELECT t.n FROM {T} ORDER BY t.s DESC NULLS LAST, t.n DESC", [(1,), (4,), (2,), (3,)]),
    (f"SELECT t.n FROM {T} ORDER BY t.s DESC NULLS FIRST, t.n DESC", [(3,), (1,), (4,), (2,)]),
    ("SELECT t.s FROM (VALUES ('a'), ('B'), ('é'), ('z'), ('👍'), ('ｚ'), (''), (' ')) AS t (s) ORDER BY t.s",
     [("",), (" ",), ("B",), ("a",), ("z",), ("é",), ("ｚ",), ("👍",)]),
    (f"SELECT t.n FROM {T} ORDER BY t.n LIMIT 0", []),
    (f"SELECT x.n FROM (SELECT t.n FROM {T} ORDER BY t.n DESC LIMIT 2) AS x ORDER BY x.n", [(3,), (4,)]),
    (f"SELECT t.n + 1 AS n FROM {T} ORDER BY n DESC", [(5,), (4,), (3,), (2,)]),
    (f"SELECT -t.n AS n FROM {T} ORDER BY n", [(-4,), (-3,), (-2,), (-1,)]),
    (f"SELECT t.s AS k, count(*) AS c FROM {T} GROUP BY t.s ORDER BY c DESC, k", [("a", 2), ("b", 1), (None, 1)]),
    # Groups
    (f"SELECT t.s, count(*) FROM {T} GROUP BY 1 ORDER BY 1", [("a", 2), ("b", 1), (None, 1)]),
    (f"SELECT t.s, count(*) FROM {T} GROUP BY t.s HAVING count(*) > 1", [("a", 2)]),
    (f"SELECT t.s || 'x', count(*) FROM {T} GROUP BY t.s || 'x' ORDER BY 1", [("ax", 2), ("bx", 1), (None, 1)]),
    (f"SELECT DISTINCT t.s FROM {T} ORDER BY t.s", [("a",), ("b",), (None,)]),
    (f"SELECT DISTINCT t.s IS NULL FROM {T} ORDER BY 1", [(False,), (True,)]),
    (f"SELECT count(*) FROM (SELECT DISTINCT t.s, t.n FROM {T}) AS x", [(4,)]),
    # IN and EXISTS
    (f"SELECT t.n FROM {T} WHERE t.s NOT IN (SELECT u.s FROM {U})", []),
    (f"SELECT t.n FROM {T} WHERE t.s NOT IN (SELECT u.s FROM (VALUES ('b')) AS u (s)) ORDER BY 1", [(2,), (4,)]),
    (f"SELECT t.n FROM {T} WHERE t.s NOT IN (SELECT u.s FROM (VALUES ('b')) AS u (s) WHERE u.s = 'z') ORDER "
     "BY 1", [(1,), (2,), (3,), (4,)]),
    (f"SELECT t.n FROM {T} WHERE t.n IN (SELECT u.n FROM (VALUES (1), (CAST(NULL AS INTEGER))) AS u (n)) "
     "ORDER BY 1", [(1,)]),
    (f"SELECT t.n, t.n IN (SELECT u.n FROM (VALUES (1), (CAST(NULL AS INTEGER))) AS u (n)) FROM {T} ORDER "
     "BY 1", [(1, True), (2, None), (3, None), (4, None)]),
    (f"SELECT t.n FROM {T} WHERE (t.n, t.s) IN (SELECT u.n, u.s FROM (VALUES (1, 'b'), (3, CAST(NULL AS "
     "VARCHAR))) AS u (n, s))", [(1,)]),
    ("SELECT t.a + 1 AS b FROM (VALUES (1), (2)) AS t (a) WHERE (t.a, t.a) IN (SELECT 2, 2)", [(3,)]),
    (f"SELECT t.n FROM {T} WHERE EXISTS (SELECT 1 FROM (VALUES (2), (9)) AS u (n) WHERE u.n = t.n)", [(2,)]),
    (f"SELECT t.n FROM {T} WHERE NOT EXISTS (SELECT 1 FROM (VALUES (2), (9)) AS u (n) WHERE u.n = t.n) "
     "ORDER BY 1", [(1,), (3,), (4,)]),
    (f"SELECT t.n FROM {T} WHERE EXISTS (SELECT 1 FROM (VALUES (2), (3)) AS u (n) WHERE u.n > t.n) ORDER BY "
     "1", [(1,), (2,)]),
    (f"SELECT t.n FROM {T} WHERE t.n = (SELECT max(u.n) FROM (VALUES (2), (3)) AS u (n))", [(3,)]),
    (f"SELECT t.n, (SELECT max(u.n) FROM (VALUES (2), (3)) AS u (n) WHERE u.n < t.n) FROM {T} ORDER BY 1",
     [(1, None), (2, None), (3, 2), (4, 3)]),
    (f"SELECT t.n FROM {T} WHERE t.s > 'a' OR t.s IS NULL ORDER BY 1", [(1,), (3,)]),
    (f"SELECT t.n FROM {T} WHERE NOT (t.s = 'a') ORDER BY 1", [(1,)]),
    (f"SELECT t.n FROM {T} WHERE coalesce(t.s = 'a', false) ORDER BY 1", [(2,), (4,)]),
    (f"SELECT t.n FROM {T} WHERE CASE WHEN t.n > 2 THEN mod(7, nullif(t.n - 2, 0)) ELSE 1 END = 1 ORDER BY "
     "1", [(1,), (2,), (4,)]),
    # Joins
    (f"SELECT t.n FROM {T} INNER JOIN (VALUES ('a'), (CAST(NULL AS VARCHAR))) AS u (s) ON t.s = u.s ORDER "
     "BY 1", [(2,), (4,)]),
    (f"SELECT t.n, u.n FROM {T} LEFT JOIN (VALUES ('a', 1), (CAST(NULL AS VARCHAR), 2)) AS u (s, n) ON t.s "
     "= u.s ORDER BY 1", [(1, None), (2, 1), (3, None), (4, 1)]),
    (f"SELECT t.n, u.n FROM {T} LEFT JOIN (VALUES ('a', 1), (CAST(NULL AS VARCHAR), 2)) AS u (s, n) ON t.s "
     "IS NOT DISTINCT FROM u.s ORDER BY 1", [(1, None), (2, 1), (3, 2), (4, 1)]),
    (f"SELECT t.n, u.n FROM {T} LEFT JOIN (VALUES (1), (7)) AS u (n) ON t.n = u.n AND u.n > 5 ORDER BY 1",
     [(1, None), (2, None), (3, None), (4, None)]),
    (f"SELECT t.n, u.n FROM {T} RIGHT JOIN (VALUES (1), (7)) AS u (n) ON t.n = u.n ORDER BY 2", [(1, 1), (None, 7)]),
    (f"SELECT t.n, u.n FROM {T} FULL JOIN (VALUES (1), (7)) AS u (n) ON t.n = u.n ORDER BY 1, 2",
     [(1, 1), (2, None), (3, None), (4, None), (None, 7)]),
    (f"SELECT t.n, u.n FROM {T} CROSS JOIN (VALUES (1), (2)) AS u (n) WHERE t.n = u.n ORDER BY 1", [(1, 1), (2, 2)]),
    (f"SELECT t.n, u.d FROM {T} LEFT JOIN (VALUES (DATE '2026-01-01', 2, 3)) AS u (d, a, b) ON t.n >= u.a "
     "AND t.n < u.b ORDER BY 1", [(1, None), (2, date(2026, 1, 1)), (3, None), (4, None)]),
    # Unions, their duplicates and their types
    ("SELECT t.n FROM (VALUES (1), (1)) AS t (n) UNION SELECT 1", [(1,)]),
    ("SELECT t.n FROM (VALUES (1), (1)) AS t (n) UNION ALL SELECT 1", [(1,), (1,), (1,)]),
    ("SELECT t.n FROM (VALUES (1), (2), (2)) AS t (n) EXCEPT SELECT 1", [(2,)]),
    ("SELECT t.n FROM (VALUES (1), (2), (2)) AS t (n) INTERSECT SELECT 2", [(2,)]),
    ("SELECT t.n FROM (VALUES (1), (1), (2)) AS t (n) EXCEPT ALL SELECT 1 ORDER BY 1", [(1,), (2,)]),
    ("SELECT t.n FROM (VALUES (1), (CAST(NULL AS INTEGER))) AS t (n) UNION SELECT CAST(NULL AS INTEGER) "
     "ORDER BY 1", [(1,), (None,)]),
    ("SELECT t.n FROM (VALUES (1), (CAST(NULL AS INTEGER))) AS t (n) EXCEPT SELECT CAST(NULL AS INTEGER)", [(1,)]),
    ("SELECT 1 AS a UNION SELECT 2 INTERSECT SELECT 2 ORDER BY 1", [(1,), (2,)]),
    ("SELECT 1 AS a UNION ALL SELECT 2 UNION SELECT 2 ORDER BY 1", [(1,), (2,)]),
    ("SELECT CAST('1.5' AS DECIMAL(10, 1)) AS a UNION ALL SELECT CAST('2.25' AS DECIMAL(10, 2)) ORDER BY 1",
     [(D("1.50"),), (D("2.25"),)]),
    ("SELECT CAST(1 AS BIGINT) AS a UNION ALL SELECT 2 ORDER BY 1", [(1,), (2,)]),
    ("SELECT 'a' AS a UNION ALL SELECT 'abc' ORDER BY 1", [("a",), ("abc",)]),
    ("SELECT t.a, t.b FROM (VALUES (1, 2.5), (2, 3.25)) AS t (a, b) ORDER BY 1", [(1, D("2.50")), (2, D("3.25"))]),
    (f"SELECT t.n, t.s FROM {T} UNION ALL SELECT 9, 'z' ORDER BY 1 DESC LIMIT 2", [(9, "z"), (4, "a")]),
    # Names
    ("WITH a AS (SELECT 1 AS n), b AS (SELECT a.n + 1 AS n FROM a) SELECT b.n FROM b", [(2,)]),
    (f"WITH a AS (SELECT t.n FROM {T}) SELECT x.n, y.n FROM a AS x INNER JOIN a AS y ON x.n = y.n + 1 ORDER "
     "BY 1", [(2, 1), (3, 2), (4, 3)]),
    (f"SELECT x.c FROM (SELECT count(*) AS c FROM {T}) AS x", [(4,)]),
    (f"SELECT x.n FROM (SELECT t.n, row_number() OVER (PARTITION BY t.s ORDER BY t.n) AS place FROM {T}) AS "
     "x WHERE x.place = 1 ORDER BY 1", [(1,), (2,), (3,)]),
]

ERRORS: list[str] = [
    f"SELECT t.n FROM {T} WHERE t.n = (SELECT u.n FROM (VALUES (2), (3)) AS u (n))",
]
"""Several rows where one value is wanted."""
