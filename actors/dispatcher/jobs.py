"""Runs one claimed job: from its uploaded files to its outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import TypeVar

from actors.blobs import BlobStore
from actors.dispatcher.cache import ResultCache
from actors.dispatcher.chunks_ahead import make_chunks
from actors.dispatcher.derivations import Deriver
from actors.dispatcher.files import FileRun, Splitting
from actors.dispatcher.gather import gather_or_cancel
from actors.dispatcher.parser_slots import ParserSlots
from actors.dispatcher.ports import Document, Parsers
from actors.dispatcher.result_store import ResultStore
from actors.dispatcher.sources import JobSources, Sources
from actors.documents import StoredBlob
from actors.errors import DocfleetError, FileError, result_too_large
from actors.messages import Failure, FileOutcome, FileTask, InputFile, JobOutcome, JobSpec, ParsedFile, PartialFile
from actors.telemetry.logs import get_logger
from actors.telemetry.tracing import span
from client.models import ErrorCode, Progress

T = TypeVar("T")
log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """At most `files` of one job are parsed side by side, so that a large batch does not fill memory.

    A job that takes longer than `deadline_s` fails as a whole. With `by_reference`, parsers read files from the blob
    store and store results there; otherwise this process does.
    """

    files: int
    by_reference: bool = False
    deadline_s: float = 3600.0
    splitting: Splitting


class JobRun:
    """Runs one job. `progress` is replaced when it grows, and may be read from any thread."""

    def __init__(
        self,
        spec: JobSpec,
        parsers: Parsers,
        blobs: BlobStore,
        slots: ParserSlots,
        limits: JobLimits,
        sources: Sources,
        cache: ResultCache | None = None,
    ) -> None:
        self.progress = Progress(files_total=len(spec.files))
        self._spec = spec
        self._parsers = parsers
        self._store = ResultStore(blobs, spec.job_id)
        self._deriver = Deriver(parsers, blobs, slots, by_reference=limits.by_reference)
        self._slots = slots
        self._limits = limits
        self._sources = JobSources(sources, spec)
        self._cache = cache
        self._files = list(spec.files)
        self._attached: dict[int, list[InputFile]] = {}
        self._active: dict[int, FileRun] = {}
        self._outcomes: dict[int, FileOutcome] = {}

    @property
    def fetched(self) -> frozenset[int]:
        """The indexes of the files that no longer need their source. May be read from any thread."""
        return self._sources.done

    @property
    def only_fetches(self) -> bool:
        """Whether nothing of this job can be parsed before a source is fetched."""
        return 0 < self._sources.waiting == self.progress.files_total - self.progress.files_done

    async def run(self) -> JobOutcome:
        """Parse every file. A failed file does not affect the others, and a store that is away only delays the job."""
        job_id, files = self._spec.job_id, len(self._spec.files)
        with span("job", self._spec.traceparent, {"docfleet.job": job_id, "docfleet.files": files}) as traceparent:
            return await self._run(traceparent)

    async def _run(self, traceparent: str) -> JobOutcome:
        side_by_side = asyncio.Semaphore(self._limits.files)

        async def one(index: int, file: InputFile) -> FileOutcome:
            file = await self._fetch(index, file)
            async with side_by_side:
                with span("file", traceparent, {"docfleet.file": index, "docfleet.bytes": file.size}) as of_file:
                    return await self._run_file(index, file, of_file)

        try:
            async with asyncio.timeout(self._limits.deadline_s) as deadline:
                files = await gather_or_cancel(*(one(index, file) for index, file in enumerate(self._spec.files)))
                files += await gather_or_cancel(*(one(index, file) for index, file in self._add_attachments()))
        except TimeoutError:
            if not deadline.expired():
                raise
            log.warning("job_deadline_exceeded")
            message = f"The job was not done within {self._limits.deadline_s:g} seconds"
            failure = Failure(code=ErrorCode.DEADLINE_EXCEEDED, message=message)
            return JobOutcome(failure=failure, progress=self.progress)
        return JobOutcome(files=tuple(files), progress=self.progress)

    async def partial_files(self) -> list[PartialFile]:
        """Each file as far as it is parsed, in the order of submission."""
        return await gather_or_cancel(*(self._partial_file(index, file) for index, file in enumerate(self._files)))

    def _add_attachments(self) -> list[tuple[int, InputFile]]:
        """Make the attachments of all files further files of the job. Returns them with their index in it."""
        self._files += [file for index in sorted(self._attached) for file in self._attached[index]]
        added = list(enumerate(self._files))[len(self._spec.files) :]
        self._count(files_total=len(added))
        return added

    async def _partial_file(self, index: int, file: InputFile) -> PartialFile:
        if outcome := self._outcomes.get(index):
            pages = max(1, outcome.pages)
            return PartialFile(filename=file.filename, outcome=outcome, pages_done=pages, pages_total=pages)
        run = self._active.get(index)
        return await run.partial_file() if run else PartialFile(filename=file.filename)

    async def _fetch(self, index: int, file: InputFile) -> InputFile:
        if not file.remote:
            return file
        fetched = await self._attempt(index, self._sources.fetch(index, file))
        self._files[index] = replace(file, rejected=fetched) if isinstance(fetched, Failure) else fetched
        self._count(files_fetched=1)
        return self._files[index]

    async def _run_file(self, index: int, file: InputFile, traceparent: str) -> FileOutcome:
        started = time.monotonic()
        task = self._task(index, file, traceparent)
        result = await self._attempt(index, self._parse(file, task))
        if isinstance(result, ParsedFile) and result.attachments:
            self._attached[index] = await self._store.attach(file, result.attachments)
        outcome = await self._store.save(index, file, result, (time.monotonic() - started) * 1000)
        if self._cache and isinstance(result, ParsedFile):
            await self._cache.remember(self._spec.owner, file, task, result, outcome)
        await make_chunks(self._deriver, self._spec, index, outcome)
        self._outcomes[index] = outcome
        self._active.pop(index, None)
        self._count(files_done=1, words_lost=result.words_lost if isinstance(result, ParsedFile) else 0)
        return outcome

    async def _attempt(self, index: int, work: Awaitable[T]) -> T | Failure:
        try:
            return await work
        except Exception as error:  # noqa: BLE001 - every failure becomes this file's failed entry
            return failure_of(error, job_id=self._spec.job_id, index=index)

    def _task(self, index: int, file: InputFile, traceparent: str) -> FileTask:
        options = self._spec.options
        if index >= len(self._spec.files):  # an attachment: those inside it are only listed
            options = options.model_copy(update={"attachments": "list"})
        return FileTask(
            job_id=self._spec.job_id,
            index=index,
            filename=file.filename,
            size=file.size,
            options=options,
            metadata=self._spec.metadata,
            trust_name=file.trust_name,
            request_id=self._spec.request_id,
            traceparent=traceparent,
            owner=self._spec.owner,
            results=self._store.folder(index) if self._limits.by_reference else "",
            started_at=time.time(),
        )

    async def _from_cache(self, file: InputFile, task: FileTask) -> ParsedFile | None:
        if self._cache is None:
            return None
        found = await self._cache.find(self._spec.owner, file, task)
        if found:
            limit = self._limits.splitting.budget.result_bytes(file.size)
            if found.size > limit:  # this job has more metadata than the earlier one
                raise result_too_large(found.size, limit)
            pages = max(1, found.pages)
            self._count_pages(pages, pages, 0)
        return found

    async def _parse(self, file: InputFile, task: FileTask) -> ParsedFile:
        if file.rejected:
            raise FileError(file.rejected.code, file.rejected.message)
        if found := await self._from_cache(file, task):
            return found
        document = await self._document(file.blob)
        run = FileRun(self._parsers, self._slots, self._limits.splitting, task, document, self._count_pages)
        self._active[task.index] = run
        return await run.parse()

    async def _document(self, key: str) -> Document:
        if self._limits.by_reference:
            return StoredBlob(key)
        return await self._parsers.put(await self._store.input(key))

    def _count_pages(self, total: int, done: int, failed: int) -> None:
        self._count(pages_total=total, pages_done=done, pages_failed=failed)

    def _count(self, **increments: int) -> None:
        grown = {name: getattr(self.progress, name) + by for name, by in increments.items()}
        self.progress = self.progress.model_copy(update=grown)


def failure_of(error: Exception, *, job_id: str, index: int) -> Failure:
    """The failure to show to the user. An unexpected error is logged and shown as an internal one."""
    if isinstance(error, FileError):
        return Failure(code=error.file_code, message=error.message)
    if isinstance(error, DocfleetError):
        return Failure(code=error.code, message=error.message)
    log.error("file_failed_unexpectedly", job=job_id, file=index, exc_info=error)
    return Failure(code=ErrorCode.INTERNAL, message="The file could not be parsed because of an internal error")
