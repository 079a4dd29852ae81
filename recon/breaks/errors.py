"""What the register refuses, each with the place and the next step."""

from __future__ import annotations

from recon.errors import Refused


class LogBroken(Refused):
    """break_log is not what was written: the message names the object and the entry that does not fit."""

    def __init__(self, place: str, what: str) -> None:
        """`place` is the object's address, `what` why it does not fit."""
        super().__init__(f"{place}: {what}. The break log is not as it was written: restore the folder break_log from "
                         "the bucket's earlier versions or a backup, and see that recon breaks verify ends with 0; "
                         "until then nothing is written")


class BadRun(Refused):
    """A folder holds no finished run, or not all of one."""


class NotPossible(Refused):
    """What was asked of a case cannot be done as things stand: the message says what can."""


class Contended(Refused):
    """Other writers were faster every time."""
