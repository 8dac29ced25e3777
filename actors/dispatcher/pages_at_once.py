"""Limits the pages of a file that are under way, whatever the sizes of its spans."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class PagesAtOnce:
    """At most `most` pages; None means any number. A span of more pages is under way alone."""

    def __init__(self, most: int | None) -> None:
        self._most = most or sys.maxsize
        self._running = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, pages: int) -> AsyncIterator[None]:
        """Wait until so many more pages may be under way, and count them meanwhile."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._running + pages <= self._most or not self._running)
            self._running += pages
        try:
            yield
        finally:
            self._running -= pages
            async with self._changed:
                self._changed.notify_all()
