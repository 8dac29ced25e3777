"""While a request with an Idempotency-Key uploads, its key is held: a repetition is told to wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from actors.errors import FleetUnavailable
from serve_app.ports import IngressRegistry

#: Quicker uploads hold nothing, which saves them a call: who comes second is given the first one's job.
HOLD_AFTER_S = 0.1
#: Far within the time for which the registry believes in an ingress that is silent.
RENEW_EVERY_S = 3.0


@asynccontextmanager
async def held_key(jobs: IngressRegistry, owner: str, key: str | None, job_id: str) -> AsyncIterator[None]:
    """Hold `key` in this context, and after an error no longer. Raises IdempotencyConflict in it when it is taken."""
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
    except BaseException:  # a client that leaves may cancel the request
        await hold.release()
        raise


class _Hold:
    def __init__(self, jobs: IngressRegistry, owner: str, key: str, job_id: str) -> None:
        self._jobs = jobs
        self._owned = (owner, key, job_id)
        self._asked = False

    async def keep(self) -> None:
        """Until cancelled. A registry that is away is asked again: the submit is what decides."""
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
