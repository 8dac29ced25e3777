"""The result of a task in docling-serve's shape, streamed from the blob store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from starlette.responses import Response

from actors.messages import JobView
from client.models import JobStatusEnum
from serve_app.archive import zipped
from serve_app.chunk_results import ChunkResults
from serve_app.docling_v1.chunk_answers import ChunkAnswers
from serve_app.docling_v1.documents import Documents
from serve_app.docling_v1.models import Outcome, TaskFailureResult
from serve_app.docling_v1.outcomes import Outcomes, has_documents
from serve_app.docling_v1.reply import Reply
from serve_app.docling_v1.tasks import failure_of
from serve_app.docling_v1.zip_answers import zip_entries
from serve_app.pictures import Artifacts
from serve_app.results import JSON, ZIP, body

_ZIP_HEADERS: Mapping[str, str] = {"Content-Disposition": 'attachment; filename="converted_docs.zip"'}


@dataclass(frozen=True, slots=True)
class Answers:
    documents: Documents
    chunks: ChunkResults
    artifacts: Artifacts

    async def result(self, view: JobView) -> Response:
        """The answer of `/v1/result`: a document, chunks, a zip file, or why the task failed."""
        if self._is_zip(view):
            entries = zip_entries(view, self.documents, self.chunks, self.artifacts)
            return await body(zipped(entries), ZIP, _ZIP_HEADERS)
        return await body(self.json(view), JSON)

    async def reason(self, view: JobView) -> str | None:
        """Why no file of a completed job could be converted; None for any other job."""
        return await Outcomes(self.documents.results).reason(view)

    async def json(self, view: JobView) -> AsyncIterator[bytes]:
        """The answer, if it is not a zip file."""
        reply = Reply.to(view)
        is_document = reply.task == "convert" and len(view.files) == 1 and reply.target == "inbody"
        if view.status is not JobStatusEnum.COMPLETED or not (has_documents(view.files) or is_document):
            failure = TaskFailureResult(failure=failure_of(view, await self.reason(view)))
            yield failure.model_dump_json().encode()
            return
        answer = self._document(view) if is_document else self._chunks(view, reply)
        async for piece in answer:
            yield piece

    async def _document(self, view: JobView) -> AsyncIterator[bytes]:
        """A ConvertDocumentResponse."""
        yield b'{"document":'
        async for piece in self.documents.export(view, 0):
            yield piece
        end = await Outcomes(self.documents.results).of(view, 0)
        seconds = view.totals()["total_processing_time_ms"] / 1000
        outcome = Outcome(
            status=end.status, errors=list(end.errors), processing_time=seconds, confidence=end.confidence
        )
        yield b"," + outcome.model_dump_json().encode()[1:]

    def _chunks(self, view: JobView, reply: Reply) -> AsyncIterator[bytes]:
        assert reply.chunking is not None  # of every task of /v1/chunk
        return ChunkAnswers(self.documents, self.chunks, reply.chunking).response(view)

    def _is_zip(self, view: JobView) -> bool:
        if view.status is not JobStatusEnum.COMPLETED or not has_documents(view.files):
            return False
        reply = Reply.to(view)
        return reply.target == "zip" or (reply.task == "convert" and len(view.files) > 1)
