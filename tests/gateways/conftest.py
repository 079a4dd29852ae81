"""A gateway in each of its forms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from _pytest.fixtures import SubRequest

from infra.local.gateways.process import GatewaySimulator
from tests.gateways.contract import NAMES, Form, of_the_book, over_http, within_process


@pytest.fixture(scope="module")
def gateways_on_loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewaySimulator]:
    """The simulator's process, one for the module: its clock stays as it is."""
    running = GatewaySimulator.start(tmp_path_factory.mktemp("gateways"))
    yield running
    running.stop()


@pytest.fixture(params=NAMES)
def form(request: SubRequest) -> Iterator[Form]:
    """One form of a gateway; faults that did not strike are gone afterwards."""
    name, _, kind = str(request.param).partition("-")
    if kind:
        yield within_process(name)[0] if kind == "twin" else of_the_book(name)
        return
    simulator: GatewaySimulator = request.getfixturevalue("gateways_on_loopback")
    yield over_http(name, simulator)
    simulator.client.clear_faults()


@pytest.fixture(params=NAMES[2:])
def twin(request: SubRequest) -> Form:
    """One form within this process, whose clock may be moved."""
    name, _, kind = str(request.param).partition("-")
    return within_process(name)[0] if kind == "twin" else of_the_book(name)
