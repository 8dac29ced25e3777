"""Turns stored files into a job, or removes them."""

from __future__ import annotations

import asyncio
from typing import Protocol

from actors.blobs import BlobStore
from actors.blobs.keys import inputs_of
from actors.errors import AWAY, DocfleetError, StoreUnavailable
from actors.messages import JobSpec, JobView
from actors.telemetry.logs import get_logger

log = get_logger()

#: How long a refused caller waits for its files to be removed, in seconds.
REMOVE_WITHIN_S = 2.0


class SubmitRegistry(Protocol):
    """The registry, for submitting jobs."""

    async def submit(self, spec: JobSpec) -> JobView: ...


async def hand_over(jobs: SubmitRegistry, blobs: BlobStore, spec: JobSpec) -> JobView:
    """Submit a job of stored files. Removes the files of a refused job. Raises what `submit` raises."""
    try:
        view = await jobs.submit(spec)
    except AWAY:
        raise  # the job may be in the journal and need its files; if not, garbage collection removes them
    except DocfleetError:
        await discard(blobs, spec.job_id)
        raise
    if view.job_id != spec.job_id:  # an earlier request with this idempotency key made the job
        await discard(blobs, spec.job_id)
    return view


async def discard(blobs: BlobStore, job_id: str) -> None:
    """Remove a job's stored files. Never raises and never waits long: garbage collection removes what is left."""
    try:
        async with asyncio.timeout(REMOVE_WITHIN_S):
            await asyncio.shield(blobs.delete_prefix(inputs_of(job_id)))  # it goes on after the timeout
    except (StoreUnavailable, TimeoutError) as error:
        log.warning("upload_left_behind", job=job_id, reason=str(error) or "the blob store is slow")
