"""A reader's place in a job's server-sent events: where to go on when the stream breaks off, and when to give up."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
from httpx_sse import ServerSentEvent, SSEError

from client._retry import FIRST_BACKOFF_S, Flow, Patience, Sleep
from client._waiting import JsonDict
from client.errors import ConnectionFailed, UnexpectedAnswer

SILENCE_S = 60.0  # the server sends a comment every 15 s while nothing happens
LASTING_S = 20.0  # a stream that lasted as long has brought one: whoever cut it, the server is there


class Watch:
    """Reads one job's events, each once, over as many connections as it takes.

    `open_stream` makes the flow that asks for what follows the event of that id. Until `ended`: drive `attach()`, give
    `take` every event of the response's body, and tell `broke_off` of a body that ended with an error.
    """

    def __init__(self, open_stream: Callable[[str | None], Flow[httpx.Response]], patience: Patience) -> None:
        self.ended = False
        self._open = open_stream
        self._patience = patience
        self._last_id: str | None = None
        self._attached = False
        self._opened_at = 0.0
        self._fell_silent = False
        self._fruitless_since: float | None = None

    def attach(self) -> Flow[httpx.Response]:
        """The next stream. A server that hangs up at once is left alone for a moment, and after a while for good."""
        if self._attached:
            self._check_patience()
            yield Sleep(FIRST_BACKOFF_S * self._patience.jitter())
        self._attached = True
        response = yield from self._open(self._last_id)
        self._opened_at, self._fell_silent = self._patience.clock(), False
        self.ended = response.status_code == httpx.codes.NO_CONTENT  # nothing follows what was seen
        return response

    def take(self, event: ServerSentEvent) -> JsonDict:
        """The status that an event brings."""
        self._last_id = event.id or self._last_id
        self._fruitless_since = None
        self.ended = event.event == "end"
        status: JsonDict = json.loads(event.data)
        return status

    def broke_off(self, error: httpx.RequestError) -> None:
        """Raises `UnexpectedAnswer` when it was no stream of events, nor the end of one."""
        self._fell_silent = isinstance(error, httpx.ReadTimeout)
        if isinstance(error, SSEError | httpx.DecodingError) and not self.ended:
            raise UnexpectedAnswer(f"the server does not stream events: {error}") from error

    def _check_patience(self) -> None:
        now = self._patience.clock()
        lasted = now - self._opened_at >= LASTING_S and not self._fell_silent
        if lasted or self._fruitless_since is None:
            self._fruitless_since = now
        if now - self._fruitless_since > self._patience.retry_for:
            raise ConnectionFailed("the stream of the job's events breaks off again and again")
