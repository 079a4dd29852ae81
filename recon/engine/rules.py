"""The rules of the Trino subset: what each refuses in a statement's tree, why, and the form that is safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from recon.engine import arguments, checks, shape, widths

Check = Callable[[exp.Expr, Mapping[str, str]], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """`breaks` decides for nodes of the classes `nodes`; the mapping is the header's parameters."""

    name: str
    nodes: tuple[type[exp.Expr], ...]
    breaks: Check
    why: str
    safe: str


def _always(_node: exp.Expr, _parameters: Mapping[str, str]) -> bool:
    return True


_PERCENTILE = "rank with row_number() and pick the row"
_CALENDAR = "CAST(day + INTERVAL '1' DAY AS DATE)"

RULES: tuple[Rule, ...] = (
    # Numbers
    Rule("division", (exp.Div, exp.IntDiv), _always, "integer and decimal division differ between engines",
         "keep minor units, multiply across, or divide in Python with a named rounding"),
    Rule("modulo", (exp.Mod,), checks.unsafe_modulo, "a zero divisor must be impossible",
         "mod(a, 256) or mod(a, nullif(b, 0))"),
    Rule("product", (exp.Mul,), widths.narrow_product, "one engine keeps 18 digits of a product of short decimals",
         "CAST(a AS DECIMAL(38, 2)) * b"),
    Rule("decimal_room", (exp.Add, exp.Sub, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In,
                          exp.NullSafeEQ, exp.NullSafeNEQ, exp.Case, exp.If, exp.Coalesce, exp.Greatest, exp.Least,
                          exp.SetOperation, exp.Values),
         widths.no_room, "digits before one point and after the other are more than 38 together",
         "CAST both to the same type, such as DECIMAL(38, 18)"),
    Rule("literal", (exp.Literal,), checks.long_number, "a number this long is an error or DOUBLE",
         "CAST('12345678901234567890' AS DECIMAL(38, 0))"),
    Rule("sum", (exp.Sum,), checks.bare_sum, "a sum of BIGINT overflows on one engine, also half way to a small total",
         "sum(CAST(x AS DECIMAL(38, 0))), around it CAST(... AS BIGINT) where the total fits"),
    Rule("average", (exp.Avg,), _always, "an average is DOUBLE on one engine and rounded on the other",
         "take sum and count, and divide in Python"),
    Rule("decimal_precision", (exp.DataType,), checks.open_decimal, "the default precision differs between engines",
         "DECIMAL(38, 0) or DECIMAL(38, 18)"),
    Rule("float", (exp.DataType, exp.Literal), checks.is_float, "a float is never money and rounds otherwise elsewhere",
         "BIGINT minor units, or DECIMAL(38, 18)"),
    Rule("round_by_cast", (exp.Cast,), checks.rounds_by_cast, "a cast to a whole number rounds, and not alike",
         "CAST(CAST(x AS DECIMAL(38, 0)) AS BIGINT), half away from zero, or Python with a named rounding"),
    Rule("round", (exp.Round,), checks.unsafe_round, "rounding is alike for decimals only, the digits kept are not",
         "CAST(round(CAST(x AS DECIMAL(38, 18)), 2) AS DECIMAL(38, 2)) with the digits written out"),
    Rule("text_to_number", (exp.Cast,), checks.unguarded_number, "engines accept different spellings of a number",
         r"CASE WHEN regexp_like(x, '^[1-9][0-9]{0,17}\z') THEN CAST(x AS BIGINT) END"),
    # Times
    Rule("date_diff", (exp.DateDiff,), checks.unsafe_date_diff,
         "one engine counts whole units, the other boundaries crossed",
         "date_diff('day', CAST(a AS DATE), CAST(b AS DATE)), date_diff('millisecond', a, b) of two times; for hours "
         "compare b with a + INTERVAL '1' HOUR"),
    Rule("date_arithmetic", (exp.Add, exp.Sub, exp.DateAdd, exp.TimestampTrunc, exp.DateTrunc),
         checks.bare_date_arithmetic,
         "a date stays a date on one engine and becomes a timestamp on the other", _CALENDAR),
    Rule("hours_of_a_date", (exp.Add, exp.Sub, exp.DateAdd, exp.DateTrunc, exp.TimestampTrunc), checks.hours_of_a_date,
         "a date has no hours on one engine", "CAST(day AS TIMESTAMP) + INTERVAL '1' HOUR"),
    Rule("time_difference", (exp.Sub,), checks.subtracts_times, "the difference of two times has different types",
         "date_diff('day', CAST(a AS DATE), CAST(b AS DATE)), or compare b with a + INTERVAL '1' HOUR"),
    Rule("unit", (exp.DateAdd, exp.TimestampTrunc, exp.DateTrunc, exp.Interval), checks.unsafe_unit,
         "units and spellings differ",
         "INTERVAL '2' DAY, date_add('hour', n, t), date_trunc('hour', t); units second to year"),
    Rule("timestamp_precision", (exp.DataType,), checks.fine_timestamp, "lake times are milliseconds without a zone",
         "TIMESTAMP, or a literal of at most three decimals"),
    Rule("time_zone", (exp.AtTimeZone, exp.DataType), checks.has_zone, "zones are handled differently",
         "naive UTC in SQL; convert in Python"),
    Rule("clock", (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.Localtimestamp), _always,
         "the clock never decides a result", "a parameter such as :as_of"),
    Rule("time_as_text", (exp.Cast,), checks.time_as_text, "the printed form differs",
         "date_format(t, '%Y-%m-%dT%H:%i:%sZ')"),
    Rule("date_format", (exp.TimeToStr,), checks.unsafe_format, "other codes differ", "codes %Y %m %d %H %i %s only"),
    Rule("text_to_time", (exp.Cast,), checks.text_to_time, "engines accept different spellings of a time",
         "a literal such as DATE '2026-01-31' or TIMESTAMP '2026-01-31 10:00:00', a parameter, or parsing in Python"),
    Rule("text_to_boolean", (exp.Cast,), checks.text_to_boolean, "engines accept different words", "x = 'true'"),
    # Text
    Rule("mixed_comparison", (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In,
                              exp.NullSafeEQ, exp.NullSafeNEQ), arguments.mixed_comparison,
         "text against a number or time is an error on one engine and a silent cast on the other",
         "CAST one side, or write a typed literal such as DATE '2026-01-31'"),
    Rule("argument", (exp.Expr,), arguments.wrong_argument, "an error on one engine and a silent cast on the other",
         "CAST the argument to what the function or operator takes"),
    Rule("mixed_values", (exp.Case, exp.If, exp.Coalesce, exp.Greatest, exp.Least, exp.Nullif, exp.Lag, exp.Lead,
                          exp.SetOperation, exp.Values), arguments.mixed_values,
         "values of several types in one place are an error on one engine and a silent cast on the other",
         "CAST them to one type"),
    Rule("bare_null", (exp.Null,), arguments.bare_null, "a NULL without a type has another type on each engine",
         "CAST(NULL AS VARCHAR), x IS NULL"),
    Rule("few_arguments", (exp.Coalesce, exp.Concat), checks.too_few, "Trino wants two at least", "coalesce(x, 0)"),
    Rule("varchar_length", (exp.DataType,), checks.sized_varchar, "only one engine cuts",
         "CAST(substr(x, 1, n) AS VARCHAR)"),
    Rule("trim", (exp.Trim,), checks.bare_trim, "what counts as space differs", "trim(BOTH ' ' FROM x)"),
    Rule("substr", (exp.Substring,), checks.unsafe_substr, "positions below 1 differ",
         "substr(x, 1, n), or substr(x, strpos(x, ':') + 1)"),
    Rule("letter_case", (exp.Lower, exp.Upper), checks.changes_case,
         "beyond A to Z letter cases follow the engine's edition of Unicode",
         "translate(x, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"),
    Rule("translate", (exp.Translate,), checks.unsafe_translate, "alike for pairs of single letters only",
         "translate(x, 'AB', 'ab'), both lists written out, equally long, no letter twice in the first"),
    Rule("replace", (exp.Replace,), checks.unsafe_replace, "an empty search text matches everywhere on one engine",
         "replace(x, '-', '') with the search text written out"),
    Rule("escape", (exp.Escape,), checks.unsafe_escape, "a stray escape mark is an error on one engine",
         "x LIKE 'a!_b%' ESCAPE '!' with the pattern written out, the mark before %, _ or itself only"),
    Rule("regex", (exp.RegexpLike,), checks.unsafe_regex, "the engines' regular expressions differ",
         r"a literal of plain classes such as '^[A-Z]{3}[0-9]+\z': \z for the end, no $, \d, \w, \s, \b or (?"),
    Rule("regex_extract", (exp.RegexpExtract, exp.RegexpReplace, exp.RegexpSplit, exp.RegexpExtractAll), _always,
         "no match is NULL on one engine and '' on the other", "strpos and substr, or Python"),
    Rule("case_blind", (exp.ILike, exp.RegexpILike, exp.SimilarTo, exp.Glob), _always, "not in Trino",
         "lower(x) LIKE 'abc%'"),
    Rule("hash", (exp.SHA2, exp.SHA2Digest, exp.Encode, exp.Hex, exp.LowerHex, exp.MD5, exp.MD5Digest, exp.SHA),
         checks.unsafe_hash,
         "hashes take bytes on one engine and text on the other", "lower(to_hex(sha256(to_utf8(x))))"),
    Rule("shift", (exp.BitwiseLeftShift, exp.BitwiseRightShift), _always, "not in Trino",
         "bitwise_right_shift_arithmetic(x, 22)"),
    Rule("shift_places", (exp.Anonymous,), checks.unsafe_shift, "beyond the width of the number engines differ",
         "bitwise_right_shift_arithmetic(x, 22), 0 to 31 places written out"),
    # Sets and order
    Rule("aggregate_order", (exp.ArrayAgg, exp.GroupConcat), shape.unordered_list, "the order would be chance",
         "array_join(array_agg(x ORDER BY y), ','), or listagg(x, ',') WITHIN GROUP (ORDER BY y)"),
    Rule("array_join", (exp.ArrayToString,), shape.odd_array_join, "arrays are only a step to text",
         "array_join(array_agg(x ORDER BY y), ',')"),
    Rule("min_by", (exp.ArgMin, exp.ArgMax, exp.Min, exp.Max), shape.takes_several, "lists of values differ",
         "min(x), min_by(x, y), y unique"),
    Rule("window_order", (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue),
         shape.unordered_window, "the order would be chance", "row_number() OVER (PARTITION BY a ORDER BY b, c)"),
    Rule("window_function", (exp.Window,), shape.odd_window, "neither FILTER nor DISTINCT nor lists in Trino's windows",
         "sum(CASE WHEN a THEN CAST(b AS DECIMAL(38, 0)) END) OVER (...)"),
    Rule("window_offset", (exp.Lag, exp.Lead), shape.odd_offset, "an offset below 0 or NULL is an error on one engine",
         "lag(x, 1) OVER (ORDER BY y), the offset written out"),
    Rule("distinct_order", (exp.Select,), shape.order_beside_distinct, "Trino orders distinct rows by their columns",
         "SELECT DISTINCT a, b ... ORDER BY a, b"),
    Rule("limit", (exp.Limit, exp.Fetch, exp.Offset), shape.unordered_limit, "which rows stay would be chance",
         "ORDER BY a unique key LIMIT n"),
    Rule("limit_number", (exp.Limit,), shape.computed_limit, "Trino takes a number that is written out",
         "LIMIT 50, or row_number() in a subquery, then WHERE n <= :most"),
    Rule("count_distinct", (exp.Count,), shape.wide_count,
         "several columns, or constants beside another aggregate, are not counted alike",
         "count(*) over a SELECT DISTINCT, or count(DISTINCT x) alone in its SELECT"),
    Rule("constant_order", (exp.Ordered,), shape.constant_order, "a constant orders nothing, or is an error",
         "ORDER BY a column, or by 1, 2 at the end of a statement"),
    Rule("approximate", (exp.ApproxDistinct, exp.ApproxQuantile, exp.Quantile, exp.PercentileCont, exp.PercentileDisc,
                         exp.Median, exp.WithinGroup), _always, "sketches differ, exact ones are not in Trino",
         _PERCENTILE),
    Rule("any_value", (exp.AnyValue,), _always, "the value would be chance", "min(x)"),
    # Shape of the statement
    Rule("star", (exp.Star,), shape.bare_star, "columns must be said", "name the columns; count(*) is fine"),
    Rule("table_function", (exp.Table, exp.Unnest, exp.Lateral), shape.not_plain_table,
         "tables are given by name only",
         "a lake table, a registered table or WITH"),
    Rule("join", (exp.Join,), shape.odd_join,
         "USING, NATURAL, ASOF, SEMI, ANTI and comma joins differ or are missing",
         "INNER, LEFT, RIGHT, FULL JOIN ... ON, CROSS JOIN, EXISTS"),
    Rule("group", (exp.Group,), shape.odd_group, "GROUP BY ALL is not in Trino, constants are not alike",
         "GROUP BY a, b, or 1, 2"),
    Rule("distinct_on", (exp.Distinct,), shape.distinct_on, "not in Trino",
         "row_number() in a subquery, then WHERE n = 1"),
    Rule("recursion", (exp.With,), shape.recursive, "recursion differs in depth and in support",
         "a table made in Python"),
    Rule("alias_reuse", (exp.Select,), shape.reuses_alias, "one engine lets an alias be used beside its definition",
         "repeat the expression, use a subquery, or write the table's alias before the column"),
    Rule("is_true", (exp.Is,), shape.is_boolean, "not in Trino", "coalesce(x, false), or NOT coalesce(x, true)"),
    Rule("set_by_name", (exp.SetOperation,), shape.by_name, "not in Trino", "list the columns in the same order"),
    Rule("identifier", (exp.Identifier,), shape.odd_identifier, "letter case, quoting and reserved words differ",
         "lower-case snake_case without quotes, no reserved word"),
    Rule("lambda", (exp.Lambda,), _always, "lambdas differ", "Python, or a join"),
    Rule("nested", (exp.Array, exp.Struct, exp.Bracket, exp.Map, exp.JSONExtract, exp.JSONExtractScalar, exp.Dot),
         _always, "nested values differ", "plain columns; read JSON in Python"),
    Rule("random", (exp.Rand, exp.Uuid, exp.TableSample), _always, "a result must repeat", "a parameter"),
)
