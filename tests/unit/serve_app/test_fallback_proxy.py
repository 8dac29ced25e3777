"""Where Serve's fallback proxy listens."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from serve_app import fallback_proxy
from serve_app.fallback_proxy import LocalFallback
from tests.waiting import eventually_async


@pytest.fixture
def given() -> socket.socket:
    """The socket that Serve makes for a proxy: on every interface."""
    return socket.create_server(("0.0.0.0", 0), reuse_port=True)


async def addresses(monkeypatch: pytest.MonkeyPatch, given: socket.socket, *, only_on_the_head: bool) -> list[str]:
    """Where the fallback proxy listens that got the socket `given`."""

    async def answer() -> bool:
        return only_on_the_head

    port = given.getsockname()[1]
    monkeypatch.setattr(fallback_proxy, "all_proxies_are_on_the_head", answer)
    monkeypatch.setattr(fallback_proxy, "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT", port)
    return await listening(LocalFallback(config(port)), given)


def config(port: int) -> uvicorn.Config:
    return uvicorn.Config(PlainTextResponse("ok"), port=port, lifespan="off", log_config=None)


async def listening(server: uvicorn.Server, given: socket.socket) -> list[str]:
    serving = asyncio.create_task(server.serve([given]))
    await eventually_async(lambda: server.started, what="a server that listens")
    found = [each.getsockname()[0] for running in server.servers for each in running.sockets]
    server.should_exit = True
    await serving
    return found


async def test_it_listens_on_the_loopback_address_while_all_proxies_are_on_the_head(
    monkeypatch: pytest.MonkeyPatch, given: socket.socket
) -> None:
    assert await addresses(monkeypatch, given, only_on_the_head=True) == ["127.0.0.1"]


async def test_it_stays_where_it_is_while_other_nodes_have_proxies(
    monkeypatch: pytest.MonkeyPatch, given: socket.socket
) -> None:
    assert await addresses(monkeypatch, given, only_on_the_head=False) == ["0.0.0.0"]


async def test_any_other_server_stays_where_it_is(given: socket.socket) -> None:
    port = given.getsockname()[1]
    assert await listening(LocalFallback(config(port)), given) == ["0.0.0.0"]
