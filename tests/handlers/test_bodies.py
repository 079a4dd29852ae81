"""What bad input gets: the right problem with the field named, no record, no execution, nothing of it repeated."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.handlers.http.pan import holds_card_number
from tests.handlers.edge import BODY, Edge

VISA = "4111111111111111"


def refused(status: int, problem: str, edge: Edge | None = None, **sent: Any) -> dict[str, str]:
    """Fields of the one problem that the request gets; nothing else happens."""
    edge = edge or Edge()
    answer = edge.send(**sent)
    assert (answer.status, answer.problem) == (status, problem), answer.proxy
    assert not edge.gate.records
    assert not edge.machine.started
    return answer.fields


@pytest.mark.parametrize("raw, detail", [
    ("", "Expecting value at line 1, column 1"), ("{", "line 1, column 2"), ('{"a": 1,}', "line 1, column"),
    ('{"a": 1, "a": 2}', "a member is given twice"), ('{"a": NaN}', "NaN is no JSON"),
    ('{"a": -Infinity}', "-Infinity is no JSON"), ("[" * 9000, "nested too deeply"),
    ('{"a": ' + "9" * 5000 + "}", "too many digits"), ("{'a': 1}", "line 1, column 2"),
    ("\ufeff{}", "line 1, column 1"),
])
def test_what_is_no_json_is_told_where(raw: str, detail: str) -> None:
    answer = Edge().send(raw=raw)
    assert (answer.status, answer.problem) == (400, "malformed-json")
    assert detail in answer.json["detail"]


def test_bytes_that_are_no_utf8_are_told_where() -> None:
    body = base64.b64encode(b'{"reference": "\xff"}').decode()
    answer = Edge().send(raw=body, event={"isBase64Encoded": True})
    assert answer.json["detail"] == "not UTF-8 at byte 15"


def test_a_body_in_base64_is_read() -> None:
    body = base64.b64encode(json.dumps(BODY).encode()).decode()
    assert Edge().send(raw=body, event={"isBase64Encoded": True}).status == 201


@pytest.mark.parametrize("raw", ["[]", "1", "null", '"x"', "true"])
def test_only_an_object_will_do(raw: str) -> None:
    assert refused(422, "invalid-request", raw=raw) == {"": "a JSON object is accepted"}


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=latin-1"])
def test_only_json_will_do(kind: str) -> None:
    refused(415, "media-type", headers={"Content-Type": kind})


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"'])
def test_json_may_name_its_encoding(kind: str) -> None:
    assert Edge().send(headers={"Content-Type": kind}).status == 201


def test_a_large_body_is_refused() -> None:
    refused(413, "too-large", raw=json.dumps(BODY) + " " * 17_000)


@pytest.mark.parametrize("field, value", [
    ("amount_minor", 0), ("amount_minor", -1), ("amount_minor", 1.5), ("amount_minor", 100.0), ("amount_minor", "100"),
    ("amount_minor", True), ("amount_minor", None), ("amount_minor", 10**15 + 1), ("amount_minor", 10**30),
    ("currency", "eur"), ("currency", "XXX"), ("currency", "EURO"), ("currency", 978), ("currency", None),
    ("payment_method", ""), ("payment_method", "a b"), ("payment_method", 7), ("payment_method", "p" * 129),
    ("gateway", "paypal"), ("gateway", 1), ("capture", "later"), ("capture", True), ("reference", "x" * 65),
    ("reference", ""), ("reference", "a\u0000b"), ("reference", "\ud800"), ("reference", 1), ("metadata", []),
    ("metadata", {str(n): "" for n in range(17)}), ("unheard_of", 1), ("capture_mode", "manual"),
])
def test_the_field_is_named(field: str, value: object) -> None:
    assert set(refused(422, "invalid-request", body=BODY | {field: value})) == {field}


@pytest.mark.parametrize("metadata, field", [({"a b": "x"}, "metadata.a b"), ({"a": 1}, "metadata.a"),
                                             ({"a": "x" * 501}, "metadata.a"), ({"a": {"b": "c"}}, "metadata.a")])
def test_metadata_is_named_by_its_path(metadata: dict[str, Any], field: str) -> None:
    assert set(refused(422, "invalid-request", body=BODY | {"metadata": metadata})) == {field}


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = refused(422, "invalid-request", body={"amount_minor": "1", "colour": "red"})
    assert found == {"amount_minor": "Input should be a valid integer", "currency": "this field is missing",
                     "payment_method": "this field is missing", "colour": "this field is not known"}


@pytest.mark.property(60)
@pytest.mark.parametrize("amount, currency, gateway, taken", [
    (1000, "KWD", "stripe", True), (1001, "KWD", "stripe", False), (1001, "KWD", "adyen", True),
    (5, "ISK", "stripe", True), (150, "MGA", "stripe", False), (200, "MGA", "stripe", True),
    (150, "IDR", "adyen", False), (100, "JPY", "stripe", True), (7, "CLP", "adyen", True),
])
def test_an_amount_that_the_gateway_cannot_say_is_refused(
        amount: int, currency: str, gateway: str, taken: bool) -> None:
    body = BODY | {"amount_minor": amount, "currency": currency, "gateway": gateway}
    if taken:
        assert Edge().send(body).status == 201
    else:
        assert set(refused(422, "invalid-request", body=body)) == {"amount_minor"}


@pytest.mark.property(80)
@pytest.mark.parametrize("body", [
    BODY | {"payment_method": VISA}, BODY | {"reference": f"card {VISA}"}, BODY | {"reference": "4111 1111 1111 1111"},
    BODY | {"metadata": {"note": "4111-1111-1111-1111"}}, BODY | {VISA: 1}, BODY | {"amount_minor": int(VISA)},
    BODY | {"metadata": {"amex": "3782 822463 10005"}}, BODY | {"card": {"number": [VISA]}},
    BODY | {"reference": "４１１１１１１１１１１１１１１１"}, BODY | {"reference": "order 12 5555 5555 5555 4444 paid"},
])
def test_a_card_number_is_refused_wherever_it_is_and_never_repeated(body: dict[str, Any]) -> None:
    edge = Edge()
    answer = edge.send(body)
    assert (answer.status, answer.problem) == (422, "card-number")
    assert not edge.gate.records
    assert not edge.machine.started
    for said in (answer.text, repr(edge.log)):
        assert VISA not in said
        assert "1111" not in said


@pytest.mark.property(80)
def test_a_card_number_in_escapes_or_in_no_json_is_refused_too() -> None:
    escaped = json.dumps(BODY | {"reference": "x"}).replace('"x"', '"4111\\u0031111111\\u00311111"')
    for raw in (escaped, f'{{"card": {VISA}', f'{{"{VISA}": 1, "{VISA}": 1}}'):
        assert Edge().send(raw=raw).problem == "card-number"


@pytest.mark.parametrize("text", ["4111111111111112", "0000000000000000", "411111111111", VISA + "1111",
                                  "2026-03-01 12:00", "order 1234567890", "4111:1111:1111:1111"])
def test_other_numbers_are_none(text: str) -> None:
    assert not holds_card_number(text)


@given(st.text(st.sampled_from("0123456789 -ab"), max_size=40), st.sampled_from(["", " ", "-", "."]))
def test_a_card_number_is_found_in_any_text(around: str, parted: str) -> None:
    number = parted.join(["4111", "1111", "1111", "1111"])
    assert holds_card_number(f"{around}x{number}y{around}")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner)
                    | st.dictionaries(st.text(), inner), max_leaves=8))
def test_nothing_that_can_be_sent_breaks_the_edge(value: object) -> None:
    for body in (value, BODY | {"metadata": value}, {"x": value} | BODY):
        answer = Edge().send(raw=json.dumps(body))
        assert answer.status in (201, 400, 422)
