"""Fields that hold an instant: which column is asked, and what decides its zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recon.feeds import times
from recon.feeds.faults import Fault, refuse
from recon.feeds.fields import Check, Context, Explain, Field, not_among, quoted

_IMPOSSIBLE: Explain = lambda *_: ("impossible or unreadable time", times.ACCEPTED)  # noqa: E731


class Instant(Field):
    """A time that the report prints in UTC."""

    type = "TIMESTAMP"

    def sql(self, ctx: Context) -> str:
        return times.local_sql(ctx.text(self.header)) if ctx.has(self.header) else "CAST(NULL AS TIMESTAMP)"

    def checks(self, ctx: Context) -> list[Check]:
        text = ctx.text(self.header)
        unreadable = Check(self.header, f"{text} IS NOT NULL AND {self.name} IS NULL", text, _IMPOSSIBLE)
        return [unreadable, *Field.checks(self, ctx)] if ctx.has(self.header) else Field.checks(self, ctx)

    def zone(self, ctx: Context) -> tuple[str, str]:
        """(what decided the zone, the zone)."""
        return "utc column", "UTC"


class Epoch(Instant):
    """Seconds since 1970 UTC, as the API writes times."""

    def sql(self, ctx: Context) -> str:
        text = ctx.text(self.header)
        digits = f"CASE WHEN regexp_full_match({text}, '[0-9]{{9,10}}') THEN TRY_CAST({text} AS BIGINT) END"
        return f"make_timestamp(({digits}) * 1000000)"

    def checks(self, ctx: Context) -> list[Check]:
        text = ctx.text(self.header)
        explain: Explain = lambda *_: ("not a time", "whole seconds since 1970 UTC")  # noqa: E731
        bad = f"{text} IS NOT NULL AND {self.name} IS NULL"
        return [Check(self.header, bad, text, explain), *Field.checks(self, ctx)]


class TwinTime(Instant):
    """A Stripe time: `header` + `_utc` where printed, else `header` itself.

    The bare column is UTC in layouts that print no requested-zone twin of `created`; elsewhere it is in the zone that
    the report was requested in, which the file does not say. Then the reader must be told, or nothing is read.
    """

    def printed(self, ctx: Context) -> str:
        """The header that is read."""
        return f"{self.header}_utc" if ctx.has(f"{self.header}_utc") else self.header

    def reads(self, ctx: Context) -> tuple[str, ...]:
        name = self.printed(ctx)
        return (name,) if ctx.has(name) else ()

    def zone(self, ctx: Context) -> tuple[str, str]:
        if self.printed(ctx).endswith("_utc") or (ctx.has("created_utc") and not ctx.has("created")):
            return "utc column", "UTC"
        if ctx.options.time_zone:
            return "account", ctx.options.time_zone
        if not self.required:
            return "", ""
        raise refuse(
            "the file does not say in which time zone this column is printed",
            line=ctx.header.line, column=self.header,
            accepted=f"a {self.header}_utc column, or the zone that the report was requested in, by --time-zone or "
            "time_zone in arrivals.json (Stripe's own default is UTC)",
        )  # fmt: skip

    def spans(self, ctx: Context) -> tuple[str, ...]:
        name = self.printed(ctx)
        return (name,) if ctx.has(name) and self.zone(ctx)[1] not in ("", "UTC") else ()

    def sql(self, ctx: Context) -> str:
        name = self.printed(ctx)
        _, zone = self.zone(ctx)
        if not ctx.has(name) or not zone:
            return "CAST(NULL AS TIMESTAMP)"
        return in_zone(ctx, name, zone)

    def checks(self, ctx: Context) -> list[Check]:
        name = self.printed(ctx)
        _, zone = self.zone(ctx)
        found = unread(ctx, name, self.name, zone) if ctx.has(name) and zone else []
        return found + (needed(ctx, name) if self.required else [])


@dataclass(frozen=True, slots=True)
class LabelTime(Instant):
    """An Adyen time: the `(AMS)` column where printed, else the local time with the abbreviation in column `label`."""

    label: str = "TimeZone"

    def amsterdam(self) -> str:
        """The header of the twin in Amsterdam time."""
        return f"{self.header} (AMS)"

    def reads(self, ctx: Context) -> tuple[str, ...]:
        return tuple(name for name in (self.amsterdam(), self.header, self.label) if ctx.has(name))

    def looks(self, ctx: Context) -> tuple[str, ...]:
        return (self.label,) if ctx.has(self.label) else ()

    def _known(self, ctx: Context) -> list[str]:
        return [printed for printed, code in ctx.codes(self.label).items() if code in times.LABELS]

    def spans(self, ctx: Context) -> tuple[str, ...]:
        return tuple(name for name in (self.amsterdam(), self.header) if ctx.has(name))

    def zone(self, ctx: Context) -> tuple[str, str]:
        if ctx.has(self.amsterdam()):
            return "(AMS) column", "Europe/Amsterdam"
        zones = {times.LABELS[label] for label in ctx.codes(self.label).values() if label in times.LABELS}
        return "zone label", ", ".join(sorted(zones))

    def sql(self, ctx: Context) -> str:
        labelled = self._labelled(ctx)
        if not ctx.has(self.amsterdam()):
            return labelled
        in_amsterdam = in_zone(ctx, self.amsterdam(), "Europe/Amsterdam", ctx.code(self.label))
        return f"coalesce({in_amsterdam}, {labelled})"

    def checks(self, ctx: Context) -> list[Check]:
        if not ctx.has(self.header):
            return []
        readable = f"{not_among(ctx.text(self.label), self._known(ctx))} IS NOT TRUE"
        found = unread(ctx, self.header, self.name, "the zone of its label", readable)
        if ctx.has(self.amsterdam()):
            found += unread(ctx, self.amsterdam(), self.name, "Europe/Amsterdam")
        else:
            found += self._label_checks(ctx)
        return found + (needed(ctx, self.header) if self.required else [])

    def _label_checks(self, ctx: Context) -> list[Check]:
        text, label = ctx.text(self.header), ctx.text(self.label)
        accepted = f"one of {', '.join(times.LABELS)}"
        known = self._known(ctx)
        strange: Explain = lambda *_: ("unknown time zone", accepted)  # noqa: E731
        absent: Explain = lambda *_: ("no time zone beside the time", accepted)  # noqa: E731
        found = []
        if len(known) < len(ctx.codes(self.label)):
            found.append(Check(self.label, not_among(label, known), label, strange))
        if not ctx.options.time_zone:
            found.append(Check(self.label, f"{text} IS NOT NULL AND {label} IS NULL", "NULL", absent))
        return found

    def _labelled(self, ctx: Context) -> str:
        if not ctx.has(self.header):
            return "CAST(NULL AS TIMESTAMP)"
        label = ctx.code(self.label)
        by_zone: dict[str, list[str]] = {}
        for printed, code in ctx.codes(self.label).items():
            if code in times.LABELS:
                by_zone.setdefault(times.LABELS[code], []).append(printed)
        branches = []
        for zone, codes in sorted(by_zone.items()):
            listed = ", ".join(quoted(code) for code in codes)
            branches.append(f"WHEN {ctx.text(self.label)} IN ({listed}) THEN {in_zone(ctx, self.header, zone, label)}")
        if ctx.options.time_zone:
            unlabelled = in_zone(ctx, self.header, ctx.options.time_zone)
            branches.append(f"WHEN {ctx.text(self.label)} IS NULL THEN {unlabelled}")
        return f"CASE {' '.join(branches)} END" if branches else "CAST(NULL AS TIMESTAMP)"


def in_zone(ctx: Context, header: str, zone: str, label: str | None = None) -> str:
    """SQL: the local time in column `header` as UTC by the rules of `zone` over the range that the file has."""
    low, high = ctx.span.get(header, (None, None))
    local = times.local_sql(ctx.text(header))
    if zone == "UTC":
        return local
    if not isinstance(low, datetime) or not isinstance(high, datetime):
        return "CAST(NULL AS TIMESTAMP)"
    return times.to_utc_sql(f"({local})", zone, low, high, label)


def unread(ctx: Context, header: str, name: str, zone: str, where: str = "true") -> list[Check]:
    """Checks of a printed time for which field `name` has no value: no such time, or no such instant in `zone`.

    A time that can be read is told about only `where` (SQL) its zone can be too: a strange label is its own fault.
    """
    text = ctx.text(header)
    bad = f"{text} IS NOT NULL AND {name} IS NULL AND ({where} OR ({times.local_sql(text)}) IS NULL)"
    return [Check(header, bad, text, lambda value, _: why_not(value or "", zone))]


def why_not(text: str, zone: str) -> tuple[str, str]:
    """What is wrong with a printed time, and what would be accepted."""
    if times.parsed(text) is None:
        return "impossible or unreadable time", times.ACCEPTED
    return f"local time that {zone} skipped, or showed twice with nothing to tell which", "a time that exists once"


def needed(ctx: Context, header: str) -> list[Check]:
    """The check that a time is there."""
    absent: Explain = lambda *_: ("empty where a time is needed", times.ACCEPTED)  # noqa: E731
    return [Check(header, f"{ctx.text(header)} IS NULL", "NULL", absent)]


def undecidable(ctx: Context, fields: tuple[Field, ...]) -> list[Fault]:
    """Times that the file prints but that have no zone: said, and left empty."""
    return [
        Fault("the zone of this column is not stated; left empty", column=f.header, level="warning")
        for f in fields
        if isinstance(f, TwinTime) and ctx.has(f.header) and f.zone(ctx) == ("", "")
    ]
