"""What people read in words and tables."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest

from dashboards import sections, show, tables, words
from dashboards.verdict import verdict
from tests.factories.run_result import build


@pytest.mark.parametrize(
    "given, state, headline",
    [
        ({}, "good", "Every cent is named."),
        ({}, "good", "differ only by what the 14 named items say and what is pending."),
        ({"items": []}, "good", "differ only by what is pending."),
        ({"items": [], "pending_minor": 0}, "good", "Ledger and gateways agree to the cent."),
        ({"status": "waiting"}, "wait", "Every cent is named, but a file is overdue."),
        ({"unexplained": {(0, "EUR"): -5, (1, "EUR"): 5}}, "bad", "0.10 EUR unexplained."),
    ],
)
def test_the_verdict_comes_first_and_in_words(given: dict[str, object], state: str, headline: str) -> None:
    card = verdict(build(**given)).text  # type: ignore[arg-type]
    assert f'class="verdict {state}"' in card
    assert headline in card, "what two accounts hide from each other is still unexplained"


def test_value_at_risk_is_told_per_currency() -> None:
    card = verdict(build()).text
    assert [f"{amount} {code}" for amount, code in re.findall(r"<b>([\d,.]+)</b> ([A-Z]{3})</li>", card)] == [
        "12,583.95 EUR", "445,500 JPY", "11.111 KWD", "336.99 USD"]  # fmt: skip


def test_a_reason_cannot_break_the_page() -> None:
    page = tables.largest_items(build()).text
    assert "&lt;missing_at_gateway&gt; was looked for by every key &amp; not found." in page
    assert "<missing" not in page


def test_the_statement_has_a_line_per_account_and_currency_and_marks_what_must_be_zero() -> None:
    page = tables.statement(build(unexplained={(0, "EUR"): 5})).text
    assert page.count("<tr>") == 17
    assert '<td class="number must-be-zero">+0.05</td>' in page


def test_oldest_items_come_oldest_first() -> None:
    ages = re.findall(r'<td class="number">(\d+) d', tables.oldest_items(build(), limit=4).text)
    assert ages == sorted(ages, key=int, reverse=True)
    assert ages[0] == "33"


def test_what_is_not_decidable_is_listed_with_its_reason() -> None:
    page = tables.undecided(build()).text
    assert "no fee schedule is loaded" in page
    assert page.count("<tr>") == 2
    assert "payout" not in page.lower()


def test_only_payouts_with_a_residual_are_shown() -> None:
    page = tables.unsettled_batches(build()).text
    assert "301" in page
    assert "302" not in page
    assert "po_1" not in page


def test_every_class_of_the_policy_has_plain_words() -> None:
    policy = json.loads(resources.files("recon.match").joinpath("policy.json").read_text(encoding="utf-8"))
    assert sorted(set(policy["classes"]) - set(words.CLASSES)) == []


def test_charts_are_shown_as_plotly_data_alone_and_tables_as_html_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, object]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    sections.classes(build())._ipython_display_()
    assert [list(bundle) for bundle in shown] == [[show.PLOTLY], ["text/html"]]
    sections.verdict(build())._ipython_display_()
    assert str(shown[2]["text/html"]).startswith("<style>")
