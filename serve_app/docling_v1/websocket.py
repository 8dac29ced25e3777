"""The status of a task over a WebSocket: one frame for its state, and one for each change up to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

from starlette.websockets import WebSocket

from actors.errors import AWAY, JobExpired, JobNotFound
from actors.messages import JobView
from serve_app.docling_v1.answers import Answers
from serve_app.docling_v1.errors import TASK_NOT_FOUND, NotThere
from serve_app.docling_v1.lookup import Tasks
from serve_app.docling_v1.models import WebsocketMessage
from serve_app.docling_v1.tasks import task_of
from serve_app.events import changes

_NORMAL, _TRY_AGAIN_LATER = 1000, 1013  # close codes


class Watch:
    def __init__(self, tasks: Tasks, answers: Answers) -> None:
        self._tasks = tasks
        self._answers = answers

    async def task(self, socket: WebSocket, task_id: str) -> None:
        """Push the changes of a task until it ends or the client leaves. What the client sends is ignored."""
        await socket.accept()
        pushing = asyncio.ensure_future(self._push(socket, task_id))
        leaving = asyncio.ensure_future(_until_left(socket))
        try:
            await asyncio.wait((pushing, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            pushing.cancel()
            leaving.cancel()
            await asyncio.gather(pushing, leaving, return_exceptions=True)

    async def _push(self, socket: WebSocket, task_id: str) -> None:
        code = _NORMAL
        try:
            async for frame in self._frames(socket, task_id):
                await socket.send_text(frame.model_dump_json())
        except (NotThere, JobNotFound, JobExpired):
            await socket.send_text(_error(TASK_NOT_FOUND))
        except AWAY as error:
            await socket.send_text(_error(error.message))
            code = _TRY_AGAIN_LATER
        await socket.close(code)

    async def _frames(self, socket: WebSocket, task_id: str) -> AsyncIterator[WebsocketMessage]:
        view = await self._tasks.get(task_id, socket.state.owner)
        yield await self._frame("connection", view)
        if view.status.ended:
            yield await self._frame("update", view)
        async for later in changes(self._tasks.jobs, view, socket.state.is_admitted):
            yield await self._frame("update", later)

    async def _frame(self, message: Literal["connection", "update"], view: JobView) -> WebsocketMessage:
        return WebsocketMessage(message=message, task=task_of(view, await self._answers.reason(view)))


async def _until_left(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _error(reason: str) -> str:
    return WebsocketMessage(message="error", error=reason).model_dump_json()
