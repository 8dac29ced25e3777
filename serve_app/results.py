"""Response bodies for the results of a job, streamed from the blob store."""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

import orjson
from starlette.responses import Response, StreamingResponse

from actors.blobs import BlobStore
from actors.blobs.keys import results_of
from actors.derivations import PLAIN, Export, ExportStyle
from actors.errors import BlobMissing, JobExpired
from actors.messages import FileOutcome, JobView, PageSpan
from client.models import ErrorCode, ExportFormat, JobStatusEnum
from serve_app.archive import MAX_NAME_BYTES, safe_name
from serve_app.derived import DerivedBlobs
from serve_app.page_nodes import PageSelection
from serve_app.problems import Refused

JSON = "application/json"
ZIP = "application/zip"

#: Bodies up to this many bytes are sent whole, with Content-Length. An error within them can still change the status.
HELD_BYTES = 256 * 1024

MEDIA_TYPES: Mapping[ExportFormat, str] = {
    ExportFormat.NODES: JSON,
    ExportFormat.JSON: JSON,
    ExportFormat.MARKDOWN: "text/markdown; charset=utf-8",
    ExportFormat.HTML: "text/html; charset=utf-8",
    ExportFormat.TEXT: "text/plain; charset=utf-8",
    ExportFormat.DOCTAGS: "text/plain; charset=utf-8",
    ExportFormat.DOCLANG: "application/xml; charset=utf-8",
    ExportFormat.LATEX: "application/x-tex; charset=utf-8",
    ExportFormat.VTT: "text/vtt; charset=utf-8",
    ExportFormat.YAML: "application/yaml",
}

_PAGES = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")

#: The author of a document controls its HTML, so a browser must not run it with the origin of this server.
_UNTRUSTED = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True, slots=True)
class Results:
    blobs: BlobStore
    derived: DerivedBlobs

    async def batch(self, view: JobView) -> Response:
        """The BatchParseResponse of a completed job."""
        return await body(self._batch(view), JSON)

    async def envelope(self, view: JobView, pages: PageSpan | None = None) -> Response:
        """The JobResultResponse of a job in any state, optionally with the nodes of some pages only."""
        if view.status is not JobStatusEnum.COMPLETED:
            return Response(_head(view) + b"null" + _tail(view), media_type=JSON)
        headers = etag(view) | disposition(view.job_id, "json")
        return await body(_enclosed(_head(view), self._batch(view, pages), _tail(view)), JSON, headers)

    async def exported(
        self,
        view: JobView,
        form: ExportFormat,
        index: int | None,
        pages: PageSpan | None = None,
        style: ExportStyle = PLAIN,
    ) -> Response:
        """The export of one file, or a JSON object with the exports of all files.

        Raises Refused when the export does not exist.
        """
        check_completed(view)
        if index is None and len(view.files) > 1:
            return await of_all_files(view, lambda number: self._content(view, number, form, style))
        index = index or 0
        headers = etag(view) | _policy(style) | disposition(view.files[index].filename, form.suffix)
        return await body(self.pieces(view, index, form, pages, _linked(style, index)), MEDIA_TYPES[form], headers)

    async def _batch(self, view: JobView, pages: PageSpan | None = None) -> AsyncIterator[bytes]:
        selection = PageSelection(pages) if pages else None
        yield b'{"results":['
        for index, file in enumerate(view.files):
            if index:
                yield b","
            pieces = self._stored(view, file.response)
            async for piece in selection.of(pieces) if selection else pieces:
                yield piece
        totals = view.totals() | ({"total_nodes": selection.num_nodes} if selection else {})
        yield b"]," + orjson.dumps(totals)[1:]

    def _content(self, view: JobView, index: int, form: ExportFormat, style: ExportStyle) -> AsyncIterator[bytes]:
        """An export as JSON."""
        pieces = self.pieces(view, index, form, style=_linked(style, index))
        return pieces if MEDIA_TYPES[form] == JSON else quoted(pieces)

    async def pieces(
        self,
        view: JobView,
        index: int,
        form: ExportFormat,
        pages: PageSpan | None = None,
        style: ExportStyle = PLAIN,
    ) -> AsyncIterator[bytes]:
        """The nodes or an export of one file of a completed job. Raises Refused when it does not exist."""
        file = view.files[index]
        if form is ExportFormat.NODES:
            pieces = self._stored(view, file.response)
            pieces = PageSelection(pages).of(pieces) if pages else pieces
        elif form is ExportFormat.JSON and style == PLAIN:
            pieces = self._stored(view, document_of(view, index))
        else:
            pieces = existing(view, self.derived.stream(export_of(view, index, form, style)))
        async for piece in pieces:
            yield piece

    def _stored(self, view: JobView, key: str) -> AsyncIterator[bytes]:
        return existing(view, self.blobs.stream(key))


def document_of(view: JobView, index: int) -> str:
    """The blob of a file's document. Raises Refused when the file failed."""
    document = view.files[index].document
    if document is None:
        raise failed_file(view.files[index])
    return document


def export_of(view: JobView, index: int, form: ExportFormat, style: ExportStyle) -> Export:
    """The export of one file of a completed job. Raises Refused when the file failed."""
    source, folder = document_of(view, index), f"{results_of(view.job_id)}/{index}"
    return Export(job_id=view.job_id, folder=folder, source=source, form=form, content=view.content, style=style)


