"""How much of a request's body Serve may hold before the ingress has taken it."""

from __future__ import annotations

import asyncio

from ray.serve._private.direct_ingress_http_util import ASGIDIReceiveProxy
from starlette.types import ASGIApp, Receive, Scope, Send

#: Messages of at most 256 KiB each. uvicorn stops reading the connection while they wait, and TCP tells the client.
READ_AHEAD = 8


class BoundedReadAhead:
    """Bounds the queue in which Serve collects a request's body.

    Serve reads ahead without limit, to notice a client that leaves; a client that sends faster than the store writes
    would fill the replica's memory with its upload. Serve has no setting for it. The queue may only be bounded when
    Serve puts into it from this very event loop (ONE_LOOP in `serve_app.app`): only then does it wait for room.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(receive, ASGIDIReceiveProxy) and receive._user_event_loop is asyncio.get_running_loop():
            receive.queue._maxsize = READ_AHEAD  # type: ignore[attr-defined] # the queue exists already
        await self._app(scope, receive, send)
