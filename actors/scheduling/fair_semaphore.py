"""Decides who may use a parser or an endpoint next: a window of slots, granted round-robin over jobs."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

#: The window stands still when none of its slots has been free for this long, in seconds.
STANDSTILL_S = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """A call of `owner` that waits for a slot, or holds one."""

    owner: str
    yields: bool = False
    granted: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


#: Those who wait for a slot, by job. The first job has the next turn.
Queue = OrderedDict[str, deque[Turn]]


class FairSemaphore:
    """A semaphore that is fair between jobs: the waiting jobs take turns, oldest first.

    A job with one span never waits behind the thousand spans of another. Calls that are known to be short go before all
    spans, but a span never waits for two of them. `resize` follows the size of the fleet; a smaller window does not
    interrupt running work. Call `let_newcomer_in` regularly where a slot may be held for long.

    Calls that yield are never in all slots: `reserved` slots are left to the others.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._in_use = 0
        self._yielding = 0  # slots in use by calls that yield
        self._held: Counter[str] = Counter()  # slots in use, by owner
        self._full_since = math.inf  # in monotonic time
        self._spans: Queue = OrderedDict()
        self._short: Queue = OrderedDict()
        self._last_was_short = False

    @property
    def wanted(self) -> int:
        """The slots in use, and those that are waited for."""
        return self._in_use + sum(len(turns) for queue in (self._spans, self._short) for turns in queue.values())

    @property
    def reserved(self) -> int:
        return 0

    def resize(self, size: int) -> None:
        self._size = size
        self._look_whether_full()
        self._grant()

    def stands_still(self) -> bool:
        """Whether no slot has become free for STANDSTILL_S, and at most reserved ones are left."""
        return time.monotonic() - self._full_since >= STANDSTILL_S

    def let_newcomer_in(self) -> None:
        """While the window stands still, give one slot beyond it to the first in the queue whose owner holds none.

        So the calls of one owner that hang do not keep out another. The window grows by half of its size at most.
        """
        if self.stands_still() and self._in_use < self._size + max(1, self._size // 2):
            for queue in (self._short, self._spans):
                for job_id, turns in queue.items():
                    if not self._held[turns[0].owner]:
                        self._grant_to(queue, job_id)
                        return

    @asynccontextmanager
    async def slot(
        self, job_id: str, *, short: bool = False, yields: bool = False, owner: str = ""
    ) -> AsyncIterator[None]:
        """Hold one slot for `job_id`. Without an `owner`, the job stands for itself."""
        turn = Turn(owner or job_id, yields)
        queue = self._short if short else self._spans
        queue.setdefault(job_id, deque()).append(turn)
        self._grant()
        try:
            await turn.granted
        except asyncio.CancelledError:
            self._abandon(queue, job_id, turn)
            raise
        try:
            yield
        finally:
            self._release(turn)

    def _grant(self) -> None:
        while self._in_use < self._size and (found := self._next()):
            queue, job_id = found
            self._last_was_short = queue is self._short
            self._grant_to(queue, job_id)

    def _grant_to(self, queue: Queue, job_id: str) -> None:
        turns = queue.pop(job_id)
        turn = turns.popleft()
        if turns:
            queue[job_id] = turns  # behind every other waiting job
        if turn.granted.done():  # a cancelled turn stays queued until its task runs again
            return
        self._in_use += 1
        self._yielding += turn.yields
        self._held[turn.owner] += 1
        self._look_whether_full()
        turn.granted.set_result(None)

    def _next(self) -> tuple[Queue, str] | None:
        """The first job whose call may have a slot, and the queue where it waits."""
        queues = (self._spans, self._short) if self._last_was_short else (self._short, self._spans)
        return next(
            ((queue, job_id) for queue in queues for job_id, turns in queue.items() if self._may_have_a_slot(turns[0])),
            None,
        )

    def _may_have_a_slot(self, turn: Turn) -> bool:
        return not turn.yields or self._yielding < self._size - self.reserved

    def _abandon(self, queue: Queue, job_id: str, turn: Turn) -> None:
        if turn.granted.done() and not turn.granted.cancelled():  # granted and cancelled at the same moment
            self._release(turn)
            return
        turns = queue.get(job_id, deque())
        if turn in turns:
            turns.remove(turn)
        if not turns:
            queue.pop(job_id, None)

    def _release(self, turn: Turn) -> None:
        self._in_use -= 1
        self._yielding -= turn.yields
        self._held[turn.owner] -= 1
        if not self._held[turn.owner]:
            del self._held[turn.owner]
        self._full_since = math.inf
        self._look_whether_full()
        self._grant()

    def _look_whether_full(self) -> None:
        if self._in_use < self._size and self._yielding < self._size - self.reserved:
            self._full_since = math.inf
        elif self._full_since == math.inf:
            self._full_since = time.monotonic()
