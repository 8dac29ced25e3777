"""Writes the results of a file into the blob store: its ParseResponse, and its DoclingDocument if parsed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
import stamina

from actors.blobs import BlobStore
from actors.blobs.keys import results_of
from actors.errors import StoreUnavailable
from actors.messages import Attachment, Failure, FileOutcome, InputFile, ParsedFile
from client.models import ErrorCode, PageFailure

#: Waits for a store that is away or full; the job's deadline ends the wait.
retry_while_away = stamina.retry(on=StoreUnavailable, attempts=None, timeout=None, wait_max=5.0)


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
        return InputFile(
            filename=f"{parent.filename}/{attachment.filename}",
            blob=key,
            size=len(attachment.data),
            sha256=hashlib.sha256(attachment.data).hexdigest(),
        )

    async def save(self, index: int, file: InputFile, result: ParsedFile | Failure, elapsed_ms: float) -> FileOutcome:
        """Make a file's result durable."""
        response = f"{self._folder}/{index}/response.json"
        document = f"{self._folder}/{index}/document.json" if isinstance(result, ParsedFile) else None
        body = response_body(file.filename, result, elapsed_ms)
        if isinstance(result, ParsedFile) and document:
            await asyncio.gather(self._put(response, body), self._put(document, result.document))
        else:
            await self._put(response, body)
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

    @retry_while_away
    async def _put(self, key: str, data: bytes) -> None:
        await self._blobs.put(key, data)


def response_body(filename: str, result: ParsedFile | Failure, elapsed_ms: float) -> bytes:
    """A file's ParseResponse as JSON."""
    entry = _success(result) if isinstance(result, ParsedFile) else _failed(result)
    return orjson.dumps({"filename": filename, "processing_time_ms": elapsed_ms, **entry})


def _success(parsed: ParsedFile) -> dict[str, Any]:
    return {
        "success": True,
        "nodes": orjson.Fragment(parsed.nodes),  # already JSON: not decoded and encoded again
        "num_nodes": parsed.num_nodes,
        "error": _lost_pages_message(parsed.lost),
        "error_code": ErrorCode.PAGES_LOST if parsed.lost else None,
        "pages_failed": [page.model_dump() for page in parsed.lost],
        "warnings": [warning.model_dump() for warning in parsed.warnings],
        "parser": parsed.parser.model_dump(),
        "confidence": parsed.confidence.model_dump(),
        "cached": parsed.cached,
    }


def _failed(failure: Failure) -> dict[str, Any]:
    return {
        "success": False,
        "nodes": [],
        "num_nodes": 0,
        "error": failure.message,
        "error_code": failure.code,
        "pages_failed": [],
        "warnings": [],
        "parser": None,
        "confidence": None,
        "cached": False,
    }


def _lost_pages_message(lost: tuple[PageFailure, ...]) -> str | None:
    if not lost:
        return None
    return f"Lost page{'s' if len(lost) > 1 else ''} {', '.join(str(page.page_number) for page in lost)}"
