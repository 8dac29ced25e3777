"""What surrounds every request: its id, in and out and in the logs, and an answer to errors that nobody foresaw."""

from __future__ import annotations

import re
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actors.logs import get_logger
from serve_app.problems import on_unknown

REQUEST_ID = "X-Request-ID"
_ACCEPTABLE = re.compile(r"[\w.:-]{1,128}", re.ASCII)

log = get_logger()


class RequestContext:
    """ASGI middleware. A caller's own `X-Request-ID` is kept when it is a plain word, else a new one is made."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except ClientDisconnect:
                log.info("client_left", path=scope["path"])
            except Exception:
                log.exception("request_failed", path=scope["path"])
                if started:
                    raise  # cuts the connection, so that the client sees that its body is not whole
                await on_unknown(request_id)(scope, receive, send_with_id)


def _request_id(headers: Headers) -> str:
    sent = headers.get(REQUEST_ID, "")
    return sent if _ACCEPTABLE.fullmatch(sent) else uuid4().hex
