"""Middleware for Serve's own proxies. They run in front of the ingress replicas, or answer while no replica is up.

`RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH` names `middlewares`. Every proxy calls it at start, and so
does every ingress replica, to which HAProxy connects.
"""

from __future__ import annotations

import re
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actors.errors import FleetUnavailable
from actors.telemetry.logs import get_logger
from serve_app.context import REQUEST_ID, request_id_of
from serve_app.fallback_proxy import keep_fallback_proxy_local
from serve_app.haproxy import DIED, DIED_RETRY_AFTER_S, RETRY_AFTER_S, STARTING
from serve_app.header_timeout import install_header_timeout
from serve_app.plain_status import AnsweredHere
from serve_app.problems import problem

log = get_logger()

#: What Serve says of a path that no application has.
_NO_SUCH_PATH = re.compile(rb"Path '.*' not found\. Ping .*/-/routes for available routes\.", re.DOTALL)


def dead_replica(request_id: str | None) -> Response:
    """The answer to a request whose replica died before it answered."""
    return problem(FleetUnavailable.code, DIED, request_id, retry_after=DIED_RETRY_AFTER_S)


def middlewares() -> list[Middleware]:
    """The middleware, innermost first. Also changes how the server of this proxy starts: its address and timeouts."""
    install_header_timeout()
    keep_fallback_proxy_local()
    return [Middleware(AnsweredHere), Middleware(NotDeployed503), Middleware(DeadReplica503), Middleware(CleanHeaders)]


class CleanHeaders:
    """Removes request headers that Serve cannot handle, and sets a request id that is a plain word.

    Serve decodes some headers as UTF-8 without handling errors, sends the request id back as it is, and takes the id
    of a model, which this application does not have.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request_id = request_id_of(Headers(scope=scope)).encode()
            kept = [header for header in scope["headers"] if _is_clean(*header)]
            scope = {**scope, "headers": [*kept, (REQUEST_ID.lower().encode(), request_id)]}
        await self._app(scope, receive, send)


def _is_clean(name: bytes, value: bytes) -> bool:
    if name.lower().replace(b"_", b"-") in (b"x-request-id", b"serve-multiplexed-model-id"):
        return False
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


class DeadReplica503:
    """Answers 503 with Retry-After when a replica dies before it answers. Serve's proxy sends nothing in that case, and
    uvicorn answers a bare 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answered = scope["type"] != "http"

        async def sent(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            if answered:
                raise
            log.exception("proxy_failed")
        if not answered:
            await dead_replica(Request(scope).headers.get("x-request-id", ""))(scope, receive, send)


class NotDeployed503:
    """Answers 503 with Retry-After in place of Serve's own 404, as `serve_app.haproxy` does.

    Serve answers 404 in plain text for a path that no application has. While docfleet is being deployed, that is every
    path, and clients would take their job for gone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held: Message | None = None

        async def sent(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.NOT_FOUND:
                held = message
            elif held and _NO_SUCH_PATH.fullmatch(message.get("body", b"")):
                await _starting(Request(scope).headers.get("x-request-id", ""))(scope, receive, send)
            else:
                for each in filter(None, (held, message)):
                    await send(each)
                held = None

        await self._app(scope, receive, sent)


def _starting(request_id: str) -> Response:
    return problem(FleetUnavailable.code, STARTING, request_id, retry_after=RETRY_AFTER_S)
