"""Reading server-sent events of jobs: where to resume after a broken stream, and when to give up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Generic, Literal, TypedDict, TypeVar

import httpx
from httpx_sse import ServerSentEvent, SSEError

from client._retry import FIRST_BACKOFF_S, Flow, Patience, Sleep
from client._waiting import JsonDict
from client.errors import ConnectionFailed, UnexpectedAnswer

T = TypeVar("T")

SILENCE_S = 60.0  # without a byte for so long, the connection is dead: the server sends a comment every 15 s
LASTING_S = 20.0  # a stream that lasted this long received such a comment, so the server is alive


class JobChange(TypedDict):
    """An event of `GET /events`.

    With the event `job`, `job` is the `JobStatusResponse` of a job that is new or has changed. With `removed` it has
    only the `job_id`. With `sync` it is empty: changes were missed, so list the jobs again. `id` is the `after` with
    which a later call misses nothing that comes after this change.
    """

    event: Literal["job", "removed", "sync"]
    id: str | None
    job: JsonDict


def status_in(event: ServerSentEvent, _: str | None) -> JsonDict:
    """The status in an event of one job."""
    status: JsonDict = json.loads(event.data)
    return status


def change_in(event: ServerSentEvent, resume_at: str | None) -> JobChange:
    """The change in an event of all jobs."""
    name: Literal["job", "removed", "sync"] = event.event  # type: ignore[assignment] # the server has no other names
    return JobChange(event=name, id=resume_at, job=json.loads(event.data))


class Watch(Generic[T]):
    """Reads each event of a stream once, over as many connections as necessary.

    `open_stream` makes the flow that requests the events after a given event id, and `read` takes what is in an event,
    given the id to resume at. Until `ended`, the caller drives `attach()`, passes every event of the response to
    `take`, and reports a stream that fails to `broke_off`.
    """

    def __init__(
        self,
        open_stream: Callable[[str | None], Flow[httpx.Response]],
        patience: Patience,
        read: Callable[[ServerSentEvent, str | None], T],
        after: str | None = None,
    ) -> None:
        self.ended: bool = False
        self._open = open_stream
        self._patience = patience
        self._read = read
        self._last_id = after
        self._attached = False
        self._opened_at = 0.0
        self._fell_silent = False
        self._fruitless_since: float | None = None

    def attach(self) -> Flow[httpx.Response]:
        """Open the next stream, after a pause if there was one before. Raises `ConnectionFailed` when streams keep
        breaking off."""
        if self._attached:
            self._check_patience()
            yield Sleep(FIRST_BACKOFF_S * self._patience.jitter())
        self._attached = True
        response = yield from self._open(self._last_id)
        self._opened_at, self._fell_silent = self._patience.clock(), False
        self.ended = response.status_code == httpx.codes.NO_CONTENT  # there are no more events
        return response

    def take(self, event: ServerSentEvent) -> T:
        """What is in an event."""
        self._last_id = event.id or self._last_id
        self._fruitless_since = None
        self.ended = event.event == "end"
        return self._read(event, self._last_id)

    def broke_off(self, error: httpx.RequestError) -> None:
        """Note that a stream failed. Raises `UnexpectedAnswer` when the response is not an event stream."""
        self._fell_silent = isinstance(error, httpx.ReadTimeout)
        if isinstance(error, SSEError | httpx.DecodingError) and not self.ended:
            raise UnexpectedAnswer(f"the server does not stream events: {error}") from error

    def _check_patience(self) -> None:
        now = self._patience.clock()
        lasted = now - self._opened_at >= LASTING_S and not self._fell_silent
        if lasted or self._fruitless_since is None:
            self._fruitless_since = now
        if now - self._fruitless_since > self._patience.retry_for:
            raise ConnectionFailed("the stream of events keeps breaking off")
