"""The ingress' calls to a dispatcher. A fake stands in for the deployment: no Ray runs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from actors.handles.dispatchers import DispatcherHandle
from tests.unit.handles.responses import Unanswered


async def test_a_dispatcher_stops_assembling_for_who_stopped_waiting() -> None:
    response = Unanswered()
    handle: Any = SimpleNamespace(partial_files=SimpleNamespace(remote=lambda job_id: response))
    handle.options = lambda **_: handle
    waiting = asyncio.create_task(DispatcherHandle(handle).partial_files("job"))
    await response.asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert response.cancelled
