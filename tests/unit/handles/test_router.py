"""Which parser gets the next call. The test drives the router in the same order of steps as Serve."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from ray.serve._private.common import DeploymentHandleSource, DeploymentID
from ray.serve.request_router import ReplicaID

from actors.handles.router import LeastLoadedRouter
from actors.messages import FileTask
from client.models import ParseOptions
from tests.waiting import eventually_async as eventually

PARSER = DeploymentID("Parser", "an-app")
TASK = FileTask(job_id="job", index=0, filename="a.pdf", size=1, options=ParseOptions(), metadata={})


@pytest.fixture
def router() -> LeastLoadedRouter:
    made = LeastLoadedRouter(PARSER, DeploymentHandleSource.REPLICA)
    made.initialize_state()
    return made


def replicas(count: int) -> list[Any]:
    return [SimpleNamespace(replica_id=ReplicaID(f"replica-{number}", PARSER)) for number in range(count)]


async def send(router: LeastLoadedRouter, among: list[Any]) -> ReplicaID:
    """Like Serve: one task chooses a replica, and the caller sends when it runs again."""
    chosen: asyncio.Future[ReplicaID] = asyncio.get_running_loop().create_future()

    async def choose() -> None:
        ((replica,),) = await router.choose_replicas(among)
        chosen.set_result(replica.replica_id)

    choosing = asyncio.create_task(choose())
    replica_id = await chosen
    await choosing
    router.on_send_request(replica_id)
    return replica_id


async def test_calls_that_come_at_once_are_dealt_out_evenly(router: LeastLoadedRouter) -> None:
    among = replicas(8)
    sent = await asyncio.gather(*(send(router, among) for _ in range(16)))
    assert sorted(Counter(sent).values()) == [2] * 8


async def test_the_next_call_goes_where_one_has_ended(router: LeastLoadedRouter) -> None:
    among = replicas(4)
    sent = await asyncio.gather(*(send(router, among) for _ in range(8)))
    router.on_request_completed(sent[3], "a-call")
    assert await send(router, among) == sent[3]


async def test_what_a_replica_says_of_its_queue_does_not_undo_the_count(router: LeastLoadedRouter) -> None:
    first, second = among = replicas(2)
    sent = await asyncio.gather(*(send(router, among) for _ in range(2)))
    assert set(sent) == {first.replica_id, second.replica_id}
    router.on_new_queue_len_info(first.replica_id, 0)  # not told yet of the call that is on its way
    router.on_request_completed(second.replica_id, "a-call")
    assert await send(router, among) == second.replica_id


@dataclass
class Replica:
    """Answers probes while it is not frozen."""

    number: int
    frozen: bool = False

    @property
    def replica_id(self) -> ReplicaID:
        return ReplicaID(f"replica-{self.number}", PARSER)

    async def get_queue_len(self, *, deadline_s: float) -> int:
        await eventually(lambda: not self.frozen)
        return 1


async def test_a_replica_that_does_not_answer_gets_no_new_call_until_it_answers(
    router: LeastLoadedRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.handles.liveness.PROBE_INTERVAL_S", 0.01)
    monkeypatch.setattr("actors.handles.liveness.SILENT_AFTER_S", 0.02)
    frozen, lively = among = [Replica(0, frozen=True), Replica(1)]
    monkeypatch.setattr(type(router), "curr_replicas", {each.replica_id: each for each in among})
    router.on_send_request(frozen.replica_id)
    router.on_send_request(lively.replica_id)

    async def has_no_choice() -> bool:
        return await router.choose_replicas([frozen]) == []

    await eventually(has_no_choice)
    assert [await send(router, among) for _ in range(3)] == [lively.replica_id] * 3
    frozen.frozen = False

    async def has_a_choice() -> bool:
        return not await has_no_choice()

    await eventually(has_a_choice)
    assert await send(router, among) == frozen.replica_id


async def test_a_fleet_without_replicas_has_none_to_choose(router: LeastLoadedRouter) -> None:
    assert await router.choose_replicas([]) == []


def routed(task: FileTask) -> Any:
    """A call as Serve tells the router of it when its replica has accepted it."""
    return SimpleNamespace(args=[None, task])


async def test_no_call_follows_a_suspect_to_its_replica(router: LeastLoadedRouter) -> None:
    among = replicas(2)
    alone = await send(router, among)
    router.on_request_routed(routed(replace(TASK, alone=True)), alone, None)
    others = [await send(router, among) for _ in range(3)]
    assert alone not in others
    assert await router.choose_replicas([each for each in among if each.replica_id == alone]) == []
    router.on_request_completed(alone, "the-suspect")
    assert await send(router, among) == alone


async def test_where_parsers_have_spares_a_call_goes_to_a_suspects_replica_rather_than_nowhere() -> None:
    router = LeastLoadedRouter(PARSER, DeploymentHandleSource.REPLICA)
    router.initialize_state(spares=True)
    among = replicas(2)
    first, second = [await send(router, among) for _ in among]
    router.on_request_routed(routed(replace(TASK, alone=True)), first, None)
    assert [await send(router, among) for _ in range(2)] == [second] * 2
    router.on_request_routed(routed(replace(TASK, alone=True)), second, None)
    assert await send(router, among) == first


async def test_a_suspect_that_ends_before_serve_tells_of_it_leaves_nothing_behind(router: LeastLoadedRouter) -> None:
    among = replicas(1)
    replica = await send(router, among)
    router.on_request_completed(replica, "the-suspect")
    router.on_request_routed(routed(replace(TASK, alone=True)), replica, None)
    assert [await send(router, among) for _ in range(2)] == [replica] * 2


async def test_other_calls_share_a_replica(router: LeastLoadedRouter) -> None:
    among = replicas(1)
    replica = await send(router, among)
    router.on_request_routed(routed(TASK), replica, None)
    assert await send(router, among) == replica
