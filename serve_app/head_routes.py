"""GET routes, each with its HEAD route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.responses import Response

Endpoint: TypeAlias = Callable[..., Awaitable[Response]]


def add_get(api: FastAPI, path: str, endpoint: Endpoint, *, dependencies: Any = None, **described: Any) -> None:
    """A GET route and the HEAD route beside it, which has the same answer without its body."""

    @wraps(endpoint)
    async def head(*args: Any, **kwargs: Any) -> Response:
        answer = await endpoint(*args, **kwargs)
        bare = Response(status_code=answer.status_code)
        bare.raw_headers = answer.raw_headers
        return bare

    api.add_api_route(path, endpoint, methods=["GET"], dependencies=dependencies, **described)
    api.add_api_route(path, head, methods=["HEAD"], dependencies=dependencies, include_in_schema=False)
