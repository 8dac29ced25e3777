"""Reserves an Idempotency-Key during an upload, so that a concurrent repetition is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from actors.errors import FleetUnavailable
from serve_app.ports import IngressRegistry

#: Seconds after which a reservation is made. Faster uploads need none: a repetition gets the job of the first request.
HOLD_AFTER_S = 0.1
#: Seconds between renewals; much less than the time after which the registry drops a reservation.
RENEW_EVERY_S = 3.0


@asynccontextmanager
async def held_key(jobs: IngressRegistry, owner: str, key: str | None, job_id: str) -> AsyncIterator[None]:
    """Reserve `key` in this context and release it after an error.

    Raises IdempotencyConflict inside the context when another upload holds the key.
    """
    if key is None:
        yield
        return
    hold = _Hold(jobs, owner, key, job_id)
    try:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(hold.keep())
            yield
            keeping.cancel()
    except BaseExceptionGroup as failures:
        await hold.release()
        raise failures.exceptions[0] from None
    except BaseException:  # also a request that is cancelled because its client has left
        await hold.release()
        raise


class _Hold:
    def __init__(self, jobs: IngressRegistry, owner: str, key: str, job_id: str) -> None:
        self._jobs = jobs
        self._owned = (owner, key, job_id)
        self._asked = False

    async def keep(self) -> None:
        """Renew the reservation until cancelled. Ignores an unavailable registry: the submit checks the key again."""
        await asyncio.sleep(HOLD_AFTER_S)
        while True:
            with suppress(FleetUnavailable):
                self._asked = True
                await self._jobs.hold_key(*self._owned)
            await asyncio.sleep(RENEW_EVERY_S)

    async def release(self) -> None:
        if self._asked:
            with suppress(FleetUnavailable):
                await self._jobs.release_key(*self._owned)
