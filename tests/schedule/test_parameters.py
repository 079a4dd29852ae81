"""Parameters are refused before anything starts, with what was given and what would be accepted."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from recon.schedule import parameters
from recon.schedule.parameters import BadNotebook, BadParameters
from recon.schedule.runner import NOTEBOOK

CELL = """window = "T+7"  # str, required: hourly or T+7
limit = 10  # int: how many rows
known_at = None  # str or None: an instant
exact = True  # bool
out = "runs/x"  # path, required: a folder"""

GIVEN = {"window": "T+7", "out": "here"}


def _check(**given: object) -> dict[str, parameters.Scalar]:
    return parameters.check(parameters.parse_cell(CELL, "n.ipynb"), given)


def test_what_was_given_comes_back_in_the_order_of_the_cell() -> None:
    assert list(_check(out="here", known_at=None, window="hourly").items()) == [
        ("window", "hourly"), ("known_at", None), ("out", "here")]  # fmt: skip


@pytest.mark.parametrize(
    "given, said",
    [
        ({**GIVEN, "wndow": "T+7"}, "parameter wndow is unknown (given 'T+7'); accepted are window, limit"),
        ({**GIVEN, "wndow": "T+7"}, "is window meant?"),
        ({"out": "here"}, "parameter window is missing; accepted is a str: hourly or T+7"),
        ({**GIVEN, "window": 7}, "parameter window: given 7 (int), accepted is a str: hourly or T+7"),
        ({**GIVEN, "window": date(2026, 3, 1)}, "given datetime.date(2026, 3, 1) (date), accepted is a str"),
        ({**GIVEN, "window": ""}, "parameter window: given '' (str)"),
        ({**GIVEN, "limit": "10"}, "parameter limit: given '10' (str), accepted is a int: how many rows"),
        ({**GIVEN, "limit": True}, "parameter limit: given True (bool)"),
        ({**GIVEN, "exact": 1}, "parameter exact: given 1 (int), accepted is a bool"),
        ({**GIVEN, "known_at": ["a"]}, "accepted is a str or None: an instant"),
    ],
)
def test_each_fault_names_parameter_given_and_accepted(given: dict[str, object], said: str) -> None:
    with pytest.raises(BadParameters) as refused:
        _check(**given)
    assert said in str(refused.value)
    assert refused.value.exit_code == 2


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadParameters) as refused:
        _check(limit="x", nope=1)
    assert len(str(refused.value).splitlines()) == 4


@pytest.mark.parametrize(
    "name, value",
    [
        ("api_key", "abcdef123"),
        ("out", "s3://user:hunter2hunter2@bucket/x"),
        ("known_at", "sk_" + "live_" + "4eC39HqLyjWDarjtT1"),
        ("window", "AKI" + "A" + "IOSFODNN7EXAMPLE"),
        ("out", "https://x/y?X-Amz-Signature=deadbeef00"),
    ],
)
def test_a_secret_is_refused_and_never_repeated(name: str, value: str) -> None:
    with pytest.raises(BadParameters) as refused:
        _check(**{**GIVEN, name: value})
    assert "secret" in str(refused.value)
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    "cell, said",
    [
        ("window = 'T+7'", "line 1: the comment must begin with a type"),
        ("window = f()  # str", "must be a literal"),
        ("import os", "only `name = literal"),
        ("limit = 'x'  # int", "the default contradicts the comment"),
    ],
)
def test_a_cell_that_declares_badly_is_refused(cell: str, said: str) -> None:
    with pytest.raises(BadNotebook, match=said):
        parameters.parse_cell(cell, "n.ipynb")


def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    for text in ("", "{}", "[1]", json.dumps({"cells": []})):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BadNotebook):
            parameters.declared(path)
    with pytest.raises(BadNotebook, match="cannot be read"):
        parameters.declared(tmp_path / "absent.ipynb")


def test_the_notebook_declares_what_a_run_takes() -> None:
    declared = {parameter.name: parameter for parameter in parameters.declared(NOTEBOOK)}
    assert list(declared) == ["window", "as_of", "lake", "engine", "known_at", "manifest", "out"]
    assert [name for name, parameter in declared.items() if parameter.required] == ["window", "as_of", "lake", "out"]
    assert [name for name, parameter in declared.items() if parameter.type == "path"] == ["lake", "manifest", "out"]
