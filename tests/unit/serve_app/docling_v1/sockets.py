"""A WebSocket to the API in memory, on the loop of the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

PATIENCE_S = 30


class Socket:
    def __init__(self) -> None:
        self.received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def message(self) -> dict[str, Any]:
        """The next ASGI message of the server."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.received.get()

    async def frame(self) -> dict[str, Any]:
        """The next frame of the server, which must be one of text."""
        message = await self.message()
        assert message["type"] == "websocket.send", message
        return dict(json.loads(message["text"]))

    async def say(self, what: str | bytes) -> None:
        kind = "text" if isinstance(what, str) else "bytes"
        await self.sent.put({"type": "websocket.receive", kind: what})

    async def leave(self) -> None:
        await self.sent.put({"type": "websocket.disconnect", "code": 1001})


@asynccontextmanager
async def connected(api: FastAPI, path: str, query: str = "", **headers: str) -> AsyncIterator[Socket]:
    socket = Socket()
    await socket.sent.put({"type": "websocket.connect"})
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("test", 1),
        "server": ("docfleet", 80),
        "subprotocols": [],
        "state": {},
    }
    running = asyncio.create_task(api(scope, socket.sent.get, socket.received.put))  # type: ignore[arg-type]
    try:
        yield socket
    finally:
        await socket.leave()
        async with asyncio.timeout(PATIENCE_S):
            await running
