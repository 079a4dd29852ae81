"""A question in the asker's own SQL: checked before anything is opened, then run like any query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot.errors import SqlglotError

from pipeline.schemas.tables import TABLES
from recon.engine import budget, question
from recon.engine.open import open_engine
from recon.engine.port import Engine, Scalar
from recon.engine.queries import BadQuery, Query
from recon.engine.question import QuestionRefused
from recon.lake import Lake
from recon.settings import bytes_budget

if TYPE_CHECKING:
    import pandas as pd

Days = Sequence[str | date]
"""The first day and the day after the last, as dates or as YYYY-MM-DD."""

_DAYS = 'days=("2026-03-01", "2026-03-08"), the first day and the day after the last'


def ask(sql: str, parameters: Mapping[str, object], *, lake: str, engine: str, days: Days | None = None,
        known_at: datetime | None = None, progress: Callable[[str], None] = lambda _: None) -> pa.Table:
    """The rows that `sql` gives on the lake; times are naive UTC timestamp(ms), sums decimal128.

    Tables with a partition dt are read for the half-open `days`, others whole; of the pipeline's tables only what
    landed before `known_at`, which a statement may use as :known_at. Raises Refused: for what the statement itself
    shows before anything is opened, above the budget before anything is read.
    """
    if known_at is not None and known_at.tzinfo is None:
        raise QuestionRefused(f"known_at {known_at} has no time zone; give an aware time, or text with Z at its end")
    query, values = question.read(sql, parameters, offered={} if known_at is None else {"known_at": known_at})
    first, until = _range(query, days)
    place = Lake(lake)
    for table in query.inputs:
        place.require(table)
    with open_engine(engine, place.root, catalog=lambda _: query, progress=progress) as running:
        for table in query.inputs:
            progress(f"list {table}")
            running.expose(table, place.objects(table, dt_from=first, dt_until=until, known_at=known_at))
        with _plainly(running):
            _within_budget(running, query, values, progress)
            progress(f"ask {running.name}")
            return running.fetch(query.name, **values)


def frame(rows: pa.Table) -> pd.DataFrame:
    """Rows for a notebook: whole numbers Int64, decimals Decimal, truth boolean, times naive UTC; no floats."""
    # Only those who ask load pandas.
    import pandas as pd

    def exact(kind: pa.DataType) -> pd.Int64Dtype | pd.BooleanDtype | None:
        return pd.Int64Dtype() if pa.types.is_integer(kind) else pd.BooleanDtype() if kind == pa.bool_() else None

    return rows.to_pandas(types_mapper=exact)


def _range(query: Query, days: Days | None) -> tuple[date | None, date | None]:
    by_day = [name for name in query.inputs if any(column.name == "dt" for column in TABLES[name].partitions)]
    if days is None:
        if by_day:
            raise QuestionRefused(f"{', '.join(by_day)}: read by days, and none were given; give {_DAYS}")
        return None, None
    if isinstance(days, str) or len(days) != 2:
        raise QuestionRefused(f"days {days!r}: two days were expected; give {_DAYS}")
    first, until = (_day(text) for text in days)
    if first >= until:
        raise QuestionRefused(f"days {first} to {until} hold no day; give {_DAYS}")
    return first, until


def _day(value: str | date) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise QuestionRefused(f"days: {value!r} is no day; give {_DAYS}") from None


def _within_budget(engine: Engine, query: Query, values: Mapping[str, Scalar], progress: Callable[[str], None]) -> None:
    allowed = bytes_budget()
    estimated = budget.within(engine, [(query.name, values)], allowed, what="the question",
                              instead="ask for fewer days or columns")
    if estimated:
        progress(f"about {budget.size(estimated)} to read, budget {budget.size(allowed)}")


@contextmanager
def _plainly(engine: Engine) -> Iterator[None]:
    """Turns what an engine says of the statement into QuestionRefused: the statement is the asker's, not ours."""
    expected: tuple[type[Exception], ...] = (BadQuery, SqlglotError, *_errors(engine.name))
    try:
        yield
    except expected as error:
        said = getattr(error, "message", None) or str(error)
        # What follows shows the place in a text that the asker never saw.
        plain = str(said).partition("\n\nLINE ")[0].strip()
        raise QuestionRefused(f"engine {engine.name} cannot answer: {plain}") from error


def _errors(engine: str) -> tuple[type[Exception], ...]:
    """What the engine's client raises; it has been imported by then."""
    if engine == "trino":
        from trino.exceptions import Error as TrinoError

        return (TrinoError,)
    if engine == "athena":
        from pyathena.error import Error as AthenaError

        return (AthenaError,)
    from duckdb import Error as DuckDbError

    return (DuckDbError,)
