"""What a parser declares about a file's columns: each field is one named, typed value of a row, compiled to SQL.

A field says which headers it reads (everything else in the file is never loaded), the SQL that gives its value, and
the checks that a value must pass. Values are computed over the raw relation, whose columns are text with blanks as
NULL; checks see the raw text and every field's value, by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.schemas.currency import ISO_EXPONENTS
from recon.feeds import amounts
from recon.feeds.faults import refuse
from recon.feeds.header import Header
from recon.feeds.options import ReadOptions

Explain = Callable[[str | None, str | None], tuple[str, str]]
"""(value, context) of a faulty row to (what is wrong, what would be accepted)."""


@dataclass(frozen=True, slots=True)
class Check:
    """Rows for which `bad` holds are faults of `column`; `value` and `context` are given to `explain`. All are SQL."""

    column: str
    bad: str
    value: str
    explain: Explain
    context: str = "NULL"


@dataclass(slots=True)
class Context:
    """What is known when a field is compiled: the header, the reader's options and what a first look has learned."""

    header: Header
    options: ReadOptions
    gateway: str
    comma: bool = False
    printed: dict[str, list[str | None]] = field(default_factory=dict)
    span: dict[str, tuple[object, object]] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether the file has the column."""
        return name in self.header

    def text(self, name: str) -> str:
        """SQL of the printed text, NULL when blank or without the column; of a doubled column the first filled cell."""
        cells = [f"c{index}" for index in self.header.positions(name)]
        if not cells:
            return "CAST(NULL AS VARCHAR)"
        return cells[0] if len(cells) == 1 else f"coalesce({', '.join(cells)})"

    def number(self, name: str) -> str:
        """SQL of a number's text with a point as its separator."""
        return f"replace({self.text(name)}, ',', '.')" if self.comma else self.text(name)

    def codes(self, name: str) -> dict[str, str]:
        """What is printed in a column of codes, and the code it stands for: without blanks, in upper case."""
        return {text: text.strip().upper() for text in self.printed.get(name, []) if text is not None}

    def scale(self, name: str) -> tuple[str, str]:
        """SQL of the decimals of the currency in a column, and of ten to their power.

        Where rows differ they are worked out once per row, as columns that `steps` names for all amounts.
        """
        blanks = None in self.printed.get(name, [None])
        decimals = amounts.decimals_sql(self.text(name), self.codes(name), blanks=blanks)
        if decimals.isdigit():
            return decimals, amounts.power_sql(decimals)
        step = "_".join(map(str, self.header.positions(name)))
        self.steps |= {f"e{step}": decimals, f"p{step}": amounts.power_sql(decimals)}
        return f"e{step}", f"p{step}"

    def code(self, name: str) -> str:
        """SQL of a code (currency, zone label) without blanks, in upper case."""
        exact = all(printed == code for printed, code in self.codes(name).items())
        return self.text(name) if exact else f"upper(trim({self.text(name)}))"


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a row called `name`, read from `header`. `required`: a blank cell is a fault."""

    name: str
    header: str
    required: bool = False

    type = "VARCHAR"

    def reads(self, ctx: Context) -> tuple[str, ...]:
        """Headers that this field reads, as far as the file has them."""
        return (self.header,) if ctx.has(self.header) else ()

    def looks(self, ctx: Context) -> tuple[str, ...]:
        """Columns whose distinct values are needed before compiling."""
        return ()

    def spans(self, ctx: Context) -> tuple[str, ...]:
        """Columns whose smallest and largest local time is needed before compiling."""
        return ()

    def zone(self, ctx: Context) -> tuple[str, str]:
        """(what decided the zone, the zone): of fields that hold a time."""
        return "", ""

    def sql(self, ctx: Context) -> str:
        """SQL of the value."""
        return ctx.text(self.header)

    def checks(self, ctx: Context) -> list[Check]:
        """What a value must pass."""
        if not self.required:
            return []
        text = ctx.text(self.header)
        return [Check(self.header, f"{text} IS NULL", "NULL", lambda *_: ("empty where a value is needed", "a value"))]


class Text(Field):
    """Text as printed."""


class Lower(Field):
    """Text in lower case."""

    def sql(self, ctx: Context) -> str:
        return f"lower({ctx.text(self.header)})"


class Currency(Field):
    """An ISO 4217 code in any letter case, upper case in the lake; an unknown one is refused."""

    def looks(self, ctx: Context) -> tuple[str, ...]:
        return self.reads(ctx)

    def sql(self, ctx: Context) -> str:
        return ctx.code(self.header)

    def checks(self, ctx: Context) -> list[Check]:
        known = [printed for printed, code in ctx.codes(self.header).items() if code in ISO_EXPONENTS]
        if len(known) == len(ctx.codes(self.header)):
            return Field.checks(self, ctx)
        text = ctx.text(self.header)
        explain: Explain = lambda *_: ("unknown currency", "an ISO 4217 code such as EUR")  # noqa: E731
        return [Check(self.header, not_among(text, known), text, explain), *Field.checks(self, ctx)]


@dataclass(frozen=True, slots=True)
class Amount(Field):
    """An amount in major units of the currency in column `currency`, as BIGINT ISO minor units."""

    currency: str = "currency"
    type = "BIGINT"

    def reads(self, ctx: Context) -> tuple[str, ...]:
        return tuple(name for name in (self.header, self.currency) if ctx.has(name))

    def looks(self, ctx: Context) -> tuple[str, ...]:
        return (self.currency,) if ctx.has(self.currency) else ()

    def sql(self, ctx: Context) -> str:
        return amounts.minor_sql(ctx.number(self.header), *ctx.scale(self.currency))

    def checks(self, ctx: Context) -> list[Check]:
        if not ctx.has(self.header):
            return Field.checks(self, ctx)
        text = ctx.text(self.header)
        bad = f"{text} IS NOT NULL AND {self.name} IS NULL"
        comma = ctx.comma
        explain: Explain = lambda value, code: amounts.why_not(value or "", code, comma=comma)  # noqa: E731
        return [Check(self.header, bad, text, explain, ctx.text(self.currency)), *Field.checks(self, ctx)]


@dataclass(frozen=True, slots=True)
class ApiAmount(Amount):
    """An integer in the gateway's API units, as BIGINT ISO minor units; refused where that is not exact."""

    def sql(self, ctx: Context) -> str:
        codes = ctx.codes(self.currency)
        return amounts.api_minor_sql(ctx.text(self.header), ctx.text(self.currency), codes, ctx.gateway)

    def checks(self, ctx: Context) -> list[Check]:
        text = ctx.text(self.header)
        accepted = f"an integer in {ctx.gateway}'s API units that is a whole number of the currency's minor units"
        bad = f"{text} IS NOT NULL AND {self.name} IS NULL"
        explain: Explain = lambda *_: ("not an exact amount", accepted)  # noqa: E731
        return [Check(self.header, bad, text, explain, ctx.text(self.currency)), *Field.checks(self, ctx)]


