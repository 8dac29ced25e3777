"""What the blob store is rid of: the files of jobs that are past their time, and those that no job needs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from actors.blobs import BlobStore
from actors.blobs.keys import INPUTS, RESULTS, delete_blobs_of
from actors.dispatcher import cache
from actors.dispatcher.ports import ClaimRegistry
from actors.errors import JobExpired
from actors.telemetry.logs import get_logger

log = get_logger()

SWEEP_EVERY_S = 60.0
SWEEP_AT_ONCE = 100  # jobs


class GarbageCollector:
    """Each method is one round and the rest after it, to be repeated for ever. Raises FleetUnavailable and
    StoreUnavailable; what was not removed then is in the next round."""

    def __init__(self, jobs: ClaimRegistry, blobs: BlobStore, *, orphan_age_s: float, result_ttl_s: float) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._orphan_age_s = orphan_age_s
        self._result_ttl_s = result_ttl_s

    async def expired(self) -> None:
        """Remove what outlived its time: the blobs first, so that nothing is left that no journal row names."""
        job_ids = await self._jobs.expired(SWEEP_AT_ONCE)
        for job_id in job_ids:
            await delete_blobs_of(self._blobs, job_id)
        if job_ids:
            await self._jobs.forget(job_ids)
        if len(job_ids) < SWEEP_AT_ONCE:
            await asyncio.sleep(SWEEP_EVERY_S)

    async def orphans(self) -> None:
        """Remove what an ingress left that died between an upload and its submit."""
        before = time.time() - self._orphan_age_s
        for prefix in (INPUTS, RESULTS):
            await self._remove(prefix, before, self._is_no_job)
        await cache.sweep(self._blobs, self._result_ttl_s)
        await asyncio.sleep(self._orphan_age_s)

    async def inputs_of_ended_jobs(self) -> None:
        """Remove what no dispatcher did at the end of a job: it was cancelled or given up, or the store was away."""
        await self._remove(INPUTS, time.time(), self._has_ended)
        await asyncio.sleep(SWEEP_EVERY_S)

    async def _remove(self, prefix: str, unchanged_since: float, useless: Callable[[str], Awaitable[bool]]) -> None:
        job_ids = await self._blobs.unchanged_since(prefix, unchanged_since)
        for start in range(0, len(job_ids), SWEEP_AT_ONCE):
            some = job_ids[start : start + SWEEP_AT_ONCE]
            for job_id, is_useless in zip(some, await asyncio.gather(*map(useless, some)), strict=True):
                if is_useless:
                    log.info("left_behind_removed", prefix=prefix, job=job_id)
                    await self._blobs.delete_prefix(f"{prefix}/{job_id}")

    async def _is_no_job(self, job_id: str) -> bool:
        try:
            return await self._jobs.get(job_id) is None
        except JobExpired:  # it was one: what it left was removed before the journal forgot it
            return True

    async def _has_ended(self, job_id: str) -> bool:
        try:
            job = await self._jobs.get(job_id)
        except JobExpired:
            return True
        return job is not None and job.status.ended
