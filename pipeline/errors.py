"""What can go wrong in the pipeline, by what the caller may do about it."""

from __future__ import annotations


class PipelineError(Exception):
    """Base of all errors of the pipeline; the text is plain and holds no secret and no card data."""


class Retryable(PipelineError):
    """Nothing has happened and nothing will: the same call may be made again later."""


class Superseded(PipelineError):
    """Another holder with a higher fence has taken over: this one must stop and touch nothing more."""


class Misused(PipelineError):
    """The caller broke a rule that no retry mends: a programming or configuration error."""
