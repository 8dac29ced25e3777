"""Which parser gets the next call: the one with the least to do."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

from ray.serve.request_router import FIFOMixin, PendingRequest, ReplicaID, RequestRouter, RunningReplica

from actors.handles import replicas as fleet


class LeastLoadedRouter(FIFOMixin, RequestRouter):
    """Sends a call to the replica that has the fewest calls of this process; of equals, to any.

    Serve's own router compares two replicas chosen at random. That is right for many short requests from many
    senders; here one dispatcher sends few long calls, and a document waits for the parser that got one more than the
    others (docs/benchmarks.md: 400 pages on 32 parsers). For the same reason the calls are counted here, as they are
    sent and as they end: what replicas tell of their queues is true of the moment they were asked.
    """

    def initialize_state(self, **_: Any) -> None:
        fleet.is_routed_by(self.app_name, self)
        self._calls: Counter[ReplicaID] = Counter()
        self._turn = asyncio.Lock()

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        async with self._turn:
            await asyncio.sleep(0)  # until the call of the last turn is sent, and counts
            shuffled = random.sample(candidate_replicas, len(candidate_replicas))
            # No second choice: Serve would ask it for its queue at every call for as long as that is full.
            return [[min(shuffled, key=lambda replica: self._calls[replica.replica_id])]] if shuffled else []

    def on_send_request(self, replica_id: ReplicaID) -> None:
        super().on_send_request(replica_id)
        self._calls[replica_id] += 1

    def on_request_completed(self, replica_id: ReplicaID, internal_request_id: str) -> None:
        super().on_request_completed(replica_id, internal_request_id)
        self._calls[replica_id] -= 1
        self._calls = +self._calls  # without those that have none, and may be gone
