"""The ingress' calls to a dispatcher. A fake stands in for the deployment: no Ray runs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from actors.handles.dispatchers import DispatcherHandle
from client.models import ExportFormat
from tests.unit.handles.responses import Unanswered
from tests.unit.parser.files import make_export

WANTED = make_export(ExportFormat.HTML)


@pytest.mark.parametrize(("method", "arguments"), [("partial_files", ("job", "holder")), ("derive", (WANTED,))])
async def test_a_dispatcher_stops_working_for_who_stopped_waiting(method: str, arguments: tuple[object, ...]) -> None:
    response = Unanswered()
    handle: Any = SimpleNamespace(**{method: SimpleNamespace(remote=lambda asked: response)})
    handle.options = lambda **_: handle
    waiting = asyncio.create_task(getattr(DispatcherHandle(handle), method)(*arguments))
    await response.asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert response.cancelled
