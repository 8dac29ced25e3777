"""Holds a request until its job has ended, however long that takes."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping

from starlette.responses import Response, StreamingResponse

from actors.messages import JobView
from client.models import JobStatusEnum
from serve_app.docling_v1.answers import Answers
from serve_app.docling_v1.reply import Reply
from serve_app.docling_v1.submit import Taken
from serve_app.events import until_ended
from serve_app.ports import IngressRegistry
from serve_app.problems import problem
from serve_app.results import JSON

#: Seconds until a held answer begins. A proxy may give up a silent request, so from then on it gets white space, which
#: JSON allows before a value.
SILENT_S = 60.0
#: Seconds between two pieces of white space.
KEEPALIVE_S = 15.0


class Held:
    def __init__(self, jobs: IngressRegistry, answers: Answers) -> None:
        self._jobs = jobs
        self._answers = answers

    async def answer(self, taken: Taken, headers: Mapping[str, str], request_id: str) -> Response:
        """The result of a job, when it has ended. An answer in JSON begins after SILENT_S, with the status 200."""
        reply = Reply.to(taken.view)
        is_json = reply.target == "inbody" and (reply.task == "chunk" or taken.files == 1)
        view = await until_ended(self._jobs, taken.view, SILENT_S if is_json else math.inf)
        if not view.status.ended:
            return StreamingResponse(self._padded(view), headers=headers, media_type=JSON)
        if view.status is JobStatusEnum.COMPLETED:
            answer = await self._answers.result(view)
        else:
            assert view.failure is not None  # of every failed job
            answer = problem(view.failure.code, view.failure.message, request_id)
        answer.headers.update(headers)
        return answer

    async def _padded(self, view: JobView) -> AsyncIterator[bytes]:
        """White space until the end of the job, and then its result. A failure is told in the body alone."""
        while not view.status.ended:
            yield b" "
            view = await until_ended(self._jobs, view, KEEPALIVE_S)
        async for piece in self._answers.json(view):
            yield piece
