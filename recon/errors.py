"""Errors that a user can act on. The command line prints them plainly and ends with their exit code."""

from __future__ import annotations


class Refused(Exception):
    """Bad input: the message names the place and what would be accepted. Exit code 2, nothing half-written."""

    exit_code = 2
