"""Responses of Serve that stand in for real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Unanswered:
    """A response that never arrives."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False

    def __await__(self) -> Generator[Any, None, None]:
        self.asked.set()
        return asyncio.Event().wait().__await__()

    def cancel(self) -> None:
        self.cancelled = True
