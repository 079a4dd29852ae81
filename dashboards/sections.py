"""What a notebook calls: each answers one question about a run with the charts and tables that belong together."""

from __future__ import annotations

from dashboards import arrivals, figures, tables
from dashboards.show import Chart, Section, style
from dashboards.verdict import verdict as verdict_card
from recon.match.result import RunResult


def verdict(result: RunResult) -> Section:
    """Is every cent explained?"""
    return Section(style(), verdict_card(result))


def statement(result: RunResult) -> Section:
    """How do ledger and gateways compare, account by account?"""
    return Section(tables.statement(result))


def bridge(result: RunResult) -> Section:
    """What leads from the ledger's total to the gateway's?"""
    return Section(Chart(figures.bridge(result)))


def classes(result: RunResult) -> Section:
    """What kinds of divergence are there?"""
    return Section(Chart(figures.classes(result)), tables.class_list(result))


def largest(result: RunResult) -> Section:
    """Which items are the largest, and why are they open?"""
    return Section(Chart(figures.largest(result)), tables.largest_items(result))


def oldest(result: RunResult) -> Section:
    """How long have items been open, and why are the oldest?"""
    return Section(Chart(figures.aging(result)), tables.oldest_items(result))


def match_rate(result: RunResult) -> Section:
    """How much of the ledger found its line?"""
    return Section(Chart(figures.match_rate(result)))


def feeds(result: RunResult) -> Section:
    """Are the gateways' files here, whole and in time?"""
    return Section(Chart(figures.feeds(result)), arrivals.findings(result), arrivals.reports(result))


def payouts(result: RunResult) -> Section:
    """Does every payout add up?"""
    return Section(tables.unsettled_batches(result))


def undecided(result: RunResult) -> Section:
    """What could not be decided?"""
    return Section(tables.undecided(result))
