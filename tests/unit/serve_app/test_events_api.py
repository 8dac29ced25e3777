"""A job followed as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from actors.errors import DocfleetError, FleetUnavailable, StoreUnavailable
from actors.messages import Heartbeat, JobView
from client.keys import digest, new_key
from client.models import Progress
from tests.unit.serve_app.service import MakeService, Service


def events(answer: httpx.Response) -> list[dict[str, str]]:
    """The fields of each event, as a browser parses the stream."""
    blocks = [block.split("\n") for block in answer.text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block if line) for block in blocks]


def follow(service: Service, job_id: str, **headers: str) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(service.http.get(f"/jobs/{job_id}/events", headers=headers))


@pytest.fixture
def waited(service: Service, monkeypatch: pytest.MonkeyPatch) -> asyncio.Semaphore:
    """Released each time that somebody begins to wait for a change."""
    begun, wait = asyncio.Semaphore(0), service.registry.wait

    async def noted_wait(job_id: str, version: int, timeout_s: float) -> JobView:
        begun.release()
        return await wait(job_id, version, timeout_s)

    monkeypatch.setattr(service.registry, "wait", noted_wait)
    return begun


async def test_the_snapshot_comes_first_then_changes_and_the_stream_ends_with_the_job(
    service: Service, waited: asyncio.Semaphore
) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    following = follow(service, job_id)
    await waited.acquire()
    [claim] = await service.registry.claim("test", 1, 0.0)
    await waited.acquire()
    progress = Progress(pages_total=9, pages_done=3)
    await service.registry.heartbeat([Heartbeat(job_id=job_id, lease=claim.lease, progress=progress)])
    await waited.acquire()
    await service.registry.release([(job_id, claim.lease)])
    await waited.acquire()
    await service.http.post(f"/jobs/{job_id}/cancel")
    told = events(await following)
    bodies = [orjson.loads(event["data"]) for event in told]
    assert [event["event"] for event in told] == ["status", "status", "status", "status", "end"]
    assert [body["status"] for body in bodies] == ["pending", "processing", "processing", "pending", "failed"]
    assert bodies[2]["progress"]["pages_done"] == 3
    assert bodies[-1] == (await service.http.get(f"/jobs/{job_id}")).json()
    versions = [int(event["id"]) for event in told]
    assert versions == sorted(set(versions))


async def test_nobody_between_may_keep_or_hold_back_events(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/events", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert "Content-Encoding" not in answer.headers


async def test_an_ended_job_is_one_event(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    [event] = events(await service.http.get(f"/jobs/{job_id}/events"))
    assert (event["event"], orjson.loads(event["data"])["status"]) == ("end", "completed")


async def test_a_client_that_comes_back_is_told_only_what_it_has_not_seen(
    service: Service, waited: asyncio.Semaphore
) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    seen = str((await service.registry.get(job_id)).version)
    following = follow(service, job_id, **{"Last-Event-ID": seen})
    await waited.acquire()
    await service.http.post(f"/jobs/{job_id}/cancel")
    told = events(await following)
    assert [event["event"] for event in told] == ["end"]
    again = await service.http.get(f"/jobs/{job_id}/events", headers={"Last-Event-ID": told[0]["id"]})
    assert (again.status_code, again.content) == (204, b"")


@pytest.mark.parametrize("last", ["0", "nonsense", "99999999999999999999999"])
async def test_a_last_event_that_never_was_begins_with_the_snapshot(service: Service, last: str) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/events", headers={"Last-Event-ID": last})
    assert [event["event"] for event in events(answer)] == ["end"]


@pytest.mark.parametrize("error", [FleetUnavailable, StoreUnavailable])
async def test_a_stream_outlives_a_registry_or_journal_that_is_away(
    service: Service, monkeypatch: pytest.MonkeyPatch, error: type[DocfleetError]
) -> None:
    monkeypatch.setattr("serve_app.events.RECONNECT_S", 0.0)
    job_id = await service.submit(("a.md", b"# A"))
    wait, away = service.registry.wait, iter([True, True])

    async def wait_when_back(*how: Any) -> JobView:
        if next(away, False):
            raise error("away")
        await service.worker.work()
        return await wait(*how)

    monkeypatch.setattr(service.registry, "wait", wait_when_back)
    assert [event["event"] for event in events(await follow(service, job_id))] == ["status", "end"]


async def test_a_stream_ends_when_its_job_is_deleted(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    wait = service.registry.wait

    async def wait_too_late(*how: Any) -> JobView:
        await service.registry.cancel(job_id, "")
        await service.registry.delete(job_id, "")
        return await wait(*how)

    monkeypatch.setattr(service.registry, "wait", wait_too_late)
    assert [event["event"] for event in events(await follow(service, job_id))] == ["status"]


async def test_a_stream_ends_when_its_key_is_revoked(
    make_service: MakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve_app.api_keys.KEYS_POLL_INTERVAL_S", 0.0)
    key, file = new_key(), tmp_path / "keys"
    file.write_text(f"alice:{digest(key)}\nbob:{digest(new_key())}\n")
    service = await make_service(api_keys_file=str(file))
    service.http.headers["X-API-Key"] = key
    job_id = await service.submit(("a.md", b"# A"))
    wait = service.registry.wait

    async def wait_and_revoke(*how: Any) -> JobView:
        file.write_text(f"bob:{digest(new_key())}\n")
        await service.worker.work()
        return await wait(*how)

    monkeypatch.setattr(service.registry, "wait", wait_and_revoke)
    assert [event["event"] for event in events(await follow(service, job_id))] == ["status"]  # and not the end
    assert (await service.http.get(f"/jobs/{job_id}")).status_code == 401


async def test_a_silent_job_keeps_its_connection_alive(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve_app.events.KEEPALIVE_S", 0.01)
    job_id = await service.submit(("a.md", b"# A"))
    wait, commented = service.registry.wait, asyncio.Event()
    sent: list[bytes] = []

    async def wait_for_comments(*how: Any) -> JobView:
        await commented.wait()
        await service.worker.work()
        return await wait(*how)

    monkeypatch.setattr(service.registry, "wait", wait_for_comments)

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        if sent.count(b": keepalive\n\n") == 2:
            commented.set()

    path = f"/jobs/{job_id}/events"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await service.api(scope, stays_connected(), send)
    assert b"event: end" in b"".join(sent)


async def test_a_client_that_leaves_is_not_waited_for(service: Service, waited: asyncio.Semaphore) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None: ...

    path = f"/jobs/{job_id}/events"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    streaming = asyncio.create_task(service.api(scope, receive, send))
    await waited.acquire()
    left.set()
    await streaming  # although the job goes on


async def test_events_of_an_unknown_job_are_404(service: Service) -> None:
    answer = await service.http.get("/jobs/nope/events")
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
        404, "job_not_found", "Job nope not found",
    )  # fmt: skip


def stays_connected() -> Callable[[], Any]:
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else await asyncio.Future()

    return receive