class Rate(Field):
    """An exchange rate, DECIMAL(38,18)."""

    type = "DECIMAL(38,18)"

    def sql(self, ctx: Context) -> str:
        text = ctx.number(self.header)
        exact = f"length(rtrim(split_part(trim({text}), '.', 2), '0')) <= 18"
        number = f"regexp_full_match({text}, '{amounts.NUMBER}') AND {exact}"
        return f"CASE WHEN {number} THEN TRY_CAST({text} AS DECIMAL(38,18)) END"

    def checks(self, ctx: Context) -> list[Check]:
        if not ctx.has(self.header):
            return []
        text = ctx.text(self.header)
        explain: Explain = lambda *_: ("not an exchange rate", "a plain decimal number with at most 18 decimals")  # noqa: E731
        return [Check(self.header, f"{text} IS NOT NULL AND {self.name} IS NULL", text, explain)]


class Whole(Field):
    """A whole number such as a batch number, kept as text without blanks."""

    def sql(self, ctx: Context) -> str:
        return f"trim({ctx.text(self.header)})"

    def checks(self, ctx: Context) -> list[Check]:
        bad = f"NOT regexp_full_match({self.name}, '[0-9]{{1,18}}')"
        explain: Explain = lambda *_: ("not a whole number", "digits only")  # noqa: E731
        return [Check(self.header, bad, ctx.text(self.header), explain), *Field.checks(self, ctx)]


@dataclass(frozen=True, slots=True)
class Kind(Field):
    """The kind of a line by its printed type (in any letter case); a type that `kinds` lacks is `held`."""

    kinds: Mapping[str, str] = field(default_factory=dict)

    def looks(self, ctx: Context) -> tuple[str, ...]:
        return self.reads(ctx)

    def sql(self, ctx: Context) -> str:
        folded = {raw.upper(): kind for raw, kind in self.kinds.items()}
        known = {printed: folded[code] for printed, code in ctx.codes(self.header).items() if code in folded}
        branches = " ".join(f"WHEN {quoted(printed)} THEN '{kind}'" for printed, kind in known.items())
        return f"CASE {ctx.text(self.header)} {branches} ELSE 'held' END" if branches else "'held'"


@dataclass(frozen=True, slots=True)
class Reference(Field):
    """Our own payment id: the column that the reader was told to take it from, else `header`."""

    def column(self, ctx: Context) -> str:
        """The header that is read for this file."""
        return next((name for name in ctx.options.payment_ref_columns if ctx.has(name)), self.header)

    def reads(self, ctx: Context) -> tuple[str, ...]:
        name = self.column(ctx)
        return (name,) if ctx.has(name) else ()

    def sql(self, ctx: Context) -> str:
        return ctx.text(self.column(ctx))


class Said(Field):
    """The batch or payout that the file is of, where only its name or `arrivals.json` says so."""

    def reads(self, ctx: Context) -> tuple[str, ...]:
        return ()

    def sql(self, ctx: Context) -> str:
        if ctx.options.batch_id is None:
            raise refuse("the file does not say which payout it is of", accepted=self.header)
        return quoted(ctx.options.batch_id)

    def checks(self, ctx: Context) -> list[Check]:
        return []


class ApiRate(Rate):
    """An exchange rate of the API: a JSON number."""

    def sql(self, ctx: Context) -> str:
        return f"TRY_CAST({ctx.text(self.header)} AS DECIMAL(38,18))"


def not_among(text: str, known: list[str]) -> str:
    """SQL: `text` is there and is none of the known ones."""
    return f"{text} NOT IN ({', '.join(map(quoted, known))})" if known else f"{text} IS NOT NULL"


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
