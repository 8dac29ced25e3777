"""The confidence scores of a job's files, which are stored in their entries of the results."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
from starlette.responses import Response

from actors.messages import JobView, PageSpan
from client.models import ExportFormat, FileConfidence
from serve_app.results import JSON, Results, body, check_completed, disposition, document_of, etag, of_all_files

_NO_PAGE = PageSpan(0, 0)


@dataclass(frozen=True, slots=True)
class ConfidenceResults:
    results: Results

    async def answer(self, view: JobView, index: int | None) -> Response:
        """The FileConfidence of one file, or of all files. Raises Refused when there is none."""
        check_completed(view)
        if index is None and len(view.files) > 1:
            return await of_all_files(view, lambda number: self._scores(view, number))
        index = index or 0
        headers = etag(view) | disposition(view.files[index].filename, "confidence.json")
        return await body(self._scores(view, index), JSON, headers)

    async def _scores(self, view: JobView, index: int) -> AsyncIterator[bytes]:
        document_of(view, index)  # refuses a file that failed
        entry = b"".join([piece async for piece in self.results.pieces(view, index, ExportFormat.NODES, _NO_PAGE)])
        stored = orjson.loads(entry).get("confidence")  # an older release stored none
        yield orjson.dumps(stored or FileConfidence().model_dump())
