"""The parsers that the dispatcher's tests give it."""

from __future__ import annotations

import pytest

from tests.memory_parsers import MemoryParsers


@pytest.fixture
def parsers() -> MemoryParsers:
    return MemoryParsers()
