"""Writes the results of a file into the blob store: its ParseResponse, and its DoclingDocument if parsed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from actors.blobs import BlobStore
from actors.blobs.keys import DOCUMENT, RESPONSE, results_of
from actors.dispatcher.responses import response_body
from actors.documents import Attachment
from actors.errors import StoreUnavailable
from actors.messages import Failure, FileOutcome, InputFile, ParsedFile
from actors.telemetry.retries import retry

#: Waits for a store that is away or full; the job's deadline ends the wait.
retry_while_away = retry(on=StoreUnavailable, attempts=None, timeout=None, wait_max=5.0)


class ResultStore:
    """The blobs of one job. Every call waits while the store is away."""

    def __init__(self, blobs: BlobStore, job_id: str) -> None:
        self._blobs = blobs
        self._folder = results_of(job_id)

    @retry_while_away
    async def input(self, key: str) -> bytes:
        return await self._blobs.get(key)

    async def attach(self, parent: InputFile, attachments: Sequence[Attachment]) -> list[InputFile]:
        """Store the attachments of a file beside it, as files of the same job."""
        return [await self._attach(parent, number, each) for number, each in enumerate(attachments)]

    async def _attach(self, parent: InputFile, number: int, attachment: Attachment) -> InputFile:
        key = f"{parent.blob}.{number}"
        await self._put(key, attachment.data)
        hashed = await asyncio.to_thread(hashlib.sha256, attachment.data)  # the loop serves all jobs
        return InputFile(
            filename=f"{parent.filename}/{attachment.filename}",
            blob=key,
            size=len(attachment.data),
            sha256=hashed.hexdigest(),
        )

    async def save(self, index: int, file: InputFile, result: ParsedFile | Failure, elapsed_ms: float) -> FileOutcome:
        """Make a file's result durable, unless its parser has done so."""
        response = f"{self.folder(index)}/{RESPONSE}"
        document = f"{self.folder(index)}/{DOCUMENT}" if isinstance(result, ParsedFile) else None
        if not (isinstance(result, ParsedFile) and result.stored):
            await self._save(index, response_body(file.filename, result, elapsed_ms), result)
        return FileOutcome(
            filename=file.filename,
            response=response,
            document=document,
            success=isinstance(result, ParsedFile),
            grade=result.confidence.low_grade if isinstance(result, ParsedFile) else "unspecified",
            num_nodes=result.num_nodes if isinstance(result, ParsedFile) else 0,
            pages=result.pages if isinstance(result, ParsedFile) else 0,
            processing_time_ms=elapsed_ms,
            input=file.blob,
        )

    def folder(self, index: int) -> str:
        """Where the results of a file lie."""
        return f"{self._folder}/{index}"

    async def _save(self, index: int, response: bytes, result: ParsedFile | Failure) -> None:
        blobs = {RESPONSE: response}
        if isinstance(result, ParsedFile):
            blobs[DOCUMENT] = result.document
        await asyncio.gather(*(self._put(f"{self.folder(index)}/{name}", data) for name, data in blobs.items()))

    @retry_while_away
    async def _put(self, key: str, data: bytes) -> None:
        await self._blobs.put(key, data)
