"""The parsers that the dispatcher's tests give it."""

from __future__ import annotations

import pytest

from tests.memory_parsers import MemoryParsers


@pytest.fixture
def parsers() -> MemoryParsers:
    return MemoryParsers()


@pytest.fixture(autouse=True)
def deaths_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory, all calls of a dead parser fail within one turn of the loop."""
    monkeypatch.setattr("actors.scheduling.deaths.SAME_MOMENT_S", 0.03)
