"""Small notebooks of the kinds that go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PARAMETERS = 'lake = "x"  # path, required: a lake\nout = "x"  # path, required: a folder\nengine = "duckdb"  # str'


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    """Makes a notebook of a parameters cell and the cells given."""

    def make(*cells: str) -> Path:
        tagged: dict[str, Any] = {
            "cell_type": "code", "id": "p", "metadata": {"tags": ["parameters"]}, "source": PARAMETERS,
            "execution_count": None, "outputs": [],
        }  # fmt: skip
        others = [{**tagged, "id": f"c{n}", "metadata": {}, "source": cell} for n, cell in enumerate(cells)]
        path = tmp_path / "small.ipynb"
        content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [tagged, *others]}
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return make
