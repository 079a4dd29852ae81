"""A root cause speaks for what it brings about: a batch that does not add up because its file was cut is one message.

One rule, kept simple on purpose: what a gateway's file lacks explains what is wrong with the batches in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from recon.alerts.cause import Cause
from recon.alerts.situation import Situation

ROOTS = frozenset({"feed_late", "feed_incomplete", "feed_short"})
"""Causes that may explain others of their account: a file that is not here, or not whole."""
DEPENDENT = frozenset({"payout_residual", "payout_missing", "negative_carry_over", "batch_gap"})
"""Causes that one of them explains where both are about the same batch. What waits for the file is pending anyway."""


def folded(found: Mapping[Cause, Situation]) -> dict[Cause, Situation]:
    """`found` without what another cause explains; that one lists it in `explains`."""
    roots = [of for of in found.values() if of.cause.cls in ROOTS]
    kept: dict[Cause, Situation] = {}
    for cause, of in found.items():
        root = next((root for root in roots if cause.cls in DEPENDENT and _explains(root, of)), None)
        if root:
            root.explains.append(of)
        else:
            kept[cause] = of
    return kept


def _explains(root: Situation, other: Situation) -> bool:
    same_account = (root.cause.gateway, root.cause.gateway_account) == (
        other.cause.gateway, other.cause.gateway_account)  # fmt: skip
    return same_account and bool(root.batches() & other.batches())
