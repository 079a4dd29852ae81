"""A clean history: every operation is in the ledger and on the gateway's books."""

from __future__ import annotations

import random

import numpy as np

from recon.worlds.clock import DAY
from recon.worlds.frame import START
from recon.worlds.later import afterlife
from recon.worlds.lines import line_of
from recon.worlds.model import History
from recon.worlds.runs import listed_runs
from recon.worlds.sales import checkouts


def clean_history(seed: int, payments: int, days: int) -> History:
    """Payments, movements and lines of `days` days; no defect, no file yet. Same arguments, same history."""
    bulk, rng = np.random.default_rng([seed, 1]), random.Random(f"{seed}:operations")
    until = START + days * DAY
    found = checkouts(bulk, payments, START, days)
    for payment in found:
        if payment.path == "captured":
            line_of(payment.moves[0], rng, "charge")
            afterlife(payment, rng, until)
    return History(seed, START, until, days, found, listed_runs(seed, START, days))