def _policy(style: ExportStyle) -> dict[str, str]:
    """What a browser may do with an export. Pictures that it refers to are on this server."""
    return {"Content-Security-Policy": f"{_UNTRUSTED} 'self'" if style.images == "referenced" else _UNTRUSTED}


def _linked(style: ExportStyle, index: int) -> ExportStyle:
    """With links to pictures that are relative to the address of the results."""
    return replace(style, links=f"files/{index}/artifacts/") if style.images == "referenced" else style


async def existing(view: JobView, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The bytes of a blob of a completed job. Raises JobExpired when the job's results have been deleted."""
    try:
        async for piece in pieces:
            yield piece
    except BlobMissing as error:
        raise JobExpired(f"The results of job {view.job_id} have been deleted", view.owner) from error


async def of_all_files(view: JobView, content: Callable[[int], AsyncIterator[bytes]]) -> Response:
    """A JSON object about all files of a job: `content` gives that of a file, as JSON. Null for one that failed."""

    async def entries() -> AsyncIterator[bytes]:
        for index, file in enumerate(view.files):
            entry = orjson.dumps({"filename": file.filename, "success": file.success})
            yield (b"," if index else b"[") + entry[:-1] + b',"content":'
            async for piece in content(index) if file.document else _null():
                yield piece
            yield b"}"
        yield b"]"

    headers = etag(view) | disposition(view.job_id, "json")
    return await body(_enclosed(_head(view), entries(), _tail(view)), JSON, headers)


async def _null() -> AsyncIterator[bytes]:
    yield b"null"


def failed_file(file: FileOutcome) -> Refused:
    """The refusal to export a file that failed."""
    reason = f"{file.filename} could not be parsed. format=nodes gives the reason"
    return Refused(ErrorCode.EXPORT_UNAVAILABLE, reason)


def unchanged(view: JobView, if_none_match: str | None) -> bool:
    """Whether the client's copy is current. The results of a completed job never change."""
    if view.status is not JobStatusEnum.COMPLETED or not if_none_match:
        return False
    return if_none_match.strip() == "*" or is_known(etag(view)["ETag"], if_none_match)


def is_known(tag: str, if_none_match: str | None) -> bool:
    """Whether a client has the body with this ETag. A proxy that compresses bodies makes a strong ETag a weak one."""
    known = {name.strip().removeprefix("W/") for name in (if_none_match or "").split(",")}
    return tag.removeprefix("W/") in known


def etag(view: JobView) -> dict[str, str]:
    """A weak ETag, because compression changes the bytes. Every format has its own URL."""
    return {"ETag": f'W/"{view.job_id}.{view.version}"', "Cache-Control": "private, no-cache"}


def page_span(text: str | None) -> PageSpan | None:
    """Parses `3-7` or `3`. Raises Refused."""
    if text is None:
        return None
    found = _PAGES.fullmatch(text)
    span = PageSpan(int(found[1]), int(found[2] or found[1])) if found else PageSpan(0, 0)
    if not 1 <= span.first <= span.last:
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            "pages must be a page number such as 3 or a range such as 3-7; pages count from 1",
        )
    return span


def check_file(view: JobView, index: int, files: int) -> None:
    """Raises Refused when a job with `files` files has no file `index`."""
    if index >= files:
        raise Refused(ErrorCode.NOT_FOUND, f"Job {view.job_id} has no file {index}; files count from 0")


def check_completed(view: JobView) -> None:
    """Raises Refused when a job has no results, or not yet."""
    if view.status is JobStatusEnum.COMPLETED:
        return
    if view.status is JobStatusEnum.FAILED:
        raise Refused(ErrorCode.EXPORT_UNAVAILABLE, f"Job {view.job_id} failed: {_error(view)}")
    raise Refused(
        ErrorCode.RESULT_NOT_READY,
        f"Job {view.job_id} is still {view.status}. Ask again when it has ended",
        retry_after=1,
    )


def _head(view: JobView) -> bytes:
    return orjson.dumps({"job_id": view.job_id, "status": view.status})[:-1] + b',"results":'


def _tail(view: JobView) -> bytes:
    return b"," + orjson.dumps({"error": _error(view)})[1:]


def _error(view: JobView) -> str | None:
    return view.failure.message if view.failure else None


def disposition(filename: str, suffix: str) -> dict[str, str]:
    """A header that suggests a name which every file system takes. A longer one could exceed what proxies accept."""
    safe = safe_name(filename, MAX_NAME_BYTES - len(suffix) - 1)
    return {"Content-Disposition": f"inline; filename*=UTF-8''{quote(safe, safe='')}.{suffix}"}


async def quoted(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A text in UTF-8 as a JSON string."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    yield b'"'
    async for piece in pieces:
        yield orjson.dumps(decoder.decode(piece))[1:-1]
    yield b'"'


async def _enclosed(head: bytes, pieces: AsyncIterator[bytes], tail: bytes) -> AsyncIterator[bytes]:
    yield head
    async for piece in pieces:
        yield piece
    yield tail


async def body(pieces: AsyncIterator[bytes], media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """Send a small body whole, and stream a large one. The start is read first, so a missing blob is an HTTP error."""
    held: list[bytes] = []
    size = 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > HELD_BYTES:
            return StreamingResponse(_enclosed(b"".join(held), pieces, b""), 200, headers, media_type)
    return Response(b"".join(held), 200, headers, media_type)
