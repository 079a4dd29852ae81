"""What stops the local stack and what a person can do about it."""

from __future__ import annotations


class LocalRefused(Exception):
    """A part of the local stack cannot start or must not: the message says what is missing and the next step."""

    exit_code = 2
