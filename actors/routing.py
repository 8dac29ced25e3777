"""Which parser gets the next call: the one with the least to do."""

from __future__ import annotations

import random
from typing import Any

from ray.serve.request_router import FIFOMixin, PendingRequest, RequestRouter, RunningReplica

from actors import fleet


class LeastLoadedRouter(FIFOMixin, RequestRouter):
    """Sends a call to the replica with the shortest queue; of equals, to any.

    Serve's own router compares two replicas chosen at random. That is right for many short requests from many
    senders; here one dispatcher sends few long calls, and a document waits for the parser that got one more than the
    others (docs/benchmarks.md: 400 pages on 32 parsers).
    """

    def initialize_state(self, **_: Any) -> None:
        fleet.is_routed_by(self.app_name, self)

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        queue_length = self.replica_queue_len_cache.get
        shuffled = random.sample(candidate_replicas, len(candidate_replicas))
        # A replica that has not been heard of counts as idle, and Serve asks it before it is chosen.
        shuffled.sort(key=lambda replica: queue_length(replica.replica_id) or 0)
        # No second choice: Serve would ask it for its queue at every call for as long as that is full.
        return [shuffled[:1]]
