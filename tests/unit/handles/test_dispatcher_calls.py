"""The ingress' calls to a dispatcher. A fake stands in for the deployment: no Ray runs."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from actors.handles.dispatchers import DispatcherHandle


@dataclass
class Response:
    """A response that never arrives."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False

    def __await__(self) -> Generator[Any, None, None]:
        self.asked.set()
        return asyncio.Event().wait().__await__()

    def cancel(self) -> None:
        self.cancelled = True


async def test_a_dispatcher_stops_assembling_for_who_stopped_waiting() -> None:
    response = Response()
    handle: Any = SimpleNamespace(partial_files=SimpleNamespace(remote=lambda job_id: response))
    handle.options = lambda **_: handle
    waiting = asyncio.create_task(DispatcherHandle(handle).partial_files("job"))
    await response.asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert response.cancelled
