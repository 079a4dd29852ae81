"""Defects of the lake: entries that never arrive, arrive late, or arrive twice."""

from __future__ import annotations

from recon.worlds.clock import DAY, HOUR
from recon.worlds.model import Gap, Payment
from recon.worlds.workshop import Workshop


def lake_gap(shop: Workshop, day: int) -> bool:
    """Half of the payments of a busy hour never reach the lake."""
    return _hole(shop, shop.history.start + day * DAY + shop.rng.choice((10, 13, 16, 18)) * HOUR, None)


def lake_gap_late(shop: Workshop, hour: int) -> bool:
    """The same in the hour that begins at `hour`; the objects come thirty hours later."""
    return _hole(shop, hour, hour + 30 * HOUR)


def duplicate_delivery(shop: Workshop, hour: int) -> bool:
    """Some entries of the hour that begins at `hour` are delivered twice."""
    taken = {gap.hour for gap in shop.history.gaps} | set(shop.history.doubled_hours)
    if hour in taken or not shop.by_hour.get(hour // HOUR):
        return False
    shop.history.doubled_hours.append(hour)
    return True


def _hole(shop: Workshop, hour: int, landed_at: int | None) -> bool:
    history = shop.history
    if any(abs(gap.hour - hour) < 3 * DAY for gap in history.gaps) or hour in history.doubled_hours:
        return False
    active = shop.by_hour.get(hour // HOUR, [])
    buckets = sorted({p.bucket for p in active} - {p.bucket for p in active if _delicate(p)})
    lost = shop.rng.sample(buckets, (len(buckets) + 1) // 2)
    if not lost:
        return False
    history.gaps.append(Gap(hour, frozenset(lost), landed_at))
    return True


def _delicate(p: Payment) -> bool:
    """Whether losing one journal would change how another one of the payment is read."""
    return any(m.step == "CAPTURE_REVERSAL" or m.operation_ref is None for m in p.moves)
