"""The context of every request: its request id, its trace, and the answer to an unexpected error."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actors.telemetry.logs import bound_context, get_logger
from actors.telemetry.tracing import accepted, span, trace_id
from serve_app.problems import on_unknown

REQUEST_ID = "X-Request-ID"
_DOCLINGS = [
    f"/v1/{what}/{where}{how}"
    for what in ("convert", "chunk/hybrid", "chunk/hierarchical")
    for where in ("file", "source")
    for how in ("", "/async")
]
MAKES_A_JOB = frozenset({"/submit", "/parse", *_DOCLINGS})
_ACCEPTABLE = re.compile(r"[\w.:-]{1,128}", re.ASCII)

log = get_logger()


class RequestContext:
    """ASGI middleware. It keeps an `X-Request-ID` that is a plain word, and replaces any other with a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = request_id_of(headers)
        with _span(scope, accepted(headers.getlist("traceparent"))) as traceparent:
            scope.setdefault("state", {}).update(request_id=request_id, traceparent=traceparent)
            with bound_context(request_id=request_id, trace_id=trace_id(traceparent)):
                await self._answer(scope, receive, send, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                headers.setdefault("Cache-Control", "no-store")  # jobs change; cacheable responses set their own value
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            log.info("client_left", path=scope["path"])
        except Exception:
            log.exception("request_failed", path=scope["path"])
            if started:
                raise  # closes the connection, so that the client notices the truncated body
            await on_unknown(request_id)(scope, receive, send_with_id)


def _span(scope: Scope, parent: str) -> AbstractContextManager[str]:
    """A span for a request that creates a job. Polling requests get none, since they would fill the trace."""
    if scope["path"] not in MAKES_A_JOB:
        return nullcontext(parent)
    return span(f"{scope['method']} {scope['path']}", parent)


def request_id_of(headers: Headers) -> str:
    """The request id that the client sent if it is a plain word, otherwise a new one."""
    sent = headers.get(REQUEST_ID, "")
    return sent if _ACCEPTABLE.fullmatch(sent) else uuid4().hex
