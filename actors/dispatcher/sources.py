"""Fetches the remote files of jobs into the blob store, so that they are as if they had been uploaded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType

from pydantic import TypeAdapter

from actors.blobs import BlobStore
from actors.dispatcher.ports import SourceFetcher
from actors.dispatcher.result_store import retry_while_away
from actors.errors import BlobMissing, FileError
from actors.formats import FAMILIES, label_of, suffix_of
from actors.messages import Failure, InputFile, JobSpec
from actors.scheduling.fair_semaphore import FairSemaphore
from actors.sources import Fetched
from actors.telemetry.logs import get_logger
from actors.telemetry.metrics import SOURCE_SECONDS, SOURCES_FETCHED
from client.models import ErrorCode

log = get_logger()

AT_ONCE = 32  # fetches of one dispatcher
AT_ONCE_OF_A_JOB = 4

_RECORD = TypeAdapter(InputFile)

#: What the metrics call the failures of fetches; any other is "failed".
_OUTCOMES: Mapping[ErrorCode, str] = MappingProxyType(
    {
        ErrorCode.SOURCE_REFUSED: "refused",
        ErrorCode.SOURCE_DENIED: "denied",
        ErrorCode.SOURCE_NOT_FOUND: "not_found",
        ErrorCode.FILE_TOO_LARGE: "too_large",
    }
)

#: Suffixes for files whose name has none that is known. What the bytes say counts for more.
_BY_MEDIA_TYPE: Mapping[str, str] = MappingProxyType(
    {
        "application/json": ".json",
        "application/msword": ".doc",
        "application/pdf": ".pdf",
        "application/vnd.ms-excel": ".xls",
        "application/vnd.ms-powerpoint": ".ppt",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
        "application/xhtml+xml": ".html",
        "application/xml": ".xml",
        "image/jpeg": ".jpg",
        "image/png": ".png",
        "image/tiff": ".tiff",
        "message/rfc822": ".eml",
        "text/csv": ".csv",
        "text/html": ".html",
        "text/markdown": ".md",
        "text/plain": ".txt",
        "text/vtt": ".vtt",
        "text/xml": ".xml",
    }
)


class Sources:
    """Shared by the jobs of a dispatcher, which fetch in fair turns."""

    def __init__(self, fetcher: SourceFetcher, blobs: BlobStore) -> None:
        self._fetcher = fetcher
        self._blobs = blobs
        self._turns = FairSemaphore(AT_ONCE)

    @retry_while_away
    async def stored(self, job_id: str, file: InputFile) -> InputFile:
        """A remote file, fetched now or by an earlier dispatcher. It is `rejected` when it cannot be fetched."""
        record = f"{file.blob}.fetched"
        with suppress(BlobMissing):
            return _RECORD.validate_json(await self._blobs.get(record))
        async with self._turns.slot(job_id):
            file = await self._fetched(file)
        await self._blobs.put(record, _RECORD.dump_json(file))
        return file

    async def _fetched(self, file: InputFile) -> InputFile:
        source, file = file.source, replace(file, source=None)
        started = time.monotonic()
        try:
            if source is None:
                raise FileError(ErrorCode.SOURCE_FAILED, "The file was fetched before, and has been removed since")
            fetched = await self._fetcher.fetch(source.url, source.headers, lambda: self._blobs.writer(file.blob))
        except FileError as error:
            log.info("source_not_fetched", code=error.file_code.value, reason=error.message)
            _record(_OUTCOMES.get(error.file_code, "failed"), started)
            return replace(file, rejected=Failure(code=error.file_code, message=error.message))
        _record("fetched", started)
        name = _name_of(fetched, file.filename, is_named=source.is_named)
        return replace(
            file,
            filename=name,
            size=fetched.size,
            sha256=fetched.sha256,
            trust_name=source.is_named and suffix_of(file.filename) in FAMILIES,
        )


def _record(outcome: str, started: float) -> None:
    SOURCES_FETCHED.record(outcome=outcome)
    SOURCE_SECONDS.record(time.monotonic() - started)


class JobSources:
    """The remote files of one job: how many are `waiting` to be fetched, and the indexes of those that are `done`."""

    def __init__(self, sources: Sources, spec: JobSpec) -> None:
        self._sources = sources
        self._job_id = spec.job_id
        self._at_once = asyncio.Semaphore(AT_ONCE_OF_A_JOB)
        self.waiting = sum(file.remote for file in spec.files)
        self.done: frozenset[int] = frozenset()

    async def fetch(self, index: int, file: InputFile) -> InputFile:
        """The file, in the blob store; `rejected` when it cannot be fetched."""
        try:
            async with self._at_once:
                file = await self._sources.stored(self._job_id, file)
            self.done |= {index}
        finally:
            self.waiting -= 1
        return file


def _name_of(fetched: Fetched, name: str, *, is_named: bool) -> str:
    """The name of a fetched file: the client's; or its server's; or the URL's, from which `name` was made.

    If its suffix says nothing, the media type adds one.
    """
    if not is_named:
        names = [label for each in (fetched.suggested, name, fetched.last_part) if (label := label_of(each))]
        name = next((each for each in names if suffix_of(each) in FAMILIES), names[0])
    return name if suffix_of(name) in FAMILIES else name + _BY_MEDIA_TYPE.get(fetched.content_type, "")
