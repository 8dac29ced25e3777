"""Files that were stored for a job to come: handed over with it, or removed again."""

from __future__ import annotations

import asyncio
from typing import Protocol

from actors.blobs import BlobStore
from actors.blobs.keys import inputs_of
from actors.errors import AWAY, DocfleetError, StoreUnavailable
from actors.messages import JobSpec, JobView
from actors.telemetry.logs import get_logger

log = get_logger()

#: How long whoever was refused waits for the files to be removed, in seconds.
REMOVE_WITHIN_S = 2.0


class SubmitRegistry(Protocol):
    """The registry, as far as it takes jobs."""

    async def submit(self, spec: JobSpec) -> JobView: ...


async def hand_over(jobs: SubmitRegistry, blobs: BlobStore, spec: JobSpec) -> JobView:
    """Make a job of stored files; the files go with a job that is refused. Raises what submitting it raises."""
    try:
        view = await jobs.submit(spec)
    except AWAY:
        raise  # the job may be in the journal all the same, and then needs its files; else a sweep removes them
    except DocfleetError:
        await discard(blobs, spec.job_id)
        raise
    if view.job_id != spec.job_id:  # the first request of this idempotency key made the job
        await discard(blobs, spec.job_id)
    return view


async def discard(blobs: BlobStore, job_id: str) -> None:
    """Remove the files. What cannot be removed now is no reason to answer otherwise, or late: a sweep takes what no
    job owns."""
    try:
        async with asyncio.timeout(REMOVE_WITHIN_S):
            await asyncio.shield(blobs.delete_prefix(inputs_of(job_id)))  # which goes on past that
    except (StoreUnavailable, TimeoutError) as error:
        log.warning("upload_left_behind", job=job_id, reason=str(error) or "the blob store is slow")
