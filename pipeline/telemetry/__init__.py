"""What the pipeline tells of itself: lines, metrics, traces."""

from pipeline.telemetry.lines import FIELDS, IDENTIFIERS, TEXT_LENGTH, log

__all__ = ["FIELDS", "IDENTIFIERS", "TEXT_LENGTH", "log"]
