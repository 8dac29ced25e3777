"""What is added to Serve's own proxies, which stand in front of the ingress replicas or in for those that are missing.

Named by `RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH`, and called by every proxy when it starts.
"""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actors.errors import FleetUnavailable
from actors.telemetry.logs import get_logger
from serve_app.problems import problem

log = get_logger()


def dead_replica(request_id: str | None) -> Response:
    """The answer in place of a replica that died with a request in its hands."""
    detail = "The process that worked on this request has ended; please try again"
    return problem(FleetUnavailable.code, detail, request_id, retry_after=FleetUnavailable.retry_after)


def middlewares() -> list[Middleware]:
    return [Middleware(DeadReplica503)]


class DeadReplica503:
    """Says 503, to be repeated, where a replica died before it answered. A proxy itself says nothing then, and its
    server makes a bare 500 of that."""

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
