"""Following a task: by polling, and over a WebSocket."""

from __future__ import annotations

import asyncio

import pytest

from actors.errors import FleetUnavailable
from actors.messages import Failure, Heartbeat, JobView
from client.models import ErrorCode, Progress
from tests.unit.serve_app.docling_v1.calls import finished, submitted
from tests.unit.serve_app.docling_v1.sockets import Socket, connected
from tests.unit.serve_app.service import Service


async def opened(socket: Socket) -> None:
    assert (await socket.message())["type"] == "websocket.accept"


async def test_a_queued_task_is_pending_and_has_a_place(service: Service) -> None:
    await submitted(service)
    task = await submitted(service)
    assert (task["task_type"], task["task_status"], task["task_position"]) == ("convert", "pending", 2)
    assert (await service.http.get(f"/v1/status/poll/{task['task_id']}")).json() == task


async def test_a_running_task_tells_how_far_it_is(service: Service) -> None:
    task_id = (await submitted(service))["task_id"]
    [claim] = await service.registry.claim("worker", 1, 0.0)
    progress, before = Progress(files_total=3, files_done=1), await service.registry.get(task_id)
    await service.registry.heartbeat([Heartbeat(job_id=task_id, lease=claim.lease, progress=progress)])
    await service.registry.wait(task_id, before.version, 30.0)
    task = (await service.http.get(f"/v1/status/poll/{task_id}")).json()
    assert (task["task_status"], task["task_position"]) == ("started", None)
    assert (task["task_meta"]["num_docs"], task["task_meta"]["num_processed"]) == (3, 1)


async def test_a_poll_that_waits_answers_at_the_end_of_the_task(service: Service) -> None:
    task_id = (await submitted(service))["task_id"]
    polling = asyncio.create_task(service.http.get(f"/v1/status/poll/{task_id}", params={"wait": "30.0"}))
    while not polling.done():
        await service.worker.work()
        await asyncio.sleep(0)
    task = (await polling).json()
    assert task["task_status"] == "success"
    assert task["task_meta"] == {
        "num_docs": 1, "num_processed": 1, "num_succeeded": 1, "num_partially_succeeded": 0, "num_failed": 0,
    }  # fmt: skip


async def test_a_wait_of_minutes_is_taken_and_shortened(service: Service) -> None:
    task_id = await finished(service)
    assert (await service.http.get(f"/v1/status/poll/{task_id}", params={"wait": "600"})).status_code == 200


async def test_a_task_whose_files_all_failed_is_a_failure_with_the_reason(service: Service) -> None:
    task_id = await finished(service, ("a.md", b"bad"))
    task = (await service.http.get(f"/v1/status/poll/{task_id}")).json()
    assert (task["task_status"], task["error_message"]) == ("failure", "a.md: The file cannot be parsed")
    assert task["failure"]["category"] == "backend_failure"


async def test_a_task_with_a_good_file_is_a_success(service: Service) -> None:
    task_id = await finished(service, ("a.md", b"bad"), ("b.md", b"good"))
    task = (await service.http.get(f"/v1/status/poll/{task_id}")).json()
    assert (task["task_status"], task["task_meta"]["num_failed"]) == ("success", 1)


async def test_a_failed_job_is_a_failure_that_says_whether_to_try_again(service: Service) -> None:
    task_id = (await submitted(service))["task_id"]
    await service.worker.work(Failure(code=ErrorCode.DEADLINE_EXCEEDED, message="It took more than 3600 s"))
    task = (await service.http.get(f"/v1/status/poll/{task_id}")).json()
    assert (task["task_status"], task["error_message"]) == ("failure", "It took more than 3600 s")
    assert task["failure"] == {
        "category": "timeout", "message": "It took more than 3600 s", "retryable": True, "phase": "execution",
        "details": {"code": "deadline_exceeded"},
    }  # fmt: skip


async def test_a_socket_gets_the_state_each_change_and_the_end(service: Service) -> None:
    task_id = (await submitted(service))["task_id"]
    async with connected(service.api, f"/v1/status/ws/{task_id}") as socket:
        await opened(socket)
        first = await socket.frame()
        assert (first["message"], first["task"]["task_status"], first["error"]) == ("connection", "pending", None)
        [claim] = await service.registry.claim("worker", 1, 0.0)
        assert (await socket.frame())["task"]["task_status"] == "started"
        await service.registry.release([(task_id, claim.lease)])
        assert (await socket.frame())["task"]["task_status"] == "pending"
        await service.worker.work()
        statuses = [frame["task"]["task_status"] for frame in [await socket.frame(), await socket.frame()]]
        assert statuses == ["started", "success"]
        assert await socket.message() == {"type": "websocket.close", "code": 1000, "reason": ""}


async def test_a_socket_to_an_ended_task_gets_its_end_at_once(service: Service) -> None:
    task_id = await finished(service)
    async with connected(service.api, f"/v1/status/ws/{task_id}") as socket:
        await opened(socket)
        frames = [await socket.frame(), await socket.frame()]
        assert [(frame["message"], frame["task"]["task_status"]) for frame in frames] == [
            ("connection", "success"), ("update", "success"),
        ]  # fmt: skip
        assert (await socket.message())["code"] == 1000


async def test_what_a_client_says_on_a_socket_changes_nothing(service: Service) -> None:
    """docling's SDK says `next` after each frame; docling-serve answers that with another frame."""
    task_id = (await submitted(service))["task_id"]
    async with connected(service.api, f"/v1/status/ws/{task_id}") as socket:
        await opened(socket)
        await socket.frame()
        for said in ("next", b"next", "next"):
            await socket.say(said)
        await service.registry.cancel(task_id, "")
        assert (await socket.frame())["task"]["task_status"] == "failure"
        assert (await socket.message())["code"] == 1000


async def test_a_socket_to_an_unknown_task_gets_the_words_that_the_sdk_knows(service: Service) -> None:
    async with connected(service.api, "/v1/status/ws/none") as socket:
        await opened(socket)
        assert await socket.frame() == {"message": "error", "task": None, "error": "Task not found."}
        assert (await socket.message())["type"] == "websocket.close"


async def test_a_socket_while_the_registry_is_away_gets_an_error_and_no_end(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def get(job_id: str) -> JobView:
        raise FleetUnavailable("The job registry does not answer")

    monkeypatch.setattr(service.registry, "get", get)
    async with connected(service.api, "/v1/status/ws/any") as socket:
        await opened(socket)
        assert (await socket.frame())["error"] == "The job registry does not answer"
        assert (await socket.message())["code"] == 1013


async def test_a_client_that_leaves_ends_its_socket_and_not_its_task(service: Service) -> None:
    task_id = (await submitted(service))["task_id"]
    async with connected(service.api, f"/v1/status/ws/{task_id}") as socket:
        await opened(socket)
        await socket.frame()
    assert (await service.http.get(f"/jobs/{task_id}")).json()["status"] == "pending"
