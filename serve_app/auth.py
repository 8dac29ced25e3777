"""Access control: checks the API key and the rate limit of every request before its route."""

from __future__ import annotations

import math
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from client.models import ErrorCode
from serve_app.api_keys import ApiKeys
from serve_app.docs_page import ASSETS
from serve_app.problems import problem
from serve_app.rate_limit import RateLimit

#: Probes and public pages. Every other path needs a key.
OPEN_PATHS = frozenset({"/livez", "/readyz", "/health", "/docs", "/openapi.json", *ASSETS, "/ready", "/version"})


_POLICY, _TRY_AGAIN_LATER = 1008, 1013  # a WebSocket's close codes


class Access:
    """ASGI middleware. Stores the owner of the key in the state of the request, or answers 401 or 429.

    `is_open` is about requests besides OPEN_PATHS that need no key. `is_admitted` in the state tells a long answer
    whether the key is still valid.
    """

    def __init__(
        self, app: ASGIApp, keys: ApiKeys, rate: RateLimit | None, is_open: Callable[[Scope], bool] | None = None
    ) -> None:
        self._app = app
        self._is_open = is_open
        self._keys = keys
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._watch(scope, receive, send)
        elif scope["type"] != "http" or scope["path"] in OPEN_PATHS or (self._is_open and self._is_open(scope)):
            await self._app(scope, receive, send)
        else:
            refusal = self._admit(scope)
            await (refusal or self._app)(scope, receive, send)

    async def _watch(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket with a key in a header. A key in the query is not read: URLs end up in logs."""
        scope.setdefault("state", {})
        key = _sent_key(Headers(scope=scope))
        owner = self._keys.owner_of(key)
        if owner is None:
            await WebSocketClose(_POLICY)(scope, receive, send)  # the handshake is answered with 403
            return
        if self._rate and self._rate.wait_for(owner):
            await WebSocketClose(_TRY_AGAIN_LATER)(scope, receive, send)
            return
        scope["state"].update(owner=owner, is_admitted=lambda: self._keys.owner_of(key) == owner)
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope) -> Response | None:
        request_id = scope["state"]["request_id"]
        key = _sent_key(Headers(scope=scope))
        owner = self._keys.owner_of(key)
        if owner is None:
            detail = (
                "The API key is wrong or revoked"
                if key
                else "Send an API key as Authorization: Bearer KEY or X-API-Key: KEY"
            )
            challenge = 'Bearer error="invalid_token"' if key else "Bearer"
            return problem(ErrorCode.UNAUTHORIZED, detail, request_id, headers={"WWW-Authenticate": challenge})
        scope["state"].update(owner=owner, is_admitted=lambda: self._keys.owner_of(key) == owner)
        wait = self._rate.wait_for(owner) if self._rate else 0.0
        if not wait:
            return None
        detail = "This API key has sent too many requests. Try again after the seconds in Retry-After"
        return problem(ErrorCode.TOO_MANY_REQUESTS, detail, request_id, retry_after=math.ceil(wait))


def _sent_key(headers: Headers) -> str | None:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("X-API-Key") or None
