"""A later run as witness: what it shows of a case that it does not find. Silence alone shows nothing."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from recon.breaks.case import Case
from recon.breaks.refuted import BY_A_MATCH, FEEDS_THAT_CAME, TOLD_BY_A_WHOLE_BATCH
from recon.breaks.run_files import RunFiles

_BUCKETS = 256
"""Into so many the ledger's control totals are told apart, by payment_id."""

Proof = dict[str, Any]
"""Plain JSON values: `why` as a sentence, and what it rests on."""


class Witness:
    """One run, asked about cases that it may have cleared; matches are looked up once for all of them."""

    def __init__(self, run: RunFiles, cases: Iterable[Case]) -> None:
        self._run = run
        journals, lines = set(), set()
        for case in cases:
            for subject in case.members or (case.subject_id,):
                kind, _, rest = subject.partition(":")
                if kind == "movement":
                    journals.add(rest)
                elif kind == "line":
                    lines.add(_line_id(subject, case))
        self._claims: dict[tuple[str, str], Mapping[str, str]] = {}
        for claim in run.claims(journals, lines):
            self._claims[("movement", claim["journal_id"])] = self._claims[("line", claim["line_id"])] = claim
        self._named = {str(row["subject_id"]) for row in run.rows}
        for row in run.rows:
            self._named |= {str(member) for member in json.loads(row["evidence"] or "{}").get("members", ())}
        self._feeds = defaultdict(list)
        for feed in run.summary["feeds"]:
            self._feeds[feed["gateway"], feed["gateway_account"], feed["report_type"]].append(feed)
        self._whole = {(b["gateway"], b["gateway_account"], b["batch_id"]) for b in run.summary["batches"]
                       if b.get("whole")}
        self._gaps = [json.loads(row["evidence"] or "{}").get("buckets") for row in run.rows
                      if row["class"] == "lake_gap"]

    def proof(self, case: Case) -> Proof | None:
        """Why `case`, which the run may clear and does not find, is over; None where nothing shows it."""
        if self._run.status == "failed":
            return None
        if case.subject_kind in ("movement", "line"):
            return self._matched(case)
        if case.subject_kind == "group":
            return self._dissolved(case)
        if case.subject_kind == "feed":
            return self._arrived(case)
        return self._gone(case)

    def _matched(self, case: Case) -> Proof | None:
        claim = self._claim(case.subject_id, case)
        if claim is None or any(self._undecidable(name, case) for name in case.cls if name not in BY_A_MATCH):
            return None
        return {"why": f"journal {claim['journal_id']} and line {claim['line_id'][:12]} are matched by "
                       f"{claim['rule']}, and nothing is found on them", **claim}

    def _dissolved(self, case: Case) -> Proof | None:
        """Each member has found its one other side, or is a case of its own."""
        claims = {member: self._claim(member, case) for member in case.members}
        if not claims or any(claim is None and member not in self._named for member, claim in claims.items()):
            return None
        matched = {member: claim for member, claim in claims.items() if claim is not None}
        return {"why": f"of its {len(claims)} members {len(matched)} are matched and the others named by themselves",
                "matched": matched, "named": sorted(set(claims) - set(matched))}

    def _arrived(self, case: Case) -> Proof | None:
        """The report is here and accepted, for the period that was late or over the cohort that a cut file was in."""
        if not set(case.cls) <= FEEDS_THAT_CAME:
            return None
        report, _, covers_from = _feed(case)
        periods = self._feeds.get((case.gateway, case.gateway_account, report), [])
        if "feed_late" in case.cls:
            periods = [period for period in periods if _at(period["covers_from"]) == _at(covers_from)]
        else:
            periods = [period for period in periods if _at(period["covers_from"]) < case.cohort_to
                       and case.cohort_from < _at(period["covers_until"])]
        if not periods or any(period["status"] != "accepted" for period in periods):
            return None
        return {"why": f"the {report} from {periods[0]['covers_from']} to {periods[-1]['covers_until']} is accepted",
                "files": sorted({name for period in periods for name in period.get("files", ())})}

    def _gone(self, case: Case) -> Proof | None:
        """Batches, journals, payments and hours: looked at again, in full, and no longer found."""
        if any(self._undecidable(name, case) for name in case.cls):
            return None
        if case.subject_kind == "batch":
            key = (case.gateway, case.gateway_account, case.batch_id)
            if set(case.cls) & TOLD_BY_A_WHOLE_BATCH and key not in self._whole:
                return None
        elif self._starved(case):
            return None
        return {"why": f"{' and '.join(case.cls)} was looked for again and is not found"}

    def _starved(self, case: Case) -> bool:
        """Whether what the lake lacks could be what the run did not see."""
        if self._run.summary.get("lost_objects"):
            return True
        if case.subject_kind == "hour":
            return False
        bucket = case.payment_id % _BUCKETS if case.payment_id is not None else None
        return any(bucket is None or buckets is None or bucket in buckets for buckets in self._gaps)

    def _undecidable(self, name: str, case: Case) -> bool:
        return any(
            entry["class"] == name and not entry["decidable"]
            and entry["gateway"] in (None, case.gateway) and entry["gateway_account"] in (None, case.gateway_account)
            for entry in self._run.summary["decidable"]
        )  # fmt: skip

    def _claim(self, subject: str, case: Case) -> Mapping[str, str] | None:
        kind, _, rest = subject.partition(":")
        return self._claims.get((kind, _line_id(subject, case) if kind == "line" else rest))


def may_clear(run: RunFiles, case: Case) -> bool:
    """Whether the run looked at all that the case is about: its cohort, or for a late report that very period."""
    return (run.cohort_from <= case.cohort_from and case.cohort_to <= run.cohort_to) or case.cls == ("feed_late",)


def _line_id(subject: str, case: Case) -> str:
    """line_id of the subject `line:{gateway}:{native_id}`: the hash of gateway, account and native_id."""
    _, gateway, native_id = subject.split(":", 2)
    return hashlib.sha256(f"{gateway}\n{case.gateway_account}\n{native_id}".encode()).hexdigest()


def _feed(case: Case) -> tuple[str, str, str]:
    """(report, ':', start) of `feed:{gateway}:{account}:{report}:{covers_from}`, whatever the account holds."""
    return case.subject_id.removeprefix(f"feed:{case.gateway}:{case.gateway_account}:").partition(":")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
