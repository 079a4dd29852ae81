"""What ends a story early."""

from __future__ import annotations


class StageFailed(Exception):
    """A stage ended in another way than the story expects; the message says how, and where to look."""
