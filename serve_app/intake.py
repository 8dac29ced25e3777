"""From a request to a job that is durable: receive, check, hand over. Refused at any step, it leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from starlette.requests import Request

from actors.blobs import BlobStore
from actors.errors import DocfleetError, QueueFull, StoreUnavailable
from actors.logs import get_logger
from actors.messages import JobSpec, JobView
from serve_app.idempotency import held_key
from serve_app.ports import AWAY, Jobs
from serve_app.settings import Settings
from serve_app.specs import make_spec
from serve_app.uploads import UploadRules, check_size, receive_upload

log = get_logger()

#: From this size on, in bytes, a look at the queue costs less than an upload in vain.
LARGE_REQUEST = 1024 * 1024
#: How long a refused client waits for its files to be removed, in seconds.
REMOVE_WITHIN_S = 2.0


class Intake:
    def __init__(self, jobs: Jobs, blobs: BlobStore, settings: Settings) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._settings = settings

    async def take(
        self, request: Request, *, refuse_bad_files: bool, idempotency_key: str | None = None
    ) -> tuple[JobSpec, JobView]:
        """What was asked for, and the job that does it. Raises Refused, and what submitting a job raises."""
        await self._check_announced(_announced_size(request))
        job_id = str(uuid4())
        rules = UploadRules(
            file_bytes=self._settings.max_file_bytes,
            request_bytes=self._settings.max_request_bytes,
            refuse_bad_files=refuse_bad_files,
        )
        owner = request.state.owner
        async with self._removed_on_error(job_id), held_key(self._jobs, owner, idempotency_key, job_id):
            upload = await receive_upload(request, self._blobs, _folder(job_id), rules)
            spec = make_spec(
                job_id,
                upload,
                self._settings,
                owner=owner,
                request_id=request.state.request_id,
                traceparent=request.state.traceparent,
                idempotency_key=idempotency_key,
            )
        # Shielded from a client that leaves: from here on there is a job with its files, or neither.
        return spec, await asyncio.shield(self._hand_over(spec))

    async def _check_announced(self, size: int) -> None:
        """Tell a large request before its body is read what it would be told after."""
        check_size(size, self._settings.max_request_bytes)
        if size >= LARGE_REQUEST and (await self._jobs.stats()).queued >= self._settings.max_queued_jobs:
            raise QueueFull("The queue is full at present; please try again later")

    async def _hand_over(self, spec: JobSpec) -> JobView:
        try:
            view = await self._jobs.submit(spec)
        except AWAY:
            raise  # the job may be in the journal all the same, and then needs its files; else a sweep removes them
        except DocfleetError:
            await self._remove(spec.job_id)
            raise
        if view.job_id != spec.job_id:  # the first request of this idempotency key made the job
            await self._remove(spec.job_id)
        return view

    @asynccontextmanager
    async def _removed_on_error(self, job_id: str) -> AsyncIterator[None]:
        try:
            yield
        except BaseException:  # a client that leaves may cancel the request
            await self._remove(job_id)
            raise

    async def _remove(self, job_id: str) -> None:
        """What cannot be removed now is no reason to answer otherwise, or late: a sweep takes what no job owns."""
        try:
            async with asyncio.timeout(REMOVE_WITHIN_S):
                await asyncio.shield(self._blobs.delete_prefix(_folder(job_id)))  # which goes on past that
        except (StoreUnavailable, TimeoutError) as error:
            log.warning("upload_left_behind", job=job_id, reason=str(error) or "the blob store is slow")


def _announced_size(request: Request) -> int:
    """What Content-Length says; 0 where nothing does."""
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() else 0


def _folder(job_id: str) -> str:
    return f"inputs/{job_id}"
