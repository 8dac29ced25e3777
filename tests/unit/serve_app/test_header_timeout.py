"""Connections on which a request's headers do not arrive in time. A real uvicorn server, and plain sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import TypeAlias

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from serve_app import header_timeout
from serve_app.header_timeout import install_header_timeout

Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


#: More than a loaded machine keeps a process waiting.
AMPLE_S = 1.0


async def slow_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers later than the timeout."""
    await asyncio.sleep(header_timeout.HEADER_TIMEOUT_S + 0.2)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def port(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr("uvicorn.protocols.http.auto.AutoHTTPProtocol", None)
    monkeypatch.setattr(header_timeout, "HEADER_TIMEOUT_S", getattr(request, "param", 0.2))
    monkeypatch.setattr(uvicorn.Server, "capture_signals", nullcontext)  # it would leave pytest with another handler
    install_header_timeout()
    server = uvicorn.Server(uvicorn.Config(slow_app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


@pytest.fixture
async def connection(port: int) -> AsyncIterator[Connection]:
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield reader, writer
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX-A: "])
async def test_a_connection_with_an_unfinished_header_is_closed(connection: Connection, sent: bytes) -> None:
    reader, writer = connection
    writer.write(sent)
    assert await reader.read() == b""


async def test_headers_that_trickle_in_do_not_extend_the_time(connection: Connection) -> None:
    reader, writer = connection
    writer.write(b"GET / HTTP/1.1\r\n")
    closed = asyncio.create_task(reader.read())
    for _ in range(1000):
        if closed.done():
            break
        writer.write(b"X-A: 1\r\n")
        await asyncio.sleep(0.05)
    assert await closed == b""


@pytest.mark.parametrize("port", [AMPLE_S], indirect=True)
async def test_a_request_with_complete_headers_may_take_longer_and_the_next_one_has_its_own_time(
    connection: Connection,
) -> None:
    reader, writer = connection
    writer.write(REQUEST)
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 OK")
    writer.write(b"GET / HTTP/1.1\r\n")
    assert await reader.read() == b""
