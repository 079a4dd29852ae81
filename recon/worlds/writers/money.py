"""Amounts and times as the vendors print them."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.schemas.currency import iso_exponent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def major(amount: int, currency: str) -> str:
    """`amount` minor units in major units with all decimals of the currency: (-1234, "USD") is -12.34."""
    exponent = iso_exponent(currency)
    if exponent == 0:
        return str(amount)
    digits = str(abs(amount)).rjust(exponent + 1, "0")
    return f"{'-' if amount < 0 else ''}{digits[:-exponent]}.{digits[-exponent:]}"


def utc_time(at: int) -> str:
    """Milliseconds as `YYYY-MM-DD HH:MM:SS`, UTC."""
    return _day_text(at // 86_400_000) + _clock_text(at // 1000 % 86_400)


def local_time(at: int, zone: str) -> tuple[str, str]:
    """Milliseconds as local `YYYY-MM-DD HH:MM:SS` and the zone's abbreviation."""
    offset, label = _offset(at // 900_000, zone)
    return utc_time(at + offset), label


@functools.cache
def _day_text(day: int) -> str:
    return f"{_EPOCH + timedelta(days=day):%Y-%m-%d} "


@functools.cache
def _clock_text(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


@functools.lru_cache(maxsize=65_536)
def _offset(quarter: int, zone: str) -> tuple[int, str]:
    """Offset in milliseconds and label in a quarter of an hour: zones change only at quarters."""
    local = (_EPOCH + timedelta(minutes=15 * quarter)).astimezone(ZoneInfo(zone))
    shift = local.utcoffset() or timedelta()
    return shift // timedelta(milliseconds=1), local.strftime("%Z")
