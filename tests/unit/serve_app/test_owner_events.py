"""All jobs of a caller followed as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.errors import FleetUnavailable, StoreUnavailable
from actors.job_ids import MAX_SHARDS
from actors.registry.change_feed import ChangeFeed
from client.keys import digest, new_key
from tests.unit.serve_app.service import MakeService, Service

Event = tuple[str, dict[str, Any], str]


class Stream:
    """An open stream of a caller's events."""

    def __init__(self) -> None:
        self.status = 0
        self._received: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        for block in message.get("body", b"").split(b"\n\n"):
            if block and not block.startswith(b":"):
                self._received.put_nowait(block)

    async def next(self) -> Event:
        async with asyncio.timeout(30):
            block = await self._received.get()
        fields = dict(line.split(": ", 1) for line in block.decode().splitlines())
        return fields["event"], json.loads(fields["data"]), fields.get("id", "")

    async def told(self, name: str, job_id: str, **expected: str) -> Event:
        """The next event about the job that says what is expected; earlier ones are passed over."""
        while True:
            event = await self.next()
            if event[0] == name and event[1]["job_id"] == job_id and expected.items() <= event[1].items():
                return event


@asynccontextmanager
async def following(service: Service, last: str = "", key: str = "") -> AsyncIterator[Stream]:
    """The stream, until the test leaves it."""
    stream, left = Stream(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    headers = {b"last-event-id": last, b"x-api-key": key}
    sent = [(name, value.encode()) for name, value in headers.items() if value]
    scope = {"type": "http", "method": "GET", "path": "/events", "query_string": b"", "headers": sent}
    running = asyncio.create_task(service.api(scope, receive, stream.send))
    try:
        yield stream
    finally:
        left.set()
        await running


async def test_a_cursor_of_as_many_registries_as_a_service_may_have_is_taken(service: Service) -> None:
    cursor = ".".join(ChangeFeed().cursor for _ in range(MAX_SHARDS))
    async with following(service, last=cursor) as stream:
        assert (await stream.next())[0] == "sync"
        assert stream.status == 200


async def test_a_new_stream_begins_with_sync_and_then_tells_every_change(service: Service) -> None:
    async with following(service) as stream:
        name, data, cursor = await stream.next()
        assert (name, data, bool(cursor)) == ("sync", {}, True)
        job_id = await service.submit(("ü.md", b"# A"))
        _, body, _ = await stream.told("job", job_id, status="pending")
        assert body["filenames"] == ["ü.md"]
        await service.worker.work()
        _, body, _ = await stream.told("job", job_id, status="completed")
        assert body == (await service.http.get(f"/jobs/{job_id}")).json()
        await service.http.delete(f"/jobs/{job_id}")
        assert (await stream.told("removed", job_id))[1] == {"job_id": job_id}


async def test_a_client_that_comes_back_is_told_what_it_missed_and_no_sync(service: Service) -> None:
    async with following(service) as stream:
        _, _, cursor = await stream.next()
    jobs = [await service.submit((f"{number}.md", b"# A")) for number in range(2)]
    async with following(service, last=cursor) as stream:
        events = [await stream.next() for _ in jobs]
    assert [(name, body["job_id"]) for name, body, _ in events] == [("job", job_id) for job_id in jobs]
    assert [bool(cursor) for _, _, cursor in events] == [False, True]  # the last one stands for all of them


@pytest.mark.parametrize("last", ["0", "nonsense", "99999999999999999999999-1"])
async def test_a_last_event_that_never_was_begins_with_sync(service: Service, last: str) -> None:
    async with following(service, last=last) as stream:
        assert (await stream.next())[0] == "sync"


async def test_a_caller_hears_nothing_of_the_jobs_of_others(make_service: MakeService) -> None:
    mine, theirs = new_key(), new_key()
    service = await make_service(api_keys=f"me:{digest(mine)},them:{digest(theirs)}")
    async with following(service, key=mine) as stream:
        await stream.next()
        service.http.headers["X-API-Key"] = theirs
        await service.submit(("secret.md", b"# S"))
        service.http.headers["X-API-Key"] = mine
        own = await service.submit(("a.md", b"# A"))
        assert (await stream.next())[1]["job_id"] == own


async def test_a_stream_needs_a_key(make_service: MakeService) -> None:
    service = await make_service(api_keys=f"me:{digest(new_key())}")
    assert (await service.http.get("/events")).status_code == 401


@pytest.mark.parametrize("error", [FleetUnavailable, StoreUnavailable])
async def test_a_stream_outlives_a_registry_that_is_away(
    service: Service, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    monkeypatch.setattr("serve_app.events.RECONNECT_S", 0.0)
    changes, failures = service.registry.changes, [error("away")]

    async def changes_when_back(*how: Any) -> Any:
        if failures:
            raise failures.pop()
        return await changes(*how)

    monkeypatch.setattr(service.registry, "changes", changes_when_back)
    async with following(service) as stream:
        assert (await stream.next())[0] == "sync"
    assert not failures


async def test_a_stream_ends_when_its_key_is_revoked(
    make_service: MakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve_app.api_keys.KEYS_POLL_INTERVAL_S", 0.0)
    key, file = new_key(), tmp_path / "keys"
    file.write_text(f"alice:{digest(key)}\nbob:{digest(new_key())}\n")
    service = await make_service(api_keys_file=str(file))
    service.http.headers["X-API-Key"] = key
    changes = service.registry.changes

    async def changes_and_revoke(*how: Any) -> Any:
        file.write_text(f"bob:{digest(new_key())}\n")
        return await changes(*how)

    monkeypatch.setattr(service.registry, "changes", changes_and_revoke)
    assert (await service.http.get("/events")).text == ""
    assert (await service.http.get("/events")).status_code == 401


async def test_the_status_names_the_first_twenty_files(service: Service) -> None:
    job_id = await service.submit(*[(f"{number}.md", b"# A") for number in range(25)])
    names = (await service.http.get(f"/jobs/{job_id}")).json()["filenames"]
    assert names == [f"{number}.md" for number in range(20)]
