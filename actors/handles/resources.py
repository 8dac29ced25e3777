"""What parsers have room for: on the cluster, and in the memory of a node."""

from __future__ import annotations

from collections.abc import Mapping

import ray

#: The memory of a parser that has met each kind of document, in bytes (docs/reliability.md).
PARSER_MEMORY = 2 * 1024**3


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
