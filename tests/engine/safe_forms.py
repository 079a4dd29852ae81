"""For each rule of the subset the probes of its safe form, or one line why the safe form is no SQL."""

from __future__ import annotations

from tests.engine.probes import rows

_T = rows.T
_LOWER = "translate('Authorised É', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"
_HASH = "lower(to_hex(sha256(to_utf8('abc'))))"
_SHIFT = "bitwise_right_shift_arithmetic(CAST(4611686018427387904 AS BIGINT), 22)"
_MIDDLE = ("SELECT x.n FROM (SELECT t.n, row_number() OVER (ORDER BY t.n) AS place, count(*) OVER () AS size "
           f"FROM {_T}) AS x WHERE x.place * 2 BETWEEN x.size AND x.size + 1")
_FIRST = (f"SELECT x.n FROM (SELECT t.n, row_number() OVER (PARTITION BY t.s ORDER BY t.n) AS place FROM {_T}) AS x "
          "WHERE x.place = 1 ORDER BY 1")
_COUNTED = f"SELECT count(*) FROM (SELECT DISTINCT t.s, t.n FROM {_T}) AS x"
_JOINED = (f"SELECT t.n, u.d FROM {_T} LEFT JOIN (VALUES (DATE '2026-01-01', 2, 3)) AS u (d, a, b) "
           "ON t.n >= u.a AND t.n < u.b ORDER BY 1")
_NAMED = f"SELECT x.c FROM (SELECT count(*) AS c FROM {_T}) AS x"
_GROUPED = f"SELECT t.s, count(*) FROM {_T} GROUP BY 1 ORDER BY 1"
_HOUR = "TIMESTAMP '2026-01-02 00:00:01' >= TIMESTAMP '2026-01-01 23:59:59' + INTERVAL '1' HOUR"
_MILLISECONDS = "date_diff('millisecond', TIMESTAMP '2026-01-01 23:59:59.999', TIMESTAMP '2026-01-02 00:00:00.001')"
_GUARDED = r"CASE WHEN regexp_like('42', '^[0-9]+\z') THEN CAST('42' AS BIGINT) END"

