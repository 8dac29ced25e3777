"""uvicorn's server without its ten looks a second, which an idle process pays for."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import uvicorn

#: How often the Date header of responses is set, in seconds.
TICK_S = 1.0


class QuietServer(uvicorn.Server):
    """A server that ticks once a second, and ends as soon as it is told to.

    uvicorn's own looks every 0.1 s whether it should end.
    """

    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, config: uvicorn.Config) -> None:
        self._told = asyncio.Event()
        super().__init__(config)

    @property
    def should_exit(self) -> bool:
        """Whether the server ends. May be set from any thread, or by a signal handler."""
        return self._ends

    @should_exit.setter
    def should_exit(self, ends: bool) -> None:
        self._ends = ends
        if ends and self._loop:
            self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            while not await self.on_tick(0):
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await self._told.wait()
        finally:
            self._loop = None
