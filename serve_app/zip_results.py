"""The results of a job, or of one of its files, as one zip file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from starlette.responses import Response

from actors.derivations import PLAIN, ExportStyle
from actors.messages import JobView
from client.models import ExportFormat
from serve_app.archive import entry_name, zipped
from serve_app.pictures import Artifacts
from serve_app.results import ZIP, Results, body, check_completed, disposition, etag

#: The entries of each file. A failed file only has its nodes entry, which gives the reason.
IN_ARCHIVE = (ExportFormat.NODES, ExportFormat.JSON, ExportFormat.MARKDOWN)

Entries = AsyncIterator[tuple[str, AsyncIterator[bytes]]]


@dataclass(frozen=True, slots=True)
class ZipResults:
    results: Results
    artifacts: Artifacts

    async def answer(self, view: JobView, index: int | None = None, style: ExportStyle = PLAIN) -> Response:
        """A zip file with the nodes, document and Markdown of each file, and with pictures that they refer to.

        `index` selects one file. Raises Refused when a file cannot be exported in this style.
        """
        check_completed(view)
        files = range(len(view.files)) if index is None else range(index, index + 1)
        if style.images:
            await self._check(view, files, style)
        name = view.job_id if index is None else view.files[index].filename
        return await body(zipped(self._entries(view, files, style)), ZIP, etag(view) | disposition(name, "zip"))

    async def _check(self, view: JobView, files: range, style: ExportStyle) -> None:
        """Make what can be refused before the answer begins: an answer that breaks off gives no reason."""
        for index in _parsed(view, files):
            await _begin(self.results.pieces(view, index, ExportFormat.MARKDOWN, style=_linked(style, index)))
            async for _, pieces in self._pictures(view, index, style):
                await _begin(pieces)
                break

    async def _entries(self, view: JobView, files: range, style: ExportStyle) -> Entries:
        for index in files:
            file = view.files[index]
            for form in IN_ARCHIVE if file.document else (ExportFormat.NODES,):
                pieces = self.results.pieces(view, index, form, style=_exported(form, _linked(style, index)))
                yield entry_name(index, file.filename, form.suffix), pieces
        for index in _parsed(view, files):
            async for entry in self._pictures(view, index, style):
                yield entry

    async def _pictures(self, view: JobView, index: int, style: ExportStyle) -> Entries:
        if style.images == "referenced":
            for name, place in (await self.artifacts.listed(view, index)).items():
                yield f"{_folder(index)}{name}", self.artifacts.stream(view, index, name, place)


async def _begin(pieces: AsyncIterator[bytes]) -> None:
    """Read the first piece: what cannot be made is refused before it."""
    async for _ in pieces:
        break


def _parsed(view: JobView, files: range) -> list[int]:
    return [index for index in files if view.files[index].document]


def _folder(index: int) -> str:
    return f"artifacts/{index:04}-"


def _linked(style: ExportStyle, index: int) -> ExportStyle:
    """With links to pictures that are relative to the entries of the zip file."""
    return replace(style, links=_folder(index)) if style.images == "referenced" else style


def _exported(form: ExportFormat, style: ExportStyle) -> ExportStyle:
    """The document as JSON has no page breaks."""
    return replace(style, page_break=None) if form is ExportFormat.JSON else style