SAFE: dict[str, tuple[str, ...] | str] = {
    "division": ("CAST(7 AS BIGINT) * 2 > CAST(3 AS BIGINT) * 4",
                 "CAST(1999 AS BIGINT) - mod(CAST(1999 AS BIGINT), 100)"),
    "modulo": ("mod(CAST(7 AS BIGINT), 256)", "mod(7, nullif(0, 0))"),
    "product": ("CAST(CAST('9999999999' AS DECIMAL(10, 0)) AS DECIMAL(38, 0)) * CAST('9999999999' AS DECIMAL(10, 0))",),
    "decimal_room": ("CAST('99999999999999999999' AS DECIMAL(38, 18)) > CAST('1.5' AS DECIMAL(38, 18))",),
    "literal": ("CAST('12345678901234567890' AS DECIMAL(38, 0)) * CAST('1.5' AS DECIMAL(2, 1))",),
    "sum": (f"SELECT sum(CAST(t.n AS DECIMAL(38, 0))) FROM {_T}",
            f"SELECT CAST(sum(CAST(t.x AS DECIMAL(38, 0))) AS BIGINT) FROM {rows.SWING}"),
    "average": ("SELECT sum(CAST(t.x AS DECIMAL(38, 0))), count(t.x) FROM (VALUES (1), (CAST(NULL AS INTEGER))) "
                "AS t (x)",),
    "decimal_precision": ("CAST('1.1' AS DECIMAL(38, 18))", "CAST('1.1' AS DECIMAL(38, 0))"),
    "float": ("CAST('1.1' AS DECIMAL(38, 18))", "0.1 + 0.2"),
    "round_by_cast": ("CAST(CAST(CAST('2.5' AS DECIMAL(38, 18)) AS DECIMAL(38, 0)) AS BIGINT)",),
    "round": ("CAST(round(CAST('1.005' AS DECIMAL(10, 3)), 2) AS DECIMAL(38, 2))",),
    "text_to_number": (_GUARDED, "CAST('9223372036854775807' AS BIGINT)"),
    "date_diff": ("date_diff('day', CAST(TIMESTAMP '2026-01-01 00:00:01' AS DATE), "
                  "CAST(TIMESTAMP '2026-01-01 23:59:59' AS DATE))", _MILLISECONDS, _HOUR),
    "date_arithmetic": ("CAST(DATE '2026-01-31' + INTERVAL '1' DAY AS DATE)",
                        "CAST(date_trunc('month', DATE '2026-01-31') AS DATE)"),
    "hours_of_a_date": ("CAST(DATE '2026-01-31' AS TIMESTAMP) + INTERVAL '1' HOUR",),
    "time_difference": ("date_diff('day', DATE '2026-01-01', DATE '2026-03-01')", _HOUR),
    "unit": ("TIMESTAMP '2026-10-25 00:30:00' + INTERVAL '1' DAY",
             "date_add('hour', 2 + 1, TIMESTAMP '2026-01-31 22:00:00')",
             "date_trunc('hour', TIMESTAMP '2026-03-29 01:59:59.999')"),
    "timestamp_precision": ("TIMESTAMP '2026-01-05 23:59:59.999'", "CAST('2026-01-05 10:00:00.123' AS TIMESTAMP)"),
    "time_zone": ("TIMESTAMP '2026-03-29 00:30:00' + INTERVAL '1' HOUR", "TIMESTAMP '2026-03-29 02:30:00'"),
    "clock": "a parameter, bound as a literal of its type (tests/engine/test_queries.py)",
    "time_as_text": ("date_format(TIMESTAMP '2026-03-29 01:02:03.999', '%Y-%m-%dT%H:%i:%sZ')",),
    "date_format": ("date_format(TIMESTAMP '2026-03-09 23:02:03', '%Y%m%d')",),
    "text_to_time": ("CAST('2026-01-05' AS DATE)", "TIMESTAMP '2026-01-05 10:00'"),
    "text_to_boolean": ("'a' = 'A'",),
    "mixed_comparison": ("DATE '2026-01-05' IN (DATE '2026-01-05', DATE '2026-01-06')", "'10' < '9'"),
    "argument": ("'a' || CAST(1 AS VARCHAR)", "CAST(DATE '2026-01-31' + INTERVAL '1' DAY AS DATE)"),
    "mixed_values": ("CASE WHEN true THEN CAST(1 AS BIGINT) ELSE 2 END", "coalesce(CAST(NULL AS BOOLEAN), false)"),
    "bare_null": ("CAST(NULL AS VARCHAR)", "CAST(NULL AS BIGINT) IS NULL", "CASE WHEN true THEN NULL ELSE 1 END"),
    "few_arguments": ("coalesce(CAST(NULL AS BIGINT), 0)", "concat('a', '')"),
    "varchar_length": ("CAST(substr('abcdef', 1, 3) AS VARCHAR)",),
    "trim": ("trim(BOTH ' ' FROM '  a b ')",),
    "substr": ("substr('hello', 2, 3)", "substr('a:b', strpos('a:b', ':') + 1)"),
    "letter_case": (_LOWER,),
    "translate": (_LOWER, "translate('👍a', '👍', 'b')"),
    "replace": ("replace('a-b-c', '-', '')",),
    "escape": ("'a_c' LIKE 'a!_c' ESCAPE '!'",),
    "regex": (r"regexp_like('123', '^[1-9][0-9]{0,18}\z')", r"regexp_like('a.b', '^a\.b\z')"),
    "regex_extract": ("substr('a:b', strpos('a:b', ':') + 1)", "nullif('', '')"),
    "case_blind": (_LOWER, "'abc' LIKE 'a%'"),
    "hash": (_HASH,),
    "shift": (_SHIFT,),
    "shift_places": (_SHIFT, "bitwise_right_shift_arithmetic("
                     "bitwise_right_shift_arithmetic(CAST(-1 AS BIGINT), 31), 31)"),
    "aggregate_order": (f"SELECT array_join(array_agg(t.s ORDER BY t.s DESC, t.n), ',') FROM {_T}",
                        f"SELECT listagg(t.s, ',') WITHIN GROUP (ORDER BY t.n DESC) FROM {_T}"),
    "array_join": (f"SELECT array_join(array_agg(DISTINCT t.s ORDER BY t.s), '|') FROM {_T}",),
    "min_by": (f"SELECT min_by(t.s, t.n), max_by(t.s, t.n) FROM {_T} WHERE t.n <= 3",),
    "window_order": (f"SELECT t.n, row_number() OVER (PARTITION BY t.s ORDER BY t.n DESC) FROM {_T} ORDER BY 1",),
    "window_function": ("SELECT t.n, sum(CASE WHEN t.s = 'a' THEN CAST(t.n AS DECIMAL(38, 0)) END) OVER (ORDER BY t.n) "
                        f"FROM {_T} ORDER BY 1",),
    "window_offset": (f"SELECT t.n, lag(t.n) OVER (ORDER BY t.n), lead(t.n, 2) OVER (ORDER BY t.n) FROM {_T} "
                      "ORDER BY 1",),
    "distinct_order": (f"SELECT DISTINCT t.s FROM {_T} ORDER BY t.s",),
    "limit": (f"SELECT t.n FROM {_T} ORDER BY t.s NULLS FIRST, t.n LIMIT 2",),
    "limit_number": (f"SELECT t.n FROM {_T} ORDER BY t.s NULLS FIRST, t.n LIMIT 2",),
    "count_distinct": (_COUNTED, f"SELECT count(DISTINCT t.s) FROM {_T}"),
    "constant_order": (f"SELECT t.s FROM {_T} ORDER BY t.s DESC, t.n",),
    "approximate": (_MIDDLE,),
    "any_value": (f"SELECT min(t.s), max(t.s), bool_or(t.n > 3), bool_and(t.n > 3) FROM {_T}",),
    "star": (f"SELECT count(*), count(t.s) FROM {_T}",),
    "table_function": (_NAMED, "WITH a AS (SELECT 1 AS n), b AS (SELECT a.n + 1 AS n FROM a) SELECT b.n FROM b"),
    "join": (_JOINED, f"SELECT t.n FROM {_T} WHERE EXISTS (SELECT 1 FROM (VALUES (2), (9)) AS u (n) WHERE u.n = t.n)"),
    "group": (_GROUPED,),
    "distinct_on": (_FIRST,),
    "recursion": "a table made in Python and registered (tests/engine/test_contract.py)",
    "alias_reuse": (f"SELECT t.s || 'x', count(*) FROM {_T} GROUP BY t.s || 'x' ORDER BY 1",
                    f"SELECT t.n + 1 AS n FROM {_T} ORDER BY n DESC"),
    "is_true": (f"SELECT t.n FROM {_T} WHERE coalesce(t.s = 'a', false) ORDER BY 1",),
    "set_by_name": (f"SELECT t.n, t.s FROM {_T} UNION ALL SELECT 9, 'z' ORDER BY 1 DESC LIMIT 2",),
    "identifier": (_NAMED,),
    "lambda": (_JOINED,),
    "nested": "JSON is read in Python, before it is registered",
    "random": "a parameter, bound as a literal of its type (tests/engine/test_queries.py)",
}
