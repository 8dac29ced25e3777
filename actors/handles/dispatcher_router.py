"""Routes a call to the dispatcher that it is meant for."""

from __future__ import annotations

import random
from zlib import crc32

from ray.serve.request_router import PendingRequest, RequestRouter, RunningReplica


class DispatcherRouter(RequestRouter):
    """Sends a call with a hint to the dispatcher of that id, or else to the one that the hint always falls to.

    The hint travels as Serve's `session_id`. So the partial results of a job are asked of the dispatcher that holds it,
    and equal derivations meet in one place, where they are made once. A call without a hint goes to any dispatcher.
    """

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        if not candidate_replicas:
            return []
        if hint := pending_request.metadata.session_id if pending_request else "":
            return [[max(candidate_replicas, key=lambda replica: _rank(hint, replica.replica_id.unique_id))]]
        return [random.sample(candidate_replicas, min(2, len(candidate_replicas)))]


def _rank(hint: str, replica: str) -> tuple[bool, int]:
    return replica == hint, crc32(f"{hint} {replica}".encode())
