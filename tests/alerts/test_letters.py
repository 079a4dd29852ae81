"""Whatever a run says, a letter fits its topic, reads well, and its commands mean what they name."""

from __future__ import annotations

import json
import shlex
import tempfile
from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from recon.alerts.letter import letter
from recon.alerts.message import LARGEST, SENTENCE
from recon.alerts.send import require_fit
from tests.alerts.desk import Desk, data, finding
from tests.factories.finished_run import Found

NAMES = st.text(st.characters(codec="utf-8", exclude_characters=":\x00"), min_size=1, max_size=40)


@settings(max_examples=25)
@given(NAMES, st.text(max_size=3000), st.integers(-(10**17), 10**17), st.sampled_from(["EUR", "JPY", "KWD", "XTS"]))
def test_whatever_names_and_reasons_are_the_letter_fits_and_amounts_are_exact(
    account: str, reason: str, minor: int, currency: str,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        found = [Found(f"movement:J{number}", account=account, reason=reason + str(number), diff_minor=minor,
                       currency=currency) for number in range(8)]  # fmt: skip
        desk.told(found=found)
        [made] = desk.topic.published
        require_fit("any", made)
        told = data(made)
        at_risk = told["value_at_risk"]
        assert [amount["minor"] for amount in at_risk] == ([8 * abs(minor)] if minor else [])
        assert len(told["largest"]) == LARGEST
        assert all(len(case["reason"]) <= SENTENCE for case in told["largest"])


def test_the_largest_letter_that_can_be_fits(desk: Desk) -> None:
    wide = "\U0001f4b6" * 5000
    feeds = [finding("feed_incomplete", f"feed:s:{wide[:300]}:r:2026-03-0{n}T00:00:00Z", "break", reason=wide,
                     file=wide, gateway_account=wide[:300]) for n in range(1, 9)]  # fmt: skip
    found = [Found(f"movement:{wide}{n}", reason=wide, account=wide[:300], batch_id=wide[:300]) for n in range(9)]
    desk.told(found=found, findings=feeds, cohort=date(2026, 3, 9))
    assert len(desk.topic.published) == 9


def test_people_read_what_it_is_how_much_and_what_to_type(desk: Desk) -> None:
    found = [Found(f"movement:J{number}", diff_minor=number * 1000, payment_id=7_000_000_000_000_000_000 + number)
             for number in (1, 2)]  # fmt: skip
    desk.told(found=found)
    [made] = desk.topic.published
    assert made.subject == "[break] missing_at_gateway stripe acct_1: 2 new, 2 open (T+7 2026-03-17T00)"
    for said in ("Most often because somebody erred.", "New cases: 2; open: 2", "Value at risk: 30.00 EUR",
                 "20.00 EUR payment 7000000000000000002: something does not fit", "recon breaks show ",
                 "recon run --window T+7 --as-of 2026-03-17"):  # fmt: skip
        assert said in made.text
    assert made.attributes == {"kind": "flag", "severity": "break", "class": "missing_at_gateway",
                               "gateway": "stripe", "window": "T+7", "dedup_id": data(made)["message_id"]}


def test_commands_are_quoted_for_a_shell(desk: Desk) -> None:
    run = desk.run(found=[Found("movement:J1", gateway="a b; rm")])
    desk.come(run)
    [made] = desk.topic.published
    words = shlex.split(data(made)["commands"]["list"])
    assert words[words.index("--gateway") + 1] == "a b; rm"


def test_a_run_in_a_bucket_has_its_page_and_where_the_region_is_known_the_way_there(desk: Desk) -> None:
    desk.told(found=[Found("movement:J1")])
    message = data(desk.topic.published[0])
    assert message["links"]["page"].endswith("/run-0/reconciliation.html")
    assert "console" not in message["links"]
    again = {**message, "links": {"page": "s3://b/T7/reconciliation.html", "console": "https://x"}}
    assert "s3://b/T7/reconciliation.html" in letter(again).text
    assert json.loads(letter(again).data) == again
