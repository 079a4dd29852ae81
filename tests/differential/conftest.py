"""The lakes on which every query is compared, made once and put on a stack's S3 under a database of their own."""

from __future__ import annotations

import pytest

from tests.differential import lakes


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> lakes.Made:
    """Makes a lake by name, once."""
    return lakes.Made(tmp_path_factory.mktemp("differential"))
