"""The server that ticks once a second. A real one, on the loopback address."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import nullcontext
from email.utils import parsedate_to_datetime

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from serve_app import quiet_server
from serve_app.quiet_server import QuietServer
from tests.waiting import eventually_async

NEVER_S = 3600.0


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> QuietServer:
    monkeypatch.setattr(quiet_server, "TICK_S", getattr(request, "param", NEVER_S))
    monkeypatch.setattr(QuietServer, "capture_signals", nullcontext)  # it would leave pytest with another handler
    return QuietServer(uvicorn.Config(PlainTextResponse("ok"), port=0, lifespan="off", log_config=None))


@pytest.fixture
async def serving(server: QuietServer) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(server.serve())
    await eventually_async(lambda: server.started, what="a server that listens")
    yield task
    server.should_exit = True
    await task


async def date_of_a_response(server: QuietServer) -> float:
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient() as client:
        response = await client.get(f"http://127.0.0.1:{port}/")
    return parsedate_to_datetime(response.headers["date"]).timestamp()


@pytest.mark.parametrize("from_a_thread", [False, True])
async def test_it_ends_when_it_is_told_to_and_not_at_its_next_tick(
    server: QuietServer, serving: asyncio.Task[None], *, from_a_thread: bool
) -> None:
    def tell() -> None:
        server.should_exit = True

    await asyncio.to_thread(tell) if from_a_thread else tell()
    async with asyncio.timeout(30):
        await serving


@pytest.mark.parametrize("server", [0.01], indirect=True)
@pytest.mark.usefixtures("serving")
async def test_the_date_of_a_response_moves_on(server: QuietServer) -> None:
    first = await date_of_a_response(server)
    assert first <= time.time()

    async def moved() -> bool:
        return await date_of_a_response(server) > first

    assert await eventually_async(moved, what="a later date")


async def test_it_does_not_begin_when_it_was_told_to_end_before(server: QuietServer) -> None:
    server.should_exit = True
    async with asyncio.timeout(30):
        await server.serve()
