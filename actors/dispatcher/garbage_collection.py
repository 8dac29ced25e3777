"""Removes blobs from the store: those of expired jobs, and those that belong to no job."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from actors.blobs import BlobStore
from actors.blobs.keys import INPUTS, RESULTS, delete_blobs_of, journal_of
from actors.dispatcher import cache
from actors.dispatcher.ports import ClaimRegistry
from actors.errors import BlobMissing, JobExpired
from actors.job_ids import shard_of
from actors.telemetry.logs import get_logger

log = get_logger()

SWEEP_EVERY_S = 60.0
SWEEP_AT_ONCE = 500  # jobs

_OF_ANOTHER_JOURNAL = (
    "BLOB_URL is the store of another journal, so files without a job are not removed. Give each service a store or a "
    "prefix of its own. If this store is to belong to this journal, remove this blob"
)


class GarbageCollector:
    """Each method runs one round and then sleeps until the next; the dispatcher repeats them.

    With `blobs_expire`, the store removes blobs by a rule of its own, and this removes jobs from the registry only.
    Raises FleetUnavailable and StoreUnavailable. The next round removes what a failed one left.
    """

    def __init__(
        self,
        jobs: ClaimRegistry,
        blobs: BlobStore,
        *,
        orphan_age_s: float,
        result_ttl_s: float,
        shards: int = 1,
        blobs_expire: bool = False,
    ) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._orphan_age_s = orphan_age_s
        self._result_ttl_s = result_ttl_s
        self._shards = shards
        self._blobs_expire = blobs_expire

    def sweeps(self, *, keep_inputs: bool) -> list[Callable[[], Awaitable[None]]]:
        """All rounds to repeat."""
        if self._blobs_expire:
            return [self.expired]
        return [self.expired, self.orphans, *([] if keep_inputs else [self.inputs_of_ended_jobs])]

    async def expired(self) -> None:
        """Remove expired jobs: blobs first, so that no blob is left without a journal row."""
        job_ids = await self._jobs.expired(SWEEP_AT_ONCE)
        if job_ids and not self._blobs_expire:
            await delete_blobs_of(self._blobs, *job_ids)
        if job_ids:
            await self._jobs.forget(job_ids)
        if len(job_ids) < SWEEP_AT_ONCE:
            await asyncio.sleep(SWEEP_EVERY_S)

    async def orphans(self) -> None:
        """Remove the blobs of uploads that never became a job, because their ingress died before the submit."""
        before = time.time() - self._orphan_age_s
        if await self._is_store_of_these_journals():
            for prefix in (INPUTS, RESULTS):
                await self._remove(prefix, before, self._is_no_job)
        await cache.sweep(self._blobs, self._result_ttl_s)
        await asyncio.sleep(self._orphan_age_s)

    async def _is_store_of_these_journals(self) -> bool:
        """Whether unknown jobs are no jobs. In the store of another service they are that service's jobs.

        A store belongs to the journals that use it first.
        """
        for shard, journal_id in enumerate(await self._jobs.journal_ids()):
            key = journal_of(shard)
            try:
                owner = (await self._blobs.get(key)).decode()
            except BlobMissing:
                await self._blobs.put(key, journal_id.encode())
            else:
                if owner != journal_id:
                    log.error("blobs_of_another_journal", blob=key, hint=_OF_ANOTHER_JOURNAL)
                    return False
        return True

    async def inputs_of_ended_jobs(self) -> None:
        """Remove the inputs that no dispatcher removed: the job was cancelled or given up, or the store was away."""
        await self._remove(INPUTS, time.time(), self._has_ended)
        await asyncio.sleep(SWEEP_EVERY_S)

    async def _remove(self, prefix: str, unchanged_since: float, is_garbage: Callable[[str], Awaitable[bool]]) -> None:
        found = await self._blobs.unchanged_since(prefix, unchanged_since)
        job_ids = [job_id for job_id in found if shard_of(job_id) < self._shards]  # of no other is it known what it is
        for start in range(0, len(job_ids), SWEEP_AT_ONCE):
            some = job_ids[start : start + SWEEP_AT_ONCE]
            verdicts = await asyncio.gather(*map(is_garbage, some))
            garbage = [job_id for job_id, verdict in zip(some, verdicts, strict=True) if verdict]
            for job_id in garbage:
                log.info("left_behind_removed", prefix=prefix, job=job_id)
            if garbage:
                await self._blobs.delete_prefixes([f"{prefix}/{job_id}" for job_id in garbage])

    async def _is_no_job(self, job_id: str) -> bool:
        try:
            return await self._jobs.get(job_id) is None
        except JobExpired:  # its blobs should be gone already
            return True

    async def _has_ended(self, job_id: str) -> bool:
        try:
            job = await self._jobs.get(job_id)
        except JobExpired:
            return True
        return job is not None and job.status.ended
