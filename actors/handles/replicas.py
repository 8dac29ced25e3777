"""The number of live parsers, and a process' share of its node's memory.

Serve creates routers itself and does not expose them, so each router registers itself here. Serve also pickles the
router's class by value, with its own copy of its module. This module is not copied, so a process has only one.
"""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakValueDictionary

import ray
from ray.serve.request_router import RequestRouter

#: The memory of a parser that has met each kind of document, in bytes (docs/reliability.md).
PARSER_MEMORY = 2 * 1024**3

_routers: WeakValueDictionary[str, RequestRouter] = WeakValueDictionary()


def is_routed_by(app: str, router: RequestRouter) -> None:
    """Register `router` as the one that knows the parsers of `app`."""
    _routers[app] = router


def running_replicas(app: str) -> int:
    """The number of `app`'s parsers that this process can call.

    Serve pushes every change to its routers, so this costs nothing. `serve.status()` would cost 15 ms here and in the
    controller, which describes everything it runs.
    """
    router = _routers.get(app)
    return len(router.curr_replicas) if router else 0


def memory_share(*, num_cpus: float, num_gpus: float) -> int:
    """This process' share of its node's memory, in bytes, if the node is full of replicas of the same size."""
    here = ray.get_runtime_context().get_node_id()
    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    resources = next(node["Resources"] for node in nodes if node["NodeID"] == here)
    shares = [num_cpus / resources.get("CPU", num_cpus), num_gpus / resources.get("GPU", 1.0)]
    return int(max(shares) * resources["memory"])  # without Ray's object store


def room_for_parsers(num_cpus: float, num_gpus: float) -> int:
    """How many parsers with these shares fit on the cluster."""
    return fitting(ray.cluster_resources(), {"CPU": num_cpus, "GPU": num_gpus, "memory": PARSER_MEMORY})  # type: ignore[no-untyped-call]


def fitting(resources: Mapping[str, float], share: Mapping[str, float]) -> int:
    """How many times `resources` have room for `share`."""
    return min(int(resources.get(name, 0) / amount) for name, amount in share.items() if amount)
