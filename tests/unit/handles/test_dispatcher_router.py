"""Which dispatcher gets a call."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ray.serve._private.common import DeploymentHandleSource, DeploymentID, RequestMetadata
from ray.serve.request_router import PendingRequest, ReplicaID

from actors.handles.dispatcher_router import DispatcherRouter

DISPATCHER = DeploymentID("Dispatcher", "an-app")


@pytest.fixture
def router() -> DispatcherRouter:
    return DispatcherRouter(DISPATCHER, DeploymentHandleSource.REPLICA)


def replicas(*names: str) -> list[Any]:
    return [SimpleNamespace(replica_id=ReplicaID(name, DISPATCHER)) for name in names]


def request(hint: str = "") -> PendingRequest:
    return PendingRequest([], {}, RequestMetadata(request_id="r", internal_request_id="i", session_id=hint))


async def chosen(router: DispatcherRouter, among: list[Any], hint: str = "") -> list[str]:
    (choices,) = await router.choose_replicas(among, request(hint))
    return [replica.replica_id.unique_id for replica in choices]


@pytest.mark.parametrize("name", ["a", "b", "c"])
async def test_a_call_for_a_dispatcher_goes_to_that_one(router: DispatcherRouter, name: str) -> None:
    assert await chosen(router, replicas("a", "b", "c"), name) == [name]


async def test_equal_calls_meet_at_one_dispatcher_also_when_another_one_leaves(router: DispatcherRouter) -> None:
    hints = [f"results/job-{number}/0/export.md" for number in range(60)]
    before = {hint: await chosen(router, replicas("a", "b", "c"), hint) for hint in hints}
    assert {name for (name,) in before.values()} == {"a", "b", "c"}
    after = {hint: await chosen(router, replicas("c", "a"), hint) for hint in hints}
    assert all(after[hint] == where for hint, where in before.items() if where != ["b"])


async def test_a_call_without_a_hint_goes_to_any(router: DispatcherRouter) -> None:
    offered = {name for _ in range(100) for name in await chosen(router, replicas("a", "b", "c"))}
    assert offered == {"a", "b", "c"}


async def test_without_dispatchers_there_is_none_to_choose(router: DispatcherRouter) -> None:
    assert await router.choose_replicas([], request("a")) == []
