"""The known traps between Trino's SQL and DuckDB's: where each is probed, and what of it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from tests.engine.probes import rows

_T = rows.T
_MILLISECONDS = ("TIMESTAMP '2026-01-05 23:59:59.999'", "CAST('2026-01-05 10:00:00.123' AS TIMESTAMP)",
                 "TIMESTAMP '2026-01-01 00:00:00.001' > TIMESTAMP '2026-01-01 00:00:00'")
_SUM = f"SELECT sum(CAST(t.n AS DECIMAL(38, 0))) FROM {_T}"
_ORDERED = f"SELECT t.s FROM {_T} ORDER BY t.s DESC, t.n"
_PLACE = f"SELECT x.n FROM (SELECT t.n, row_number() OVER (ORDER BY t.n) AS place, count(*) OVER () AS size FROM {_T})"
_MIDDLE = f"{_PLACE} AS x WHERE x.place * 2 BETWEEN x.size AND x.size + 1"
_LATE = f"{_PLACE} AS x WHERE x.place * 100 >= x.size * 99 AND (x.place - 1) * 100 < x.size * 99"


@dataclass(frozen=True, slots=True)
class Trap:
    """`probes` show the shared meaning or the safe form, `refused` what may not be written, `reason` why no SQL can."""

    title: str
    probes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    reason: str = ""


TRAPS: dict[int, Trap] = {
    1: Trap("quotient of whole numbers", ("CAST(7 AS BIGINT) * 2 > CAST(3 AS BIGINT) * 4", "7 - mod(7, 3)"),
            ("SELECT t.a / 2 FROM t",)),
    2: Trap("DuckDB's whole quotient", ("CAST(1999 AS BIGINT) - mod(CAST(1999 AS BIGINT), 100)",),
            ("SELECT t.a // 2 FROM t",)),
    3: Trap("quotient of decimals", ("CAST('1.1' AS DECIMAL(38, 18)) * CAST('2.2' AS DECIMAL(38, 18))",),
            ("SELECT t.a FROM t WHERE t.a / t.b > 1",
             "SELECT CAST(t.a AS DECIMAL(10, 2)) * CAST(t.b AS DECIMAL(10, 0)) FROM t")),
    4: Trap("average", ("SELECT sum(CAST(t.x AS DECIMAL(38, 0))), count(t.x) FROM (VALUES (1), (CAST(NULL AS INTEGER)))"
                        " AS t (x)",), ("SELECT avg(t.a) FROM t",)),
    5: Trap("units between times", ("date_diff('day', CAST(TIMESTAMP '2026-01-01 00:00:01' AS DATE), "
                                    "CAST(TIMESTAMP '2026-01-01 23:59:59' AS DATE))",
                                    "date_diff('day', DATE '2026-01-02', DATE '2026-01-01')"),
            ("SELECT date_diff('day', t.event_at, t.recorded_at) FROM t",)),
    6: Trap("date plus interval", ("CAST(DATE '2026-01-31' + INTERVAL '1' DAY AS DATE)",
                                   "CAST(date_trunc('month', DATE '2026-01-31') AS DATE)"),
            ("SELECT t.dt + INTERVAL '1' DAY FROM t", "SELECT date_trunc('month', date(t.a)) FROM t")),
    7: Trap("decimal without precision", ("CAST('1.1' AS DECIMAL(38, 18))", "CAST('1.1' AS DECIMAL(38, 0))"),
            ("SELECT CAST('1.1' AS DECIMAL)", "SELECT CAST('1.1' AS DECIMAL(18))")),
    8: Trap("sum of bigint", (_SUM, f"SELECT sum(CAST(t.x AS DECIMAL(38, 0))) FROM {rows.WIDE}",
                              f"SELECT CAST(sum(CAST(t.x AS DECIMAL(38, 0))) AS BIGINT) FROM {rows.SWING}"),
            ("SELECT sum(t.a) FROM t", "SELECT CAST(sum(t.a) AS DECIMAL(38, 0)) FROM t")),
    9: Trap("divisor zero", ("mod(7, nullif(0, 0))", "mod(7, nullif(2 - 2, 0))"),
            ("SELECT mod(t.a, t.b) FROM t", "SELECT t.a % 0 FROM t")),
    10: Trap("cast that rounds", ("CAST(CAST('2.5' AS DECIMAL(38, 18)) AS DECIMAL(38, 0))",
                                  "CAST(CAST(CAST('2.5' AS DECIMAL(38, 18)) AS DECIMAL(38, 0)) AS BIGINT)"),
             ("SELECT CAST(2.5 AS BIGINT)", "SELECT CAST(t.a AS DOUBLE) FROM t")),
    11: Trap("ties of round", ("CAST(round(CAST('1.005' AS DECIMAL(10, 3)), 2) AS DECIMAL(38, 2))",
                               "CAST(round(CAST('-2.5' AS DECIMAL(38, 18)), 0) AS DECIMAL(38, 0))"),
             ("SELECT round(t.a) FROM t", "SELECT 1e3")),
    12: Trap("precision of times", _MILLISECONDS,
             ("SELECT CAST(t.a AS TIMESTAMP(6)) FROM t", "SELECT TIMESTAMP '2026-01-01 00:00:00.123456'")),
    13: Trap("times with a zone", ("TIMESTAMP '2026-03-29 02:30:00'",
                                   "TIMESTAMP '2026-03-29 00:30:00' + INTERVAL '1' HOUR"),
             ("SELECT t.a AT TIME ZONE 'UTC' FROM t", "SELECT CAST(t.a AS TIMESTAMP WITH TIME ZONE) FROM t")),
    14: Trap("text beside a number or a date", ("'10' < '9'", "'a' || CAST(1 AS VARCHAR)"),
             ("SELECT t.a FROM t WHERE t.dt >= '2026-01-01'", "SELECT t.a FROM t WHERE t.payment_id = t.payment_ref",
              "SELECT 1 + '1'", "SELECT 'a' AS a UNION ALL SELECT 1")),
    15: Trap("NULL and empty text on the way out", ("'' IS NULL", "CAST(NULL AS VARCHAR)", "concat('', '')",
                                                    "coalesce('', 'x')")),
    16: Trap("order of NULL", (_ORDERED, f"SELECT t.n FROM {_T} ORDER BY t.s DESC NULLS FIRST, t.n DESC")),
    17: Trap("order through UNLOAD", (_ORDERED,), ("SELECT t.a FROM t LIMIT 5",)),
    18: Trap("approximate figures", (_LATE, f"SELECT count(DISTINCT t.s) FROM {_T}"),
             ("SELECT approx_distinct(t.a) FROM t", "SELECT approx_percentile(t.a, 0.5) FROM t")),
    19: Trap("exact median", (_MIDDLE,), ("SELECT median(t.a) FROM t",)),
    20: Trap("hashes", ("lower(to_hex(sha256(to_utf8('abc'))))", "lower(to_hex(sha256(to_utf8('é'))))",
                        "substr(lower(to_hex(sha256(to_utf8('abc')))), 1, 15)"),
             ("SELECT sha256(t.a) FROM t", "SELECT md5(to_utf8(t.a)) FROM t", "SELECT xxhash64(to_utf8(t.a)) FROM t")),
    21: Trap("bit shifts", ("bitwise_right_shift_arithmetic(CAST(4611686018427387904 AS BIGINT), 22)",
                            "bitwise_and(12, 10) + 1"),
             ("SELECT t.a >> 2 FROM t", "SELECT bitwise_right_shift_arithmetic(t.a, 64) FROM t")),
    22: Trap("no match of a pattern", ("substr('a:b', strpos('a:b', ':') + 1)", "nullif('', '')",
                                       "strpos('abc', 'z')"),
             ("SELECT regexp_extract(t.a, '[0-9]+') FROM t",)),
    23: Trap("NULL in concat, greatest, least", ("concat('a', CAST(NULL AS VARCHAR))",
                                                 "greatest(1, CAST(NULL AS BIGINT))",
                                                 "least('a', 'b', CAST(NULL AS VARCHAR))")),
    24: Trap("positions below 1", ("substr('hello', 1, 0)", "substr('hello', 2, -1)", "substr('hello', 10)"),
             ("SELECT substr(t.a, 0, 2) FROM t", "SELECT substr(t.a, -2) FROM t")),
    25: Trap("format", ("CAST(CAST('1.50' AS DECIMAL(10, 2)) AS VARCHAR)",
                        "date_format(TIMESTAMP '2026-03-09 23:02:03', '%Y%m%d')"),
             ("SELECT format('%.2f', t.a) FROM t",)),
    26: Trap("lambdas", (f"SELECT array_join(array_agg(t.s ORDER BY t.n) FILTER (WHERE t.n < 3), ',') FROM {_T}",),
             ("SELECT filter(t.a, x -> x > 1) FROM t",)),
    27: Trap("UNNEST of a map", (f"SELECT x.c FROM (SELECT count(*) AS c FROM {_T}) AS x",),
             ("SELECT u.k FROM UNNEST(t.a) AS u (k, v)",)),
    28: Trap("DuckDB's own clauses", (f"SELECT t.s, count(*) FROM {_T} GROUP BY 1 ORDER BY 1",
                                      f"SELECT DISTINCT t.s FROM {_T} ORDER BY t.s"),
             ("SELECT t.a FROM t ASOF JOIN u ON t.a >= u.a", "SELECT * EXCLUDE (a) FROM t",
              "SELECT t.a FROM t QUALIFY row_number() OVER (ORDER BY t.a) = 1",
              "SELECT t.a, count(*) FROM t GROUP BY ALL")),
    29: Trap("case of names", (f"SELECT t.s AS k, count(*) AS c FROM {_T} GROUP BY t.s ORDER BY c DESC, k",),
             ('SELECT t."A" FROM t', "SELECT t.Amount FROM t")),
    30: Trap("text that is nearly a number", (r"CASE WHEN regexp_like('42', '^[0-9]+\z') THEN CAST('42' AS BIGINT) END",
                                              "CAST('0012.50' AS DECIMAL(10, 2))"),
             ("SELECT TRY_CAST(t.raw_type AS DECIMAL(38, 0)) FROM t", "SELECT CAST(' 5' AS BIGINT)",
              "SELECT TRY_CAST('1e3' AS DECIMAL(10, 2))")),
    31: Trap("result cache", reason="a setting of Athena's connection, off for every statement that recon sends"),
    32: Trap("DuckDB's file format", reason="no engine writes or reads a file of DuckDB's own"),
    33: Trap("units of money in feeds", reason="parsers of feeds decide units, before any SQL; tests/feeds hold them"),
}
