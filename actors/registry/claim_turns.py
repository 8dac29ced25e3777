"""Which of the waiting dispatchers claims next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

TURN_S = 0.1  # far more than a claim takes to come; a dispatcher that is full or dead delays the next one for so long


class ClaimTurns:
    """Wakes one dispatcher at a time, the one that has waited longest.

    If every job woke all of them, all would call the registry for it, and one would get it. The one that is woken takes
    as many jobs as it can. If it leaves some, or does not come within TURN_S, the next one has its turn. Belongs to one
    event loop.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, list[asyncio.Future[None]]] = {}  # the first dispatcher has waited longest
        self._turn: asyncio.TimerHandle | None = None  # ends the turn of the dispatcher that was woken

    def wake(self) -> None:
        """There are jobs to claim."""
        if self._turn is None:
            self._wake_next()

    def claimed(self, *, some_left: bool) -> None:
        """A dispatcher has claimed, and there are jobs left or not."""
        if self._turn:
            self._turn.cancel()
            self._turn = None
        if some_left:
            self._wake_next()

    async def wait(self, dispatcher: object, *, some_left: bool = False) -> None:
        """Wait for the dispatcher's turn, in which all its calls go on: the callers of the others may be gone.

        `some_left` says whether there are jobs already.
        """
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(dispatcher, []).append(place)
        if some_left:
            self.wake()
        try:
            await place
        except asyncio.CancelledError:
            self._give_up(dispatcher, place)
            raise

    async def wait_for_jobs(self, queued: Callable[[], int]) -> None:
        """Wait for a turn in which there are jobs. Each call stands for a dispatcher of its own."""
        call = object()
        await self.wait(call, some_left=queued() > 0)
        while not queued():
            self.claimed(some_left=False)
            await self.wait(call)

    def _give_up(self, dispatcher: object, place: asyncio.Future[None]) -> None:
        calls = self._waiting.get(dispatcher, [])
        if place in calls:
            calls.remove(place)
        if not calls:
            self._waiting.pop(dispatcher, None)

    def _wake_next(self) -> None:
        self._turn = None
        if dispatcher := next(iter(self._waiting), None):
            self._turn = asyncio.get_running_loop().call_later(TURN_S, self._wake_next)
            for place in self._waiting.pop(dispatcher):
                if not place.done():
                    place.set_result(None)
