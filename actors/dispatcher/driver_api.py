"""The API for Python drivers: parse a document while the driver waits, and submit jobs without HTTP.

It runs in the dispatcher, next to the parsers' slots and the blob store, so that a driver may run on any node.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace

import orjson

from actors.blobs import BlobStore
from actors.blobs.keys import inputs_of
from actors.dispatcher.files import FileRun, Splitting
from actors.dispatcher.jobs import failure_of
from actors.dispatcher.parser_slots import ParserSlots
from actors.dispatcher.ports import DriverRegistry, Parsers
from actors.dispatcher.responses import response_body
from actors.documents import document_bytes
from actors.errors import AWAY, BlobMissing, FileError, JobExpired, JobFailed, JobNotFound
from actors.formats import FAMILIES, suffix_of
from actors.job_ids import new_job_id
from actors.messages import FileTask, InputFile, JobSpec, JobView, ParsedFile
from actors.submission import discard, hand_over
from actors.telemetry.retries import retry
from client.models import BatchParseResponse, ErrorCode, JobStatusResponse, ParseOptions, ParseResponse

ENDED_POLL_INTERVAL_S = 20.0  # between two looks at a job that does not change


class DriverApi:
    """Every method may be called from another process and raises only DocfleetErrors, which pickle."""

    def __init__(
        self,
        jobs: DriverRegistry,
        parsers: Parsers,
        blobs: BlobStore,
        slots: ParserSlots,
        *,
        splitting: Splitting,
        defaults: ParseOptions,
        file_bytes: int,
        shards: int = 1,
    ) -> None:
        self._jobs = jobs
        self._parsers = parsers
        self._blobs = blobs
        self._slots = slots
        self.splitting = splitting
        self._defaults = defaults
        self._file_bytes = file_bytes
        self._shards = shards

    async def parse(self, document: object, task: FileTask) -> ParseResponse:
        """Parse a document in the fair turns of `task.job_id`. Fills in its size and the server's options.

        Stores nothing, so that the call may be repeated on another dispatcher. Every failure is a FileError.
        """
        started = time.monotonic()
        try:
            data = self._view(document, task.filename)
            task = replace(task, size=len(data), options=task.options.over(self._defaults))
            shared = await self._parsers.put(data)
            parsed = await FileRun(self._parsers, self._slots, self.splitting, task, shared, _ignore_pages).parse()
        except Exception as error:  # noqa: BLE001 - the driver may not have the class of what was raised
            failure = failure_of(error, job_id=task.job_id, index=task.index)
            raise FileError(failure.code, failure.message) from None
        elapsed_ms = (time.monotonic() - started) * 1000
        return await asyncio.to_thread(_response, task.filename, parsed, elapsed_ms)

    async def store(self, document: object, job_id: str, index: int, filename: str) -> InputFile:
        """Keep a file for a job that is submitted afterwards. Raises FileError, StoreUnavailable."""
        if suffix_of(filename) not in FAMILIES:
            raise FileError(ErrorCode.UNSUPPORTED_FORMAT, f"Unsupported file format: {filename}")
        data, sha256 = await asyncio.to_thread(_copied, self._view(document, filename))
        key = f"{inputs_of(job_id)}/{index}"
        await self._blobs.put(key, data)
        return InputFile(filename=filename, blob=key, size=len(data), sha256=sha256)

    async def new_job_id(self) -> str:
        """The id of a job that will be submitted."""
        return new_job_id(self._shards)

    async def submit(self, spec: JobSpec) -> str:
        """Make a job of stored files; durable on return. Raises QueueFull, StoreUnavailable, FleetUnavailable."""
        spec = replace(spec, options=spec.options.over(self._defaults))
        return (await hand_over(self._jobs, self._blobs, spec)).job_id

    async def discard(self, job_id: str) -> None:
        """Remove the stored files of a job that will not be submitted."""
        await discard(self._blobs, job_id)

    async def status(self, job_id: str) -> JobStatusResponse:
        """Raises JobNotFound, JobExpired."""
        return (await self._found(job_id)).as_status()

    async def results(self, job_id: str) -> BatchParseResponse:
        """Wait for a job's end and return its results. Raises JobFailed, JobNotFound, JobExpired."""
        view = await self._ended(job_id)
        if view.failure:
            raise JobFailed(view.failure.code, view.failure.message)
        try:
            stored = [await self._blobs.get(file.response) for file in view.files]
        except BlobMissing as error:
            raise JobExpired(f"The results of job {job_id} are gone", view.owner) from error
        return await asyncio.to_thread(_batch, view, stored)

    @retry(on=AWAY, attempts=None, timeout=None, wait_max=2.0)
    async def _ended(self, job_id: str) -> JobView:
        view = await self._found(job_id)
        while not view.status.ended:
            view = await self._jobs.wait_ended(job_id, ENDED_POLL_INTERVAL_S)
        return view

    async def _found(self, job_id: str) -> JobView:
        view = await self._jobs.get(job_id)
        if view is None:
            raise JobNotFound.of(job_id)
        return view

    def _view(self, document: object, filename: str) -> memoryview:
        """The bytes of a driver's document. Raises FileError when it holds no bytes, or too many."""
        try:
            view = document_bytes(document)
        except TypeError as error:
            raise FileError(ErrorCode.INVALID_FILE, f"The document is not bytes: {error}") from error
        if len(view) > self._file_bytes:
            limit = f"{filename} is larger than {self._file_bytes} bytes"
            raise FileError(ErrorCode.FILE_TOO_LARGE, f"File too large: {limit}")
        return view


# The functions below take longer the larger a document is, so they run on threads: the loop serves all jobs.


def _copied(view: memoryview) -> tuple[bytes, str]:
    """A copy of the bytes, and their sha256."""
    data = bytes(view)
    return data, hashlib.sha256(data).hexdigest()


def _response(filename: str, parsed: ParsedFile, elapsed_ms: float) -> ParseResponse:
    return ParseResponse.model_validate_json(response_body(filename, parsed, elapsed_ms))


def _batch(view: JobView, stored: Sequence[bytes]) -> BatchParseResponse:
    results = b'{"results":[' + b",".join(stored) + b"],"
    return BatchParseResponse.model_validate_json(results + orjson.dumps(view.totals())[1:])


def _ignore_pages(total: int, done: int, failed: int) -> None:
    """A driver's call reports no progress."""
