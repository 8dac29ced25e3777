"""The routes of docling-serve's API, version 1."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Annotated

from fastapi import Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.websockets import WebSocket

from actors.blobs.keys import delete_blobs_of
from actors.formats import supported_suffixes
from actors.messages import JobView
from client.models import ErrorCode
from serve_app.chunk_results import ChunkResults
from serve_app.docling_v1.answers import Answers
from serve_app.docling_v1.chunking import Chunker
from serve_app.docling_v1.documents import Documents
from serve_app.docling_v1.errors import NOT_READY, TASK_NOT_FOUND, NotThere
from serve_app.docling_v1.json_requests import receive_json, receive_json_to_chunk
from serve_app.docling_v1.lookup import Tasks
from serve_app.docling_v1.models import Capabilities, OkResponse, Versions
from serve_app.docling_v1.multipart_requests import receive_form, receive_form_to_chunk
from serve_app.docling_v1.openapi import SUBSTITUTED
from serve_app.docling_v1.page_images import PageImages
from serve_app.docling_v1.submit import Receive, Submit, Taken
from serve_app.docling_v1.sync import Held
from serve_app.docling_v1.tasks import task_of
from serve_app.docling_v1.websocket import Watch
from serve_app.events import LONGEST_WAIT_S, until_ended
from serve_app.health import Health
from serve_app.pictures import Artifacts, PagePictures
from serve_app.ports import IngressRegistry
from serve_app.results import JSON, Results
from serve_app.settings import Settings
from serve_app.submit import Intake

ChunkerName = Annotated[Chunker, Path(description="How to cut")]
TaskId = Annotated[str, Path(description="The task id from a submit; it is also the id of a job", max_length=100)]
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=255, description="Repeating a request with the same key returns the same task"),
]


class DoclingRoutes:
    """`request.state.owner` is the caller, as in the native API."""

    def __init__(self, jobs: IngressRegistry, results: Results, health: Health, settings: Settings) -> None:
        self._jobs = jobs
        self._blobs = results.blobs
        self._health = health
        self._tasks = Tasks(jobs)
        self._answers = Answers(
            documents=Documents(results, settings.root_path, PageImages(PagePictures(results.derived))),
            chunks=ChunkResults(results.derived, settings.tokenizers),
            artifacts=Artifacts(PagePictures(results.derived)),
        )
        self._submit = Submit(Intake(jobs, results.blobs, settings, health), results.blobs, health, settings)
        self._held = Held(jobs, self._answers)
        self._watch = Watch(self._tasks, self._answers)

    async def v1_convert_file(self, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Convert uploaded files and answer with the result."""
        return await self._convert(request, receive_form, idempotency_key)

    async def v1_convert_source(self, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Convert the sources in the JSON body, and answer with the result."""
        return await self._convert(request, receive_json, idempotency_key)

    async def v1_submit_file(self, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Submit uploaded files as a task."""
        return await self._task(request, receive_form, idempotency_key)

    async def v1_submit_source(self, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Submit the sources in the JSON body as a task."""
        return await self._task(request, receive_json, idempotency_key)

    async def v1_chunk_file(
        self, request: Request, chunker: ChunkerName, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Convert uploaded files, cut them, and answer with the chunks."""
        return await self._convert(request, partial(receive_form_to_chunk, chunker=chunker), idempotency_key)

    async def v1_chunk_source(
        self, request: Request, chunker: ChunkerName, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Convert the sources in the JSON body, cut them, and answer with the chunks."""
        return await self._convert(request, partial(receive_json_to_chunk, chunker=chunker), idempotency_key)

    async def v1_submit_chunk_file(
        self, request: Request, chunker: ChunkerName, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Submit uploaded files as a task that cuts them."""
        return await self._task(request, partial(receive_form_to_chunk, chunker=chunker), idempotency_key)

    async def v1_submit_chunk_source(
        self, request: Request, chunker: ChunkerName, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Submit the sources in the JSON body as a task that cuts them."""
        return await self._task(request, partial(receive_json_to_chunk, chunker=chunker), idempotency_key)

    async def v1_poll(
        self,
        request: Request,
        task_id: TaskId,
        wait: Annotated[float, Query(ge=0, description="Seconds to wait for the end of the task, at most 60")] = 0,
    ) -> Response:
        """The status of a task."""
        try:
            view = await self._tasks.get(task_id, request.state.owner)
        except NotThere as error:
            raise NotThere(TASK_NOT_FOUND, error.code) from error
        view = await until_ended(self._jobs, view, min(wait, LONGEST_WAIT_S))
        return _json(task_of(view, await self._answers.reason(view)))

    async def v1_result(self, request: Request, task_id: TaskId) -> Response:
        """The result of a task that has ended, any number of times."""
        view = await self._tasks.get(task_id, request.state.owner)
        if not view.status.ended:
            raise NotThere(NOT_READY, ErrorCode.RESULT_NOT_READY)
        return await self._answers.result(view)

    async def v1_watch(self, websocket: WebSocket, task_id: str) -> None:
        await self._watch.task(websocket, task_id)

    async def v1_clear_converters(self) -> Response:
        """Does nothing: a parser replaces itself when it needs to."""
        return _json(OkResponse())

    async def v1_clear_results(
        self, request: Request, older_then: Annotated[float, Query(ge=0, description="Seconds")] = 3600
    ) -> Response:
        """Delete the caller's tasks that were submitted here and ended longer ago."""
        before = time.time() - older_then
        cursor: str | None = None
        while True:
            views, cursor = await self._jobs.list_jobs(request.state.owner, None, 500, cursor)
            await asyncio.gather(*(self._delete(view) for view in views if _has_ended_before(view, before)))
            if cursor is None:
                return _json(OkResponse())

    async def v1_ready(self) -> Response:
        """Whether the service can accept and parse a job now."""
        await self._health.check_ready()
        return _json(OkResponse())

    async def v1_version(self) -> Response:
        """The versions of this server and of docling."""
        report = await self._health.report()
        return _json(Versions(docfleet=report.version, docling=report.parser.docling if report.parser else None))

    async def v1_capabilities(self) -> Response:
        """What this server takes and gives."""
        return _json(Capabilities(input_suffixes=list(supported_suffixes())))

    async def _task(self, request: Request, receive: Receive, idempotency_key: str | None) -> Response:
        taken = await self._submit.take(request, receive, idempotency_key)
        return _json(task_of(taken.view), _headers(taken))

    async def _convert(self, request: Request, receive: Receive, idempotency_key: str | None) -> Response:
        taken = await self._submit.take(request, receive, idempotency_key)
        return await self._held.answer(taken, _headers(taken), request.state.request_id)

    async def _delete(self, view: JobView) -> None:
        await delete_blobs_of(self._blobs, view.job_id)
        await self._jobs.delete(view.job_id, view.owner)


def _has_ended_before(view: JobView, moment: float) -> bool:
    """Jobs of the native API are not docling-serve's to delete."""
    return bool(view.reply) and view.completed_at is not None and view.completed_at < moment


def _headers(taken: Taken) -> dict[str, str]:
    return {SUBSTITUTED: taken.substituted} if taken.substituted else {}


def _json(body: BaseModel, headers: dict[str, str] | None = None) -> Response:
    return Response(body.model_dump_json(), 200, headers, JSON)
