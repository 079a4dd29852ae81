"""Equal runs become equal notebooks: nothing of the machine, the moment or the account stays."""

from __future__ import annotations

import json
from typing import Any

from recon.schedule import clean, secrets


def _executed() -> dict[str, Any]:
    timing = {"papermill": {"start_time": "2026-03-01T00:00:00", "duration": 1.5}, "execution": {"iopub": "now"}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"papermill": {"output_path": "/scratch/x"}}, "cells": [
        {"cell_type": "code", "id": "given-1f3a", "metadata": {"tags": ["injected-parameters"], **timing},
         "source": "# Parameters\\nout = '/scratch/x'", "execution_count": 1, "outputs": []},
        {"cell_type": "code", "id": "b", "metadata": timing, "source": "f()", "execution_count": 2, "outputs": [
            {"output_type": "stream", "name": "stdout", "text": "wrote /scratch/x/a with hunter2hunter2"}]},
    ]}  # fmt: skip


def test_what_differs_between_runs_is_gone() -> None:
    tidy = clean.normalise(_executed(), parameters={"out": "runs/x"}, paths={"/scratch/x": "runs/x"},
                           hidden=("hunter2hunter2",))  # fmt: skip
    text = clean.dump(tidy)
    for volatile in ("/scratch", "2026-03-01T", "duration", "given-1f3a", "hunter2", "iopub"):
        assert volatile not in text
    assert tidy["cells"][0]["source"] == "# Parameters of this run\nout = 'runs/x'"
    assert tidy["cells"][1]["outputs"][0]["text"] == "wrote runs/x/a with [removed]"
    assert json.loads(text) == tidy


def test_secrets_are_known_by_their_names_and_by_their_shapes() -> None:
    environment = {"DB_PASSWORD": "correct horse", "AWS_SESSION_TOKEN": "tok-123456", "PWD": "/here/there",
                   "TOKEN": "abc", "EDITOR": "vi"}  # fmt: skip
    assert secrets.held_by(environment) == ("correct horse", "tok-123456")
    assert secrets.without(environment, keep=["AWS_SESSION_TOKEN"]) == {
        "AWS_SESSION_TOKEN": "tok-123456", "PWD": "/here/there", "EDITOR": "vi"}  # fmt: skip
    key = "rk_" + "live_" + "abcdefgh1234"
    assert secrets.scrub(f"key {key}, correct horse.", ["correct horse"]) == "key [removed], [removed]."
