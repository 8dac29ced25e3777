"""Decides who may use a parser or an endpoint next: a window of slots, granted round-robin over jobs."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

#: Those who wait for a slot, by job. The first job has the next turn.
Queue = OrderedDict[str, deque[asyncio.Future[None]]]


class FairSemaphore:
    """A semaphore that is fair between jobs: the waiting jobs take turns, oldest first.

    A job with one span never waits behind the thousand spans of another. Calls that are known to be short go before all
    spans, but a span never waits for two of them. `resize` follows the size of the fleet; a smaller window does not
    interrupt running work.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._in_use = 0
        self._spans: Queue = OrderedDict()
        self._short: Queue = OrderedDict()
        self._last_was_short = False

    @property
    def wanted(self) -> int:
        """The slots in use, and those that are waited for."""
        return self._in_use + sum(len(turns) for queue in (self._spans, self._short) for turns in queue.values())

    def resize(self, size: int) -> None:
        self._size = size
        self._grant()

    @asynccontextmanager
    async def slot(self, job_id: str, *, short: bool = False) -> AsyncIterator[None]:
        """Hold one slot for `job_id`."""
        turn = asyncio.get_running_loop().create_future()
        queue = self._short if short else self._spans
        queue.setdefault(job_id, deque()).append(turn)
        self._grant()
        try:
            await turn
        except asyncio.CancelledError:
            self._abandon(queue, job_id, turn)
            raise
        try:
            yield
        finally:
            self._release()

    def _grant(self) -> None:
        while self._in_use < self._size and (queue := self._next_queue()):
            job_id, turns = queue.popitem(last=False)
            turn = turns.popleft()
            if turns:
                queue[job_id] = turns  # behind every other waiting job
            if not turn.done():  # a cancelled turn stays queued until its task runs again
                self._in_use += 1
                turn.set_result(None)

    def _next_queue(self) -> Queue:
        self._last_was_short = bool(self._short) and not (self._spans and self._last_was_short)
        return self._short if self._last_was_short else self._spans

    def _abandon(self, queue: Queue, job_id: str, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():  # granted and cancelled at the same moment
            self._release()
            return
        turns = queue.get(job_id, deque())
        if turn in turns:
            turns.remove(turn)
        if not turns:
            queue.pop(job_id, None)

    def _release(self) -> None:
        self._in_use -= 1
        self._grant()
