"""A driver's calls while dispatchers die. A script stands in for Serve's handle: no Ray runs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
import stamina
from ray.exceptions import ActorUnavailableError, RayActorError, RayTaskError
from ray.serve._private.common import DeploymentID
from ray.serve.exceptions import DeploymentUnavailableError

from actors.errors import FileError, FleetUnavailable
from actors.handles.driver_calls import MAX_ATTEMPTS, RetryingProxy
from client.models import ErrorCode
from tests.unit.handles.responses import Unanswered


class ScriptedHandle:
    """Answers each call with the next item of its script; raises the item if it is an error."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[Any, ...]] = []
        self.parse = self

    def options(self, **_: object) -> ScriptedHandle:
        return self

    async def remote(self, *args: Any) -> Any:
        self.calls.append(args)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _without_pauses() -> Any:
    with stamina.set_testing(True, attempts=MAX_ATTEMPTS):
        yield


def caller(monkeypatch: pytest.MonkeyPatch, handle: ScriptedHandle) -> RetryingProxy:
    monkeypatch.setattr("actors.handles.driver_calls.serve.get_deployment_handle", lambda *_: handle)
    return RetryingProxy("docfleet")


GONE = [
    RayActorError(),
    ActorUnavailableError("away", None),
    DeploymentUnavailableError(DeploymentID("Dispatcher", "docfleet")),
    FleetUnavailable("the registry is away"),
]


async def test_a_call_that_died_with_its_dispatcher_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = ScriptedHandle(*GONE, "parsed")
    assert await caller(monkeypatch, handle).call("parse", ["document", "task"]) == "parsed"
    assert handle.calls == [("document", "task")] * (len(GONE) + 1)


async def test_dispatchers_that_die_again_and_again_are_a_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = ScriptedHandle(*[RayActorError()] * MAX_ATTEMPTS)
    with pytest.raises(FleetUnavailable):
        await caller(monkeypatch, handle).call("parse", [])
    assert len(handle.calls) == MAX_ATTEMPTS


async def test_a_file_that_cannot_be_parsed_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = RayTaskError("parse", "traceback", FileError(ErrorCode.NO_PAGES, "no pages"))
    handle = ScriptedHandle(refusal)
    with pytest.raises(FileError, match="no pages"):
        await caller(monkeypatch, handle).call("parse", [])
    assert len(handle.calls) == 1


async def test_a_call_that_its_driver_cancels_is_cancelled_at_the_dispatcher(monkeypatch: pytest.MonkeyPatch) -> None:
    response = Unanswered()
    handle: Any = SimpleNamespace(parse=SimpleNamespace(remote=lambda *_: response))
    handle.options = lambda **_: handle
    waiting = asyncio.create_task(caller(monkeypatch, handle).call("parse", []))
    await response.asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert response.cancelled
