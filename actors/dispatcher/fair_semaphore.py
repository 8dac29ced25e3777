"""Decides who may use a parser next: a window of slots, granted round-robin over jobs."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from actors.dispatcher.deaths import Deaths


class FairSemaphore:
    """A semaphore that is fair between jobs: the waiting jobs take turns, oldest first.

    A job with one span never waits behind the thousand spans of another. `resize` follows the size of the fleet; a
    smaller window does not interrupt running work.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._in_use = 0
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    def resize(self, size: int) -> None:
        self._size = size
        self._grant()

    @asynccontextmanager
    async def slot(self, job_id: str) -> AsyncIterator[None]:
        """Hold one slot for `job_id`."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_id, deque()).append(turn)
        self._grant()
        try:
            await turn
        except asyncio.CancelledError:
            self._abandon(job_id, turn)
            raise
        try:
            yield
        finally:
            self._release()

    def _grant(self) -> None:
        while self._in_use < self._size and self._waiting:
            job_id, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[job_id] = turns  # behind every other waiting job
            if not turn.done():  # a cancelled turn stays queued until its task runs again
                self._in_use += 1
                turn.set_result(None)

    def _abandon(self, job_id: str, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():  # granted and cancelled at the same moment
            self._release()
            return
        turns = self._waiting.get(job_id, deque())
        if turn in turns:
            turns.remove(turn)
        if not turns:
            self._waiting.pop(job_id, None)

    def _release(self) -> None:
        self._in_use -= 1
        self._grant()


class ParserSlots(FairSemaphore):
    """The slots of the parsers. A call that may break a parser also holds the one slot of `quarantine`."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.quarantine = FairSemaphore(1)
        self.deaths = Deaths()
