"""A message as it goes out: subject, text for people, JSON for programs, attributes for subscriptions to filter by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recon.alerts.amounts import readable
from recon.alerts.message import encoded

SUBJECT = 100
"""Characters that SNS takes: ASCII, none of them a control character."""
LIMIT = 262_144
"""Bytes of a whole message that SNS takes."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a topic publishes. `attributes` are never empty; `dedup_id` among them is the same when it is sent again."""

    subject: str
    text: str
    data: str
    attributes: Mapping[str, str]


def letter(message: Mapping[str, Any]) -> Letter:
    """The letter of a message."""
    cause = message["cause"]
    attributes = {"kind": message["kind"], "severity": message["severity"], "class": cause["class"],
                  "gateway": cause["gateway"], "window": message["window"], "dedup_id": message["message_id"]}
    return Letter(_subject(message), "\n".join(_lines(message)) + "\n", encoded(message),
                  {name: value for name, value in attributes.items() if value})


def _subject(message: Mapping[str, Any]) -> str:
    word = message["severity"] if message["kind"] == "flag" else message["kind"]
    text = f"[{word}] {_named(message['cause'])}: {_counted(message)} ({message['window']} {message['as_of'][:13]})"
    plain = "".join(char if " " <= char <= "~" else "?" for char in text)
    return plain if len(plain) <= SUBJECT else f"{plain[: SUBJECT - 3]}..."


def _counted(message: Mapping[str, Any]) -> str:
    if message["kind"] == "recovered":
        return "over"
    if message["kind"] == "failed":
        return "the run failed"
    if not message["open_cases"]:
        return "named"
    return f"{message['new_cases']} new, {message['open_cases']} open"


def _named(cause: Mapping[str, Any]) -> str:
    about = str(cause["subject"] or "").split(":")
    parts = [cause["class"], cause["gateway"], cause["gateway_account"]]
    if about[0] == "feed":
        parts += [*about[-4:-3], ":".join(about[-3:])[:10]]
    elif about[0] == "batch":
        parts.append(f"batch {about[-1]}")
    elif about[0] == "hour":
        parts.append(":".join(about[2:])[:13])
    return " ".join(part for part in parts if part)


def _lines(message: Mapping[str, Any]) -> Iterator[str]:
    yield f"{message['severity'] if message['kind'] == 'flag' else message['kind']}: {_named(message['cause'])}"
    yield ""
    yield message["reason"]
    if message["kind"] == "flag":
        yield from _flagged(message)
    for status, count in message.get("closed_cases", {}).items():
        yield f"  {count} {status.replace('_', ' ')}"
    yield ""
    yield f"Run: {message['window']} as of {message['as_of']}, knowing what had come by {message['known_at']}"
    for place in message["links"].values():
        yield f"  {place}"
    if message["commands"]:
        yield ""
        yield "To look into it:"
    for command in message["commands"].values():
        yield f"  {command}"
    yield ""
    yield f"Cause {message['fingerprint']}, message {message['message_id']}"


def _flagged(message: Mapping[str, Any]) -> Iterator[str]:
    if message["root_cause"]:
        yield f"Most often because {message['root_cause']}."
    if message["open_cases"]:
        yield ""
        yield f"New cases: {message['new_cases']}; open: {message['open_cases']}"
        yield f"Value at risk: {readable(message['value_at_risk'])}"
    if message["trend"]:
        trend = message["trend"]
        yield (f"Since {trend['previous_as_of']}: {trend['open_cases_change']:+d} case(s), "
               f"{readable(trend['value_at_risk_change'])}")
    if message["largest"]:
        yield ""
        yield "Largest:"
    for case in message["largest"]:
        payment = f" payment {case['payment_id']}" if case["payment_id"] else ""
        yield f"  {case['case_id'][:12]} {readable(case['diff'])}{payment}: {case['reason']}"
    for finding in message["findings"][1:]:
        yield f"  {finding['reason']}"
    if message["explains_total"]:
        yield ""
        yield "It also explains:"
    for other in message["explains"]:
        yield f"  {_named(other)}: {other['open_cases']} open, {readable(other['value_at_risk'])}"
