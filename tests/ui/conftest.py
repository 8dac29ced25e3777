"""A service for each test, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import browser as browser
from tests.browser import new_page as new_page
from tests.ui.server import PageServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PageServer]:
    running = PageServer(tmp_path / "state")
    yield running
    running.stop()
