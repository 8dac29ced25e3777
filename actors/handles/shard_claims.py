"""Claims jobs from several registries."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from actors.errors import AWAY
from actors.handles.registry import RegistryHandle
from actors.job_ids import shard_of
from actors.messages import Claim
from actors.telemetry.logs import get_logger
from actors.telemetry.retries import retry

log = get_logger()


class ShardClaims:
    """One dispatcher's claims. Belongs to one event loop.

    A registry is asked for jobs when it has some, and after each wait, as it may have to repeat a lost response. The
    waits claim nothing, so no job comes that nobody asked for. A registry that is away does not hold up the others.
    """

    def __init__(self, shards: Sequence[RegistryHandle]) -> None:
        self._shards = shards
        self._ready = deque(range(len(shards)))
        self._waits: dict[int, asyncio.Task[None]] = {}

    async def claim(
        self,
        dispatcher_id: str,
        limit: int,
        timeout_s: float,
        held: Sequence[tuple[str, str]],
        *,
        newcomers: bool = False,
    ) -> list[Claim]:
        """Up to `limit` jobs of all registries together, waiting up to `timeout_s` for the first."""
        await self._wait_for_one(timeout_s)
        claims: list[Claim] = []
        for _ in range(len(self._ready)):
            if left := limit - len(claims):
                number = self._ready.popleft()
                found = await self._claim_from(number, dispatcher_id, left, held, newcomers=newcomers)
                claims += found
                if len(found) == left:
                    self._ready.append(number)  # behind the others, and perhaps with more
        return claims

    async def _claim_from(
        self, number: int, dispatcher_id: str, limit: int, held: Sequence[tuple[str, str]], *, newcomers: bool
    ) -> list[Claim]:
        held_there = [lease for lease in held if shard_of(lease[0]) == number]
        try:
            return await self._shards[number].claim(dispatcher_id, limit, 0.0, held_there, newcomers=newcomers)
        except AWAY as error:  # what it may have given is sent again by the next claim
            log.info("shard_away", shard=number, reason=error.message)
            return []

    async def _wait_for_one(self, timeout_s: float) -> None:
        for number in range(len(self._shards)):
            if number not in self._ready and number not in self._waits:
                self._waits[number] = asyncio.create_task(self._wait_for(number, timeout_s))
        if self._ready:
            return
        try:
            done, _ = await asyncio.wait(self._waits.values(), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            for wait in self._waits.values():
                wait.cancel()
            raise
        for wait in done:
            wait.result()

    async def _wait_for(self, number: int, timeout_s: float) -> None:
        """Until the registry has a job, or the time is over. Only one that answers is asked for jobs again: a call to
        one that restarts takes seconds, and the others would wait for it."""
        await self._until_it_answers(number, timeout_s)
        del self._waits[number]
        self._ready.append(number)

    @retry(on=AWAY, attempts=None, timeout=None, wait_max=1.0)
    async def _until_it_answers(self, number: int, timeout_s: float) -> None:
        await self._shards[number].claimable(timeout_s)
