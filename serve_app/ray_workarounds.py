"""What Ray Serve does around an ASGI application that this one has to allow for."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import ray
from ray.serve._private.constants import RAY_SERVE_HAPROXY_CONFIG_FILE_LOC
from ray.serve._private.direct_ingress_http_util import ASGIDIReceiveProxy
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.proxies import dead_replica

#: Messages of at most 256 KiB each. uvicorn stops reading the connection while they wait, and TCP tells the client.
READ_AHEAD = 8


class ServeWorkarounds:
    """The outermost layer of the application on a replica.

    Serve collects a request's body in a queue without a limit, to notice a client that leaves; a client that sends
    faster than the store writes would fill the replica's memory with its upload, and there is no setting for it. The
    queue may only be bounded when Serve puts into it from this very event loop (ONE_LOOP in `serve_app.app`): only
    then does it wait for room. And Serve adds an X-Request-ID header of its own, with the id that the application
    read from the request: sent twice, clients would see "id, id".
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(receive, ASGIDIReceiveProxy) and receive._user_event_loop is asyncio.get_running_loop():
            receive.queue._maxsize = READ_AHEAD  # type: ignore[attr-defined] # the queue exists already

        async def send_one_request_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [header for header in message["headers"] if header[0].lower() != b"x-request-id"]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_one_request_id)


def install_dead_replica_page() -> None:
    """Have this node's HAProxy answer 503, to be repeated, for a replica that died with a request in its hands.

    Serve has it answer a bare 500 and has no setting for it either. But the answer is a file, written when Serve
    starts and read when HAProxy learns of another replica: so a replica that is starting changes it in time.
    """
    page = Path(RAY_SERVE_HAPROXY_CONFIG_FILE_LOC).parent / ray.get_runtime_context().get_node_id() / "500.http"
    with suppress(OSError):
        if page.exists():
            page.write_bytes(_unavailable())


def _unavailable() -> bytes:
    answer = dead_replica(request_id=None)
    answer.headers["Cache-Control"] = "no-cache"
    status = HTTPStatus(answer.status_code)
    lines = (f"HTTP/1.1 {status} {status.phrase}", *(f"{name}: {value}" for name, value in answer.headers.items()))
    return "\r\n".join((*lines, "", "")).encode() + bytes(answer.body)
