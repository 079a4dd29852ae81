"""Flags of one run: judged once, written down, then sent; whatever was left due is sent by whoever comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from recon.alerts.journal import Journal
from recon.alerts.judge import instant, judge, look, would_say
from recon.alerts.letter import letter
from recon.alerts.send import Topic
from recon.breaks.book import Book
from recon.breaks.changes import Changes
from recon.breaks.run_files import RunFiles
from recon.errors import Refused
from recon.store.place import Place

LEFT = timedelta(minutes=16)
"""What another run has had due for longer than a job may take was left behind: it is sent with this one's."""
_ENOUGH = 3


class FlagsNotSent(Refused):
    """The run is done and its flags are written down, but a topic did not take all of them; they stay due."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """What became of a run's flags: all its messages, and ids of those sent now (those left by others too).

    `already`: the run had been judged before.
    """

    messages: Sequence[str]
    sent: Sequence[str]
    already: bool


def flag(
    place: Place, run: RunFiles, book: Book, changes: Changes, topic: Topic, *, lake: str, now: datetime,
    region: str | None = None,
) -> Flagged:
    """Tells what `run` brought: it is registered in `book`, which is the register after it, and changed `changes`.

    The journal is in `place`, where the runs lie. A run that comes again sends nothing that was sent. Raises
    FlagsNotSent where the topic refuses: repeat it later, nothing is lost.
    """
    journal = Journal(place)
    messages = journal.judged(run.run_id)
    already = messages is not None
    if messages is None:
        speaks = journal.hear(instant(run.as_of), instant(run.known_at))
        judged = look(book, run, changes, lake=lake, region=region, speaks_of_feeds=speaks)
        messages = [str(new.message["message_id"]) for new in judge(judged, journal, now)]
        journal.judge(run.run_id, messages)
    return Flagged(messages, send_due(journal, topic, run.run_id, now), already)


def preview(
    place: Place, run: RunFiles, book: Book, changes: Changes, *, lake: str, region: str | None = None
) -> list[Mapping[str, Any]]:
    """The messages that flag() would write down for `run`, with nothing written and nothing sent."""
    journal = Journal(place)
    if journal.judged(run.run_id) is not None:
        return []
    speaks = journal.may_speak(instant(run.as_of), instant(run.known_at))
    return would_say(look(book, run, changes, lake=lake, region=region, speaks_of_feeds=speaks), journal)


def send_due(journal: Journal, topic: Topic, run_id: str, now: datetime) -> list[str]:
    """Sends what is due for a run, and what others left. A message that is refused does not keep back the others, but
    _ENOUGH refusals in a row do: each takes the time of its retries. Raises FlagsNotSent."""
    sent: list[str] = []
    reasons: list[str] = []
    left = in_a_row = 0
    for due in journal.due():
        if due.run_id != run_id and now - due.since < LEFT:
            continue
        if journal.was_sent(due.message_id):
            journal.unpost(due)
            continue
        if in_a_row == _ENOUGH:
            left += 1
            continue
        try:
            their_id = topic.publish(letter(due.message))
        except Refused as error:
            left, in_a_row = left + 1, in_a_row + 1
            reasons.append(str(error))
            continue
        in_a_row = 0
        journal.sent(due, topic.name, their_id, now)
        sent.append(due.message_id)
    if left:
        raise _not_sent(topic, list(dict.fromkeys(reasons)), left, len(sent))
    return sent


def _not_sent(topic: Topic, reasons: Sequence[str], left: int, sent: int) -> FlagsNotSent:
    more = f" (and {len(reasons) - 1} more reasons)" if reasons[1:] else ""
    return FlagsNotSent(
        f"the run is done and kept, but {left} of {left + sent} flag(s) due could not be sent to {topic.name}: "
        f"{reasons[0]}{more}. They stay due: once the topic takes messages, repeat recon flags or let the next run "
        "send them")
