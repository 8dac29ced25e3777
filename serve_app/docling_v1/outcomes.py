"""How the files of a completed job ended, in docling's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from actors.messages import FileOutcome, JobView, PageSpan
from client.models import ErrorCode, ExportFormat, JobStatusEnum
from serve_app.docling_v1.models import ConversionStatus, ErrorItem
from serve_app.docling_v1.tasks import category_of
from serve_app.page_nodes import PageSelection
from serve_app.results import Results

_NO_PAGE = PageSpan(0, 0)


@dataclass(frozen=True, slots=True)
class FileEnd:
    """How a file ended, why something of it is missing, and how sure the models were."""

    status: ConversionStatus
    errors: tuple[ErrorItem, ...] = ()
    confidence: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcomes:
    results: Results

    async def of(self, view: JobView, index: int) -> FileEnd:
        entry = await self._entry(view, index)
        if not view.files[index].success:
            return FileEnd("failure", (_error(entry["error"], entry["error_code"]),))
        lost = tuple(_error_of_page(page) for page in entry["pages_failed"])
        return FileEnd("partial_success" if lost else "success", lost, entry.get("confidence"))

    async def reason(self, view: JobView) -> str | None:
        """Why no file of a completed job could be converted; None for any other job."""
        if view.status is not JobStatusEnum.COMPLETED or has_documents(view.files):
            return None
        end = await self.of(view, 0)
        return f"{view.files[0].filename}: {end.errors[0].error_message}"

    async def _entry(self, view: JobView, index: int) -> dict[str, Any]:
        """The ParseResponse of a file without its nodes."""
        stored = self.results.pieces(view, index, ExportFormat.NODES)
        selected = [piece async for piece in PageSelection(_NO_PAGE).of(stored)]
        entry: dict[str, Any] = orjson.loads(b"".join(selected))
        return entry


def has_documents(files: tuple[FileOutcome, ...]) -> bool:
    return any(file.success for file in files)


def _error_of_page(page: dict[str, Any]) -> ErrorItem:
    number = page["page_number"]
    return _error(f"Page {number} is missing: {page['reason']}", ErrorCode.PAGES_LOST, number)


def _error(message: str, code: str, page: int | None = None) -> ErrorItem:
    return ErrorItem(error_message=message, category=category_of(code), page_no=page)
