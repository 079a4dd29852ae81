"""A gateway whose slowest answers take eight seconds leaves no payment in doubt."""

from __future__ import annotations

import time
from functools import partial

import pytest

from tests.integration.site import GATEWAYS, Site, new_key, order

SLOW_S = 8.0


@pytest.mark.property(37, 44)
def test_slow_answers_are_waited_for(site: Site) -> None:
    tokens = [("stripe", "pm_sim_slow_8s"), ("adyen", "pm_sim_slow_8s"), ("stripe", "pm_sim_capture_slow_4s"),
              ("adyen", "pm_sim_slow_2s"), *[(gateway, "pm_card_visa") for gateway in GATEWAYS * 2]]
    begun = time.monotonic()
    answers = site.at_once([partial(site.ask, order(gateway, token), new_key()) for gateway, token in tokens])
    assert time.monotonic() - begun >= SLOW_S
    assert [answer.status for answer in answers] == [201] * len(tokens), answers
    ids = [int(answer.payment_id or 0) for answer in answers]
    assert {site.status(one) for one in ids} == {"COMMITTED"}
    assert site.rows("SELECT 1 FROM operations WHERE payment_id = ANY(%s) AND status <> 'succeeded'", ids) == []
    site.check(ids)
