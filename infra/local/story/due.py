"""When a line and its file are due: what feed_expectations says, against the gateways' business days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from infra.local.gateways.settlement.calendars import Calendar
from infra.local.story.facts import Account


@dataclass(frozen=True, slots=True)
class Expectation:
    """One report of one account, daily: a row of feed_expectations."""

    account: Account
    report: str
    zone: str
    cut_off: str
    lag: int
    grace_hours: int
    calendar: str

    def day(self, at: datetime) -> tuple[datetime, datetime]:
        """The local day of an instant as a half-open UTC interval."""
        local = at.astimezone(ZoneInfo(self.zone)).date()
        return self._midnight(local), self._midnight(local + timedelta(days=1))

    def due(self, at: datetime) -> datetime:
        """When what happened at `at` must have been reported."""
        day = Calendar(self.calendar).after(at.astimezone(ZoneInfo(self.zone)).date(), 1 + self.lag)
        cut_off = datetime.combine(day, time.fromisoformat(self.cut_off), ZoneInfo(self.zone))
        return cut_off.astimezone(UTC) + timedelta(hours=self.grace_hours)

    def days(self, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        """All local days that meet [since, until)."""
        found = [self.day(since)]
        while found[-1][1] < until:
            found.append(self.day(found[-1][1]))
        return found

    def row(self) -> dict[str, object]:
        """The row of feed_expectations."""
        return {"gateway": self.account[0], "gateway_account": self.account[1], "report_type": self.report,
                "cadence": "daily", "time_zone": self.zone, "cut_off": self.cut_off, "lag_business_days": self.lag,
                "grace_hours": self.grace_hours, "calendar": self.calendar, "received_at": None}

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)


def expectations(accounts: dict[str, str]) -> list[Expectation]:
    """What the simulator's reports promise (settlement/README.md): Stripe's at noon of the second business day after
    the sale, Adyen's at three in the morning of the next; both some hours later are late."""
    adyen, stripe = ("adyen", accounts["adyen"]), ("stripe", accounts["stripe"])
    return [Expectation(adyen, "settlement_details", "Europe/Amsterdam", "03:00", 0, 6, "TARGET"),
            Expectation(stripe, "payout_reconciliation", "UTC", "12:00", 1, 6, "US")]


def open_days(since: date, until: date) -> list[dict[str, object]]:
    """Rows of business_days for [since, until)."""
    days = [since + timedelta(days=n) for n in range((until - since).days)]
    return [{"calendar": name, "day": day, "open": Calendar(name).open(day), "received_at": None}
            for name in ("TARGET", "US") for day in days]
