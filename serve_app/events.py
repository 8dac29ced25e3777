"""Follow a job: wait for its end, or stream its changes as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from actors.errors import AWAY, JobExpired, JobNotFound
from actors.messages import JobView
from actors.registry_answers import JobChanges
from serve_app.own_jobs import own_job
from serve_app.ports import IngressRegistry

#: Seconds that one call to the registry waits for a change, at most.
LONGEST_WAIT_S = 60
#: Seconds that a stream may continue after its API key was revoked.
ADMISSION_CHECK_S = 10
#: Seconds between two calls while the registry or the journal is unavailable.
RECONNECT_S = 0.5
#: Seconds between two comments on a silent stream. Proxies close idle connections.
KEEPALIVE_S = 15.0

_HEADERS = {"Cache-Control": "no-cache"}  # the library adds X-Accel-Buffering: no


async def changes(jobs: IngressRegistry, view: JobView, is_admitted: Callable[[], bool]) -> AsyncIterator[JobView]:
    """Every newer state of the job, up to its end. Waits while the registry or the journal is unavailable.

    Stops early when `is_admitted` says that the caller's key has been revoked.

    Raises JobNotFound or JobExpired when the job is removed in the meantime.
    """
    while not view.status.ended:
        try:
            latest = await jobs.wait(view.job_id, view.version, ADMISSION_CHECK_S)
        except AWAY:
            await asyncio.sleep(RECONNECT_S)
            latest = view
        if not is_admitted():
            return
        if latest.version != view.version:
            yield latest
        view = latest


async def until_ended(jobs: IngressRegistry, view: JobView, timeout_s: float) -> JobView:
    """The job at its end, or its state after `timeout_s` seconds. Waits while the registry or journal is unavailable.

    Raises JobNotFound or JobExpired when the job is removed in the meantime.
    """
    now = asyncio.get_running_loop().time
    deadline = now() + timeout_s
    while not view.status.ended and (left := deadline - now()) > 0:
        try:
            view = await jobs.wait_ended(view.job_id, min(left, LONGEST_WAIT_S))
        except AWAY:
            await asyncio.sleep(min(left, RECONNECT_S))
    return view


async def own_job_at_end(jobs: IngressRegistry, job_id: str, owner: str, timeout_s: float) -> JobView:
    """`own_job` and `until_ended` in one call of the registry, as a rule."""
    now = asyncio.get_running_loop().time
    deadline = now() + timeout_s
    if timeout_s > 0:
        with suppress(*AWAY):
            return await jobs.wait_ended(job_id, timeout_s, owner)
    return await until_ended(jobs, await own_job(jobs, job_id, owner), deadline - now())


def event_stream(
    jobs: IngressRegistry,
    view: JobView,
    last_seen: str | None,
    body: Callable[[JobView], BaseModel],
    is_admitted: Callable[[], bool],
) -> Response:
    """A `text/event-stream` response: the current state of the job, then every change, up to its end.

    `last_seen` is the `id` of the last event that the client has received. If that was the end of the job, the response
    is 204, which also stops a browser's EventSource from reconnecting. The stream ends early when
    `is_admitted` says that the caller's key has been revoked.
    """
    is_known = last_seen == str(view.version)
    if is_known and view.status.ended:
        return Response(status_code=204)
    events = _events(changes(jobs, view, is_admitted), None if is_known else view, body)
    return _response(events)


def _response(events: AsyncIterator[ServerSentEvent]) -> Response:
    return EventSourceResponse(events, headers=_HEADERS, ping=KEEPALIVE_S, sep="\n", ping_message_factory=_keepalive)


async def _events(
    later: AsyncIterator[JobView], first: JobView | None, body: Callable[[JobView], BaseModel]
) -> AsyncIterator[ServerSentEvent]:
    if first:
        yield _event(first, body)
    try:
        async for view in later:
            yield _event(view, body)
    except (JobNotFound, JobExpired):
        return  # the job was deleted; a client that reconnects gets 404 or 410


def owner_stream(
    jobs: IngressRegistry,
    owner: str,
    cursor: str | None,
    body: Callable[[JobView], BaseModel],
    is_admitted: Callable[[], bool],
) -> Response:
    """A `text/event-stream` response: every change of the owner's jobs after `cursor`, the `id` of an earlier event.

    It never ends by itself, except when `is_admitted` says that the caller's key has been revoked.
    """
    events = _owner_events(jobs, owner, cursor, body, is_admitted)
    return _response(events)


async def _owner_events(
    jobs: IngressRegistry,
    owner: str,
    cursor: str | None,
    body: Callable[[JobView], BaseModel],
    is_admitted: Callable[[], bool],
) -> AsyncIterator[ServerSentEvent]:
    while is_admitted():
        try:
            changes = await jobs.changes(owner, cursor, ADMISSION_CHECK_S)
        except AWAY:
            await asyncio.sleep(RECONNECT_S)
            continue
        if is_admitted():
            for event in _numbered(_told(changes, body), changes.cursor):
                yield event
        cursor = changes.cursor


def _told(changes: JobChanges, body: Callable[[JobView], BaseModel]) -> list[ServerSentEvent]:
    if not changes.complete:
        return [ServerSentEvent(data="{}", event="sync", sep="\n")]
    told = [ServerSentEvent(data=body(view).model_dump_json(), event="job", sep="\n") for view in changes.jobs]
    gone = [{"job_id": job_id} for job_id in changes.removed]
    return told + [ServerSentEvent(data=json.dumps(job), event="removed", sep="\n") for job in gone]


def _numbered(events: list[ServerSentEvent], cursor: str) -> list[ServerSentEvent]:
    """Only the last event has the id. So a client that loses the connection earlier gets all of them again."""
    for last in events[-1:]:
        last.id = cursor
    return events


def _event(view: JobView, body: Callable[[JobView], BaseModel]) -> ServerSentEvent:
    name = "end" if view.status.ended else "status"
    return ServerSentEvent(data=body(view).model_dump_json(), event=name, id=str(view.version), sep="\n")


def _keepalive() -> ServerSentEvent:
    return ServerSentEvent(comment="keepalive", sep="\n")
