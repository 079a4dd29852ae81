"""Settings of the machine, from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon.errors import Refused
from recon.settings import from_environment


def test_nothing_set_gives_all_cores_and_three_gigabytes() -> None:
    settings = from_environment({})
    assert settings.threads >= 1
    assert (settings.memory, settings.scratch) == ("3GB", None)


def test_what_is_set_is_taken(tmp_path: Path) -> None:
    settings = from_environment({"RECON_THREADS": "3", "RECON_MEMORY": "800MB", "RECON_SCRATCH": str(tmp_path)})
    assert (settings.threads, settings.memory, settings.scratch) == (3, "800MB", str(tmp_path))


@pytest.mark.parametrize("name, value", [
    ("RECON_THREADS", "0"), ("RECON_THREADS", "two"), ("RECON_THREADS", "²"), ("RECON_MEMORY", "3"),
    ("RECON_MEMORY", "lots"), ("RECON_SCRATCH", "/no/such/folder"),
])
def test_a_bad_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(Refused, match=f"{name} is '{value}'; .* is accepted"):
        from_environment({name: value})
