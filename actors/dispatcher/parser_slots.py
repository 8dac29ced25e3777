"""The parsers' slots, and the order in which calls get them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from actors.dispatcher.recovery import RESTART_S, Recovery
from actors.scheduling.deaths import Deaths
from actors.scheduling.fair_semaphore import FairSemaphore

#: One slot of so many is kept from the spans of long documents. There are two slots for each parser. So one parser of
#: eight has no second span waiting, and a job that comes meanwhile waits there for the rest of one span.
SLOTS_PER_RESERVED = 16


class ParserSlots(FairSemaphore):
    """The slots of the parsers. A call that may break a parser also holds the one slot of `quarantine`.

    A call that waited for a parser that died also holds the one slot of `repeated`, so that two such calls do not wait
    for each other. `running` counts the live parsers; without it, none is missed.
    """

    def __init__(self, size: int, deaths: Deaths | None = None, running: Callable[[], int] | None = None) -> None:
        super().__init__(size)
        self.quarantine = FairSemaphore(1)
        self.repeated = FairSemaphore(1)
        self.deaths = deaths or Deaths()
        self._running = running
        self._recovery = Recovery()
        self._complete = asyncio.Event()
        self._complete.set()
        self._broke_at: dict[str, float] = {}  # when files of an owner last broke a parser

    @property
    def reserved(self) -> int:
        """None where there is one parser: its second call tells Serve's autoscaler to start another."""
        return -(-self._size // SLOTS_PER_RESERVED) if self._size > 2 else 0

    def look_at_fleet(self) -> None:
        """Let calls that may break a parser go on if no parser is missing. Call it regularly."""
        if self._running is None or self._recovery.is_complete(self._running(), time.monotonic()):
            self._complete.set()
        else:
            self._complete.clear()

    def let_newcomer_in(self) -> None:
        super().let_newcomer_in()
        self.repeated.let_newcomer_in()

    def broken_by(self, owner: str) -> None:
        """A file of `owner` broke a parser. Without keys there is nobody to protect from the only owner, ""."""
        if owner:
            self._broke_at[owner] = time.monotonic()

    async def admit(self, owner: str) -> None:
        """Wait for a complete fleet if a file of `owner` broke a parser a moment ago: the next one may do so too."""
        if self._broke_at.get(owner, -math.inf) > time.monotonic() - RESTART_S:
            await self._fleet_is_complete()

    @asynccontextmanager
    async def suspect(self, turn: str) -> AsyncIterator[None]:
        """Hold the quarantine in a complete fleet. The slot of the parser comes on top of it."""
        async with self.quarantine.slot(turn):
            await self._fleet_is_complete()
            yield

    async def _fleet_is_complete(self) -> None:
        self.look_at_fleet()  # a parser may have died a moment ago
        await self._complete.wait()
