"""The deployed pipeline, one for all tests of this worker."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from infra.local.stack import Stack
from tests.integration.site import AT_ONCE, GATEWAYS, Site, new_key, order


@pytest.fixture(scope="session")
def whole_site(pipeline_stack: Stack) -> Site:
    """The stack, its functions warm: many that are loaded at the same time take longer than a step has."""
    site = Site(pipeline_stack)
    for size in (1, 2, AT_ONCE):
        site.at_once([partial(site.insist, order(gateway), new_key()) for gateway in (GATEWAYS * AT_ONCE)[:size]])
    return site


@pytest.fixture
def site(whole_site: Site) -> Iterator[Site]:
    """The stack with gateways that do as they should."""
    whole_site.gateways.clear_faults()
    yield whole_site
    whole_site.gateways.clear_faults()
    assert whole_site.stack.ended() is None
