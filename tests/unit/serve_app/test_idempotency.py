"""Concurrent requests with one Idempotency-Key: the first upload holds the key until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from actors.errors import FleetUnavailable
from serve_app import idempotency
from serve_app.api import make_api
from tests.unit.serve_app.service import Service, form, soon

KEY = {"Idempotency-Key": "k"}
GOOD = ("a.md", b"# A")
HEAD = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\n# A'
TAIL = b"\r\n--b--\r\n"


class SlowUpload:
    """A submit whose body stops in the middle until `go_on` or `break_off`."""

    def __init__(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        self._service = service
        self._go_on = asyncio.Event()
        self._broken = False
        self.holds = 0
        hold_key = service.registry.hold_key

        async def hold(*names: str) -> None:
            await hold_key(*names)
            self.holds += 1

        monkeypatch.setattr(service.registry, "hold_key", hold)
        self._answer = asyncio.create_task(self._submit())

    async def has_key(self) -> bool:
        await asyncio.sleep(0.01)
        return self.holds > 0

    async def go_on(self) -> httpx.Response:
        self._go_on.set()
        return await self.answer()

    async def answer(self) -> httpx.Response:
        return await self._answer

    async def break_off(self) -> None:
        self._broken = True
        await self.go_on()

    async def _submit(self) -> httpx.Response:
        headers = {**KEY, "Content-Type": "multipart/form-data; boundary=b"}
        return await self._service.http.post("/submit", content=self._body(), headers=headers)

    async def _body(self) -> AsyncIterator[bytes]:
        yield HEAD
        await self._go_on.wait()
        if not self._broken:
            yield TAIL


@pytest.fixture
async def slow(service: Service, monkeypatch: pytest.MonkeyPatch) -> SlowUpload:
    upload = SlowUpload(service, monkeypatch)
    await soon(upload.has_key)
    return upload


async def again(service: Service, **changes: Any) -> httpx.Response:
    return await service.http.post("/submit", files=form(GOOD), headers=KEY | changes)


async def test_while_the_first_upload_runs_a_second_is_409(service: Service, slow: SlowUpload) -> None:
    answer = await again(service)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
    assert answer.headers["Retry-After"] == "2"
    first = await slow.go_on()
    assert (await again(service)).json()["job_id"] == first.json()["job_id"]
    assert len(service.stored("inputs")) == 1


async def test_so_it_is_at_another_replica(service: Service, slow: SlowUpload) -> None:
    api = make_api(service.registry, service.blobs, service.parsers, service.dispatchers, service.settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://other") as other:
        answer = await other.post("/submit", files=form(GOOD), headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
    assert (await slow.go_on()).status_code == 202


async def test_a_second_upload_that_is_slow_too_is_409_before_it_is_whole(
    service: Service, slow: SlowUpload, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = SlowUpload(service, monkeypatch)
    answer = await second.answer()
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
    assert (await slow.go_on()).status_code == 202
    assert len(service.stored("inputs")) == 1


async def test_an_upload_that_fails_gives_its_key_back(service: Service, slow: SlowUpload) -> None:
    await slow.break_off()
    assert (await again(service)).status_code == 202


async def test_a_long_upload_keeps_its_key(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "RENEW_EVERY_S", 0.01)
    slow = SlowUpload(service, monkeypatch)

    async def renewed() -> bool:
        return await slow.has_key() and slow.holds > 2

    await soon(renewed)
    assert (await again(service)).status_code == 409
    assert (await slow.go_on()).status_code == 202


async def test_a_registry_that_is_away_for_a_moment_does_not_end_an_upload(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def away(*names: str) -> None:
        asked.set()
        raise FleetUnavailable("The job registry does not answer")

    slow = SlowUpload(service, monkeypatch)
    monkeypatch.setattr(service.registry, "hold_key", away)
    await asked.wait()
    assert (await slow.go_on()).status_code == 202


async def test_a_quick_upload_asks_for_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hold(*names: str) -> None:
        raise AssertionError("one call more")

    monkeypatch.setattr(service.registry, "hold_key", hold)
    assert (await again(service)).status_code == 202
