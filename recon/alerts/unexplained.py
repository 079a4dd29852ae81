"""Money that a run could not name: the gravest thing that a run may say, and no case of the register."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from recon.alerts import amounts
from recon.alerts.cause import Cause

UNEXPLAINED = "unexplained"
"""Class of the cause."""


def findings(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One finding per account whose identity leaves something over, in the form of the arrival model's.

    Its subject is the run's cohort, so that only a run that looks at all of that can tell that it is over.
    """
    left = sorted((total for total in summary["totals"] if total["unexplained_minor"]), key=_account)
    return [_finding(account, {total["currency"]: total["unexplained_minor"] for total in totals}, summary)
            for account, totals in groupby(left, key=_account)]


def is_looked_at(cause: Cause, summary: Mapping[str, Any]) -> bool:
    """Whether the run looks at all that an unexplained cause is about."""
    start, _, end = cause.subject.removeprefix("cohort:").partition("/")
    return bool(summary["cohort_from"] <= start and end <= summary["cohort_to"])


def _account(total: Mapping[str, Any]) -> tuple[str, str]:
    return total["gateway"], total["gateway_account"]


def _finding(account: tuple[str, str], left: Mapping[str, int], summary: Mapping[str, Any]) -> dict[str, Any]:
    subject = f"cohort:{summary['cohort_from']}/{summary['cohort_to']}"
    said = amounts.readable(amounts.listed(left))
    return {
        "class": UNEXPLAINED, "subject_id": subject, "cause": {"class": UNEXPLAINED, "subject_id": subject},
        "gateway": account[0], "gateway_account": account[1], "report_type": None, "batch_id": None, "file": None,
        "covers_from": summary["cohort_from"], "covers_until": summary["cohort_to"],
        "first_seen_at": summary["known_at"], "severity": "break",
        "reason": f"Nothing explains {said} of {' '.join(account)}: it is neither matched, named, pending nor held. "
                  "The run counts as failed; its figures are not to be used before somebody has looked.",
    }  # fmt: skip
