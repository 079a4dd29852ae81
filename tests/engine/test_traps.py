"""Every known trap is probed, refused, or said to be out of SQL's reach; every rule's safe form is a probe."""

from __future__ import annotations

import pytest

from recon.engine.rules import RULES
from tests.engine.probes import EXPRESSIONS, STATEMENTS
from tests.engine.refused import REFUSED
from tests.engine.safe_forms import SAFE
from tests.engine.traps import TRAPS

PROBES = {sql for sql, _ in (*EXPRESSIONS, *STATEMENTS)}
LAST = 33


def test_every_trap_has_its_place() -> None:
    assert sorted(TRAPS) == list(range(1, LAST + 1))


@pytest.mark.parametrize("number", sorted(TRAPS))
def test_a_trap_is_covered(number: int) -> None:
    trap = TRAPS[number]
    assert bool(trap.probes) != bool(trap.reason), "probes, or one line why there is no SQL to probe"
    assert "\n" not in trap.reason
    assert set(trap.probes) - PROBES == set()
    assert set(trap.refused) - {sql for _, sql in REFUSED} == set()


def test_every_rule_says_its_safe_form() -> None:
    assert set(SAFE) == {rule.name for rule in RULES}


@pytest.mark.parametrize("rule", sorted(SAFE))
def test_a_safe_form_is_a_probe(rule: str) -> None:
    forms = SAFE[rule]
    assert forms
    if not isinstance(forms, str):
        assert set(forms) - PROBES == set()
