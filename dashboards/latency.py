"""What the latency notebook calls: each answers one question with the charts and tables that belong together."""

from __future__ import annotations

from dashboards import latency_tables as tables
from dashboards.figures import latency as figures
from dashboards.show import Chart, Section, style
from recon.latency.result import LatencyResult


def headline(result: LatencyResult) -> Section:
    """How long do payments take, and do they end?"""
    return Section(style(), tables.headline(result))


def end_to_end(result: LatencyResult) -> Section:
    """How are the lengths distributed?"""
    return Section(Chart(figures.end_to_end(result)))


def steps(result: LatencyResult) -> Section:
    """Where does the time go, step by step?"""
    return Section(Chart(figures.steps(result)), tables.percentiles(result), Chart(figures.step_distributions(result)))


def hours(result: LatencyResult) -> Section:
    """Does it change from hour to hour?"""
    return Section(Chart(figures.hours(result)))


def outcomes(result: LatencyResult) -> Section:
    """What became of the payments?"""
    return Section(Chart(figures.outcomes(result)))


def trouble(result: LatencyResult) -> Section:
    """What was undone, and why?"""
    return Section(Chart(figures.trouble(result)), tables.reasons(result))


def doubt(result: LatencyResult) -> Section:
    """What was tried again, and how long did doubt and recovery last?"""
    return Section(tables.attempts(result), Chart(figures.doubt(result)))


def settled(result: LatencyResult) -> Section:
    """How long until the money?"""
    return Section(Chart(figures.settled(result)))


def slowest(result: LatencyResult) -> Section:
    """Which payments took longest?"""
    return Section(tables.slowest(result))


def timeline(result: LatencyResult) -> Section:
    """What happened to them?"""
    return Section(Chart(figures.timeline(result)))
