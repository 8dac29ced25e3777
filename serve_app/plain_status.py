"""The shortest ways for the most frequent requests: the status of a job, and its results."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

_STATUS = re.compile(r"/jobs/[^/]{1,100}")
_RESULTS = re.compile(r"/jobs/[^/]{1,100}/results")
#: No query, or a wait of up to 59 seconds.
_WAIT = re.compile(rb"(?:wait=[1-5]?\d(?:\.\d{1,3})?)?")

#: The application of this process, once it is built.
BUILT_HERE: list[ASGIApp] = []


def is_plain_status(scope: Scope) -> bool:
    """Whether a request asks for a job's status as it is now. With `wait` or `Prefer` it may take long."""
    return (
        _is_get(scope, _STATUS) and not scope["query_string"] and all(name != b"prefer" for name, _ in scope["headers"])
    )


def is_plain_results(scope: Scope) -> bool:
    """Whether a request asks for the nodes of a job, at once or with `wait`, and for nothing else."""
    return _is_get(scope, _RESULTS) and _WAIT.fullmatch(scope["query_string"]) is not None


def _is_get(scope: Scope, path: re.Pattern[str]) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and path.fullmatch(scope["path"].removeprefix(scope.get("root_path", ""))) is not None
    )


class _Plain(Route):
    """A route whose errors the application handles: Starlette would prepare for them here once more."""

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
        super().__init__(path, endpoint, include_in_schema=False)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await endpoint(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = answer


class PlainStatus(_Plain):
    """A route for `is_plain_status`. These requests have no parameters to validate, so they need not go through
    FastAPI, which takes longer than the answer."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if is_plain_status(scope) else (Match.NONE, {})


class PlainResults(_Plain):
    """A route for `is_plain_results`. FastAPI would look for a dozen parameters of exports and chunks."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if is_plain_results(scope) else (Match.NONE, {})


class AnsweredHere:
    """Gives the requests of `is_plain_status` directly to the application, if one was built in this process.

    Serve would start two tasks for each, to watch the client and the time. HAProxy calls a replica, and there the
    application is in the same process. In Serve's Python proxy it is not, and Serve passes the request on.
    """

    def __init__(self, app: ASGIApp, built: Sequence[ASGIApp] = BUILT_HERE) -> None:
        self._app = app
        self._built = built

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._built[-1] if self._built and is_plain_status(scope) else self._app
        await app(scope, receive, send)
