"""What goes wrong with deliveries: decided before a file exists, read while files are made."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from recon.worlds.frame import Account
from recon.worlds.model import FeedFile

Change = Callable[[list[FeedFile], FeedFile, random.Random], bool]
"""Takes all files of an account, the file of the day, and changes or adds deliveries; False where it could not."""


@dataclass(slots=True)
class Plan:
    """Faults of delivery, by (account index, day of the account counted from 0). `undone` are those that found nothing
    to work on."""

    skipped: set[tuple[int, int]] = field(default_factory=set)
    drawn: set[tuple[int, int]] = field(default_factory=set)
    forgotten: set[tuple[int, int]] = field(default_factory=set)
    changes: dict[tuple[int, int], Change] = field(default_factory=dict)
    undone: list[Change] = field(default_factory=list)

    def taken(self, account: Account, turn: int) -> bool:
        """Whether something is planned for that day of the account."""
        key = (account.index, turn)
        return any(key in kept for kept in (self.skipped, self.drawn, self.forgotten, self.changes))

    def skips_number(self, account: Account, turn: int) -> bool:
        """Whether the batch number before this day's is never used."""
        return (account.index, turn) in self.skipped

    def draws_deposit(self, account: Account, turn: int) -> bool:
        """Whether the gateway raises its deposit that day, so that the batch turns negative."""
        return (account.index, turn) in self.drawn

    def forgets_carry(self, account: Account, turn: int) -> bool:
        """Whether this day's batch fails to take in what the one before carried out."""
        return (account.index, turn) in self.forgotten

    def redeliver(self, account: Account, files: list[FeedFile], rng: random.Random) -> list[FeedFile]:
        """The deliveries of an account after the planned changes; `files` has one file a day."""
        made = list(files)
        for turn, file in enumerate(files):
            change = self.changes.get((account.index, turn))
            if change and not change(made, file, rng):
                self.undone.append(change)
        return made
