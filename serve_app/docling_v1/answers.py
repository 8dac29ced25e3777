"""The result of a job in docling-serve's shape, streamed from the blob store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from actors.messages import FileOutcome, JobView, PageSpan
from client.models import ErrorCode, ExportFormat, JobStatusEnum
from serve_app.archive import zipped
from serve_app.docling_v1.models import ErrorItem, Outcome, TaskFailureResult
from serve_app.docling_v1.options import EXPORTS, Format
from serve_app.docling_v1.reply import Reply
from serve_app.docling_v1.tasks import category_of, failure_of
from serve_app.docling_v1.zip_names import stems
from serve_app.page_nodes import PageSelection
from serve_app.results import FILE_SUFFIXES, JSON, ZIP, Results, body, quoted

#: The keys of an ExportDocumentResponse, in docling's order.
_CONTENT_KEYS: dict[str, Format | None] = {
    "md_content": "md",
    "json_content": "json",
    "html_content": "html",
    "text_content": "text",
    "doctags_content": "doctags",
    "doclang_content": None,
}
_NO_PAGE = PageSpan(0, 0)


@dataclass(frozen=True, slots=True)
class Answers:
    results: Results

    async def result(self, view: JobView) -> Response:
        """The answer of `/v1/result`: a document, a zip file, or why the job failed."""
        reply = Reply.to(view)
        if _has_failed(view) or (reply.target == "inbody" and len(view.files) == 1):
            return await body(self.json(view), JSON)
        headers = {"Content-Disposition": 'attachment; filename="converted_docs.zip"'}
        return await body(zipped(self._entries(view, reply)), ZIP, headers)

    async def json(self, view: JobView) -> AsyncIterator[bytes]:
        """The answer about a job whose only file is sent as JSON, or that has failed."""
        reply = Reply.to(view)
        if view.status is JobStatusEnum.COMPLETED and reply.target == "inbody" and len(view.files) == 1:
            async for piece in self.document(view, reply):
                yield piece
        else:
            failure = failure_of(view, await self.reason(view))
            yield TaskFailureResult(failure=failure).model_dump_json().encode()

    async def reason(self, view: JobView) -> str | None:
        """Why no file of a completed job could be converted; None for any other job."""
        if view.status is not JobStatusEnum.COMPLETED or not _has_failed(view):
            return None
        entry = await self._entry(view, 0)
        return f"{view.files[0].filename}: {entry['error']}"

    async def document(self, view: JobView, reply: Reply) -> AsyncIterator[bytes]:
        """The ConvertDocumentResponse of a job with one file."""
        [file] = view.files
        yield b'{"document":' + orjson.dumps({"filename": file.filename})[:-1]
        for key, form in _CONTENT_KEYS.items():
            yield b',"' + key.encode() + b'":'
            if file.success and form in reply.formats:
                pieces = self._export(view, 0, form)
                async for piece in pieces if form == "json" else quoted(pieces):
                    yield piece
            else:
                yield b"null"
        entry = await self._entry(view, 0) if view.progress.pages_failed or not file.success else {}
        yield b"}," + _outcome(view, file, entry).model_dump_json().encode()[1:]

    async def _entries(self, view: JobView, reply: Reply) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
        for index, stem in enumerate(stems([file.filename for file in view.files])):
            for form in reply.formats if view.files[index].success else ():
                yield f"{stem}.{FILE_SUFFIXES[EXPORTS[form]]}", self._export(view, index, form)

    def _export(self, view: JobView, index: int, form: Format) -> AsyncIterator[bytes]:
        return self.results.pieces(view, index, EXPORTS[form])

    async def _entry(self, view: JobView, index: int) -> dict[str, Any]:
        """The ParseResponse of a file without its nodes."""
        stored = self.results.pieces(view, index, ExportFormat.NODES)
        selected = [piece async for piece in PageSelection(_NO_PAGE).of(stored)]
        entry: dict[str, Any] = orjson.loads(b"".join(selected))
        return entry


def _outcome(view: JobView, file: FileOutcome, entry: dict[str, Any]) -> Outcome:
    errors = [_error_of_page(page) for page in entry.get("pages_failed", ())]
    if not file.success:
        errors = [ErrorItem(error_message=entry["error"], category=category_of(entry["error_code"]))]
    return Outcome(
        status="failure" if not file.success else "partial_success" if errors else "success",
        errors=errors,
        processing_time=view.totals()["total_processing_time_ms"] / 1000,
    )


def _error_of_page(page: dict[str, Any]) -> ErrorItem:
    number = page["page_number"]
    message = f"Page {number} is missing: {page['reason']}"
    return ErrorItem(error_message=message, category=category_of(ErrorCode.PAGES_LOST), page_no=number)


def _has_failed(view: JobView) -> bool:
    return not any(file.success for file in view.files)
