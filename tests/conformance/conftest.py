"""A service of its own for all clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.local_service import running


@pytest.fixture(scope="session")
def url(short_folder: Path) -> Iterator[str]:
    with running("serve_app", short_folder / "conformance", PROFILE="bundled", SOURCES_ALLOW="127.0.0.1") as (_, url):
        yield url
