"""Workarounds for the behaviour of Ray Serve around an ASGI application."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from ray.serve._private.direct_ingress_http_util import ASGIDIReceiveProxy
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.plain_status import BUILT_HERE

#: Messages of at most 256 KiB each. When the queue is full, uvicorn stops reading, and TCP slows the client down.
READ_AHEAD = 8


class ServeWorkarounds:
    """The outermost layer of the application on a replica.

    Serve reads the body of a request into a queue without a limit, so that it notices when a client disconnects. A
    client that sends faster than the store writes would fill the memory of the replica. Serve has no setting for this.
    The queue can only be bounded when Serve fills it from this event loop (ONE_LOOP in `serve_app.app`), because only
    then does it wait for room.

    Serve also adds its own X-Request-ID header to every response, so clients would see the id twice.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(receive, ASGIDIReceiveProxy) and receive._user_event_loop is asyncio.get_running_loop():
            receive.queue._maxsize = READ_AHEAD  # type: ignore[attr-defined] # the queue already exists

        async def send_one_request_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [header for header in message["headers"] if header[0].lower() != b"x-request-id"]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_one_request_id)


def answer_here(api: FastAPI) -> None:
    """Let `AnsweredHere` give requests to `api` with the middleware that it has now, before `ServeWorkarounds`."""
    BUILT_HERE.append(api.build_middleware_stack())
