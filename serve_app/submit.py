"""Turns a request into a durable job: receive, check, submit. A request that is refused leaves no files behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.requests import Request

from actors.blobs import BlobStore
from actors.blobs.keys import inputs_of
from actors.errors import QueueFull
from actors.job_ids import new_job_id
from actors.messages import JobSpec, JobView
from actors.submission import discard, hand_over
from client.models import ErrorCode
from serve_app.form_fields import make_spec
from serve_app.health import Health
from serve_app.idempotency import held_key
from serve_app.job_sources import JobFiles
from serve_app.json_requests import is_json, receive_json
from serve_app.ports import IngressRegistry
from serve_app.problems import Refused
from serve_app.request_sources import SourceReader
from serve_app.settings import Settings
from serve_app.uploads import UploadRules, check_size, receive_upload

#: Bytes from which the queue is checked before the upload, because a useless upload costs more than the check.
LARGE_REQUEST = 1024 * 1024


class Intake:
    def __init__(self, jobs: IngressRegistry, blobs: BlobStore, settings: Settings, health: Health) -> None:
        self._health = health
        self._jobs = jobs
        self._blobs = blobs
        self._settings = settings
        self._guard = settings.source_guard

    async def take(
        self, request: Request, *, refuse_bad_files: bool, idempotency_key: str | None = None
    ) -> tuple[JobSpec, JobView]:
        """The parsed request and its job. Raises Refused, and the errors of `IngressRegistry.submit`."""
        rules = UploadRules(
            file_bytes=self._settings.max_file_bytes,
            request_bytes=self._settings.max_request_bytes,
            refuse_bad_files=refuse_bad_files,
        )

        async def receive(job_id: str) -> JobSpec:
            folder = inputs_of(job_id)
            sources = self._sources(folder, request.state.owner)
            if is_json(request):
                upload = await receive_json(request, rules, sources)
            else:
                upload = await receive_upload(request, self._blobs, folder, rules, sources)
            return make_spec(
                job_id,
                upload,
                self._settings,
                owner=request.state.owner,
                request_id=request.state.request_id,
                traceparent=request.state.traceparent,
                idempotency_key=idempotency_key,
            )

        return await self.submit(request, receive, idempotency_key)

    def _sources(self, folder: str, owner: str) -> SourceReader:
        files = JobFiles(jobs=self._jobs, blobs=self._blobs, owner=owner, limit=self._settings.max_request_bytes)
        return SourceReader(guard=self._guard, jobs=files, folder=folder)

    async def submit(
        self, request: Request, receive: Callable[[str], Awaitable[JobSpec]], idempotency_key: str | None = None
    ) -> tuple[JobSpec, JobView]:
        """The job that `receive` makes of the request under a new job id, and its state. It stores the files.

        Raises what `receive` raises, Refused for options that the parsers refuse, and the errors of
        `IngressRegistry.submit`. Then no file is left behind.
        """
        await self._check_announced(_announced_size(request))
        owner = request.state.owner
        job_id = new_job_id(self._settings.registry_shards, owner, idempotency_key)
        async with self._removed_on_error(job_id), held_key(self._jobs, owner, idempotency_key, job_id):
            spec = await receive(job_id)
            if refusal := await self._health.refusal(spec.options):
                raise Refused(ErrorCode.INVALID_OPTION, refusal)
        # Shielded from cancellation when the client leaves: either the job and its files exist, or neither.
        return spec, await asyncio.shield(hand_over(self._jobs, self._blobs, spec))

    async def _check_announced(self, size: int) -> None:
        """Refuse a large request before its body is read. Raises Refused or QueueFull."""
        check_size(size, self._settings.max_request_bytes)
        if size >= LARGE_REQUEST and (await self._jobs.stats()).queued >= self._settings.max_queued_jobs:
            raise QueueFull("The queue is full. Try again later")

    @asynccontextmanager
    async def _removed_on_error(self, job_id: str) -> AsyncIterator[None]:
        try:
            yield
        except BaseException:  # also a request that is cancelled because its client has left
            await discard(self._blobs, job_id)
            raise


def _announced_size(request: Request) -> int:
    """The Content-Length, or 0 without one."""
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() else 0
