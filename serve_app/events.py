"""A job's changes as they happen: for whoever waits for its end, and as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from actors.errors import AWAY, JobExpired, JobNotFound
from actors.messages import JobView
from serve_app.ports import IngressRegistry

#: How long the registry is asked to wait for one change, in seconds.
LONGEST_WAIT_S = 60
#: How long a registry or journal that is away is waited for between two looks, in seconds.
RECONNECT_S = 0.5
#: Proxies close a connection on which nothing happens, so a comment is sent this often, in seconds.
KEEPALIVE_S = 15.0

_HEADERS = {"Cache-Control": "no-cache"}  # beside X-Accel-Buffering: no, which the library adds


async def changes(jobs: IngressRegistry, view: JobView) -> AsyncIterator[JobView]:
    """Each newer state of the job until it has ended. Waits for a registry or journal that is away.

    Raises JobNotFound or JobExpired when the job is removed meanwhile.
    """
    while not view.status.ended:
        try:
            latest = await jobs.wait(view.job_id, view.version, LONGEST_WAIT_S)
        except AWAY:
            await asyncio.sleep(RECONNECT_S)
            continue
        if latest.version != view.version:
            yield latest
        view = latest


async def until_ended(jobs: IngressRegistry, view: JobView, timeout_s: float) -> JobView:
    """The job when it has ended, or as it is after `timeout_s`. Waits for a registry or journal that is away.

    Raises JobNotFound or JobExpired when the job is removed meanwhile.
    """
    now = asyncio.get_running_loop().time
    deadline = now() + timeout_s
    while not view.status.ended and (left := deadline - now()) > 0:
        try:
            view = await jobs.wait_ended(view.job_id, min(left, LONGEST_WAIT_S))
        except AWAY:
            await asyncio.sleep(min(left, RECONNECT_S))
    return view


def event_stream(
    jobs: IngressRegistry, view: JobView, last_seen: str | None, body: Callable[[JobView], BaseModel]
) -> Response:
    """`text/event-stream`: the job as it is, then every change, and nothing after its end.

    `last_seen` is the `id` of the last event that the client has. Of an ended job that it has seen to the end there
    is nothing to tell: 204, which also stops a browser's EventSource from asking again.
    """
    is_known = last_seen == str(view.version)
    if is_known and view.status.ended:
        return Response(status_code=204)
    events = _events(jobs, view, body, first=not is_known)
    return EventSourceResponse(events, headers=_HEADERS, ping=KEEPALIVE_S, sep="\n", ping_message_factory=_keepalive)


async def _events(
    jobs: IngressRegistry, view: JobView, body: Callable[[JobView], BaseModel], *, first: bool
) -> AsyncIterator[ServerSentEvent]:
    if first:
        yield _event(view, body)
    try:
        async for latest in changes(jobs, view):
            yield _event(latest, body)
    except (JobNotFound, JobExpired):
        return  # somebody deleted it: a client that asks again is told so


def _event(view: JobView, body: Callable[[JobView], BaseModel]) -> ServerSentEvent:
    name = "end" if view.status.ended else "status"
    return ServerSentEvent(data=body(view).model_dump_json(), event=name, id=str(view.version), sep="\n")


def _keepalive() -> ServerSentEvent:
    return ServerSentEvent(comment="keepalive", sep="\n")
