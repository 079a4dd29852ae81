"""Settings of the machine, from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon.errors import Refused
from recon.settings import from_environment, trino_from_environment


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


TRINO = {"RECON_TRINO_SCRATCH_LOCATION": "s3://scratch/x/"}


@pytest.mark.parametrize("url, address", [
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("https://trino.example.net/", "https://trino.example.net:443"),
    ("http://trino", "http://trino:80"),
])
def test_a_port_that_is_not_given_is_the_usual_one(url: str, address: str) -> None:
    assert trino_from_environment({**TRINO, "RECON_TRINO_URL": url}).address == address


@pytest.mark.parametrize("url", ["trino:8080", "http://", "http://trino:x", "http://trino:99999", "http://trino/ui",
                                 "http://[::1", "ftp://trino"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        trino_from_environment({**TRINO, "RECON_TRINO_URL": url})
    assert str(refused.value) == f"RECON_TRINO_URL is {url!r}; http://HOST:PORT or https://HOST:PORT is accepted"


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(Refused, match="RECON_TRINO_USER and RECON_TRINO_PASSWORD") as refused:
        trino_from_environment({**TRINO, "RECON_TRINO_URL": "https://me:hunter2@trino.example.net"})
    assert "hunter2" not in str(refused.value)


def test_a_password_goes_over_https_alone() -> None:
    login = {**TRINO, "RECON_TRINO_PASSWORD": "hunter2"}
    assert trino_from_environment({**login, "RECON_TRINO_URL": "https://trino"}).password == "hunter2"
    with pytest.raises(Refused, match="a password is only sent over https") as refused:
        trino_from_environment({**login, "RECON_TRINO_URL": "http://trino"})
    assert "hunter2" not in str(refused.value)
