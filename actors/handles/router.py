"""Routes each call to the least loaded parser."""

from __future__ import annotations

import asyncio
from typing import Any

from ray.serve.request_router import FIFOMixin, PendingRequest, ReplicaID, RequestRouter, RunningReplica

from actors.handles import replicas as fleet
from actors.handles.liveness import Liveness
from actors.handles.load import LeastLoaded
from actors.messages import FileTask


class LeastLoadedRouter(FIFOMixin, RequestRouter):
    """Sends a call to the replica with the fewest calls from this process; on a tie, to that whose calls began first.

    Serve's own router compares two replicas chosen at random. That suits many short requests from many senders. Here
    one dispatcher sends few long calls, and a document has to wait for a parser that got one call too many
    (docs/benchmarks.md: 400 pages on 32 parsers). The calls are counted here, as they start and end, because the queue
    lengths that replicas report are outdated when they arrive.

    A replica that does not answer gets no new call, nor does one whose task goes alone: it may die. When there is no
    other, Serve asks again a moment later. With `spares`, replicas pass calls on to spare processes while a task is
    stuck. Then a call goes to a replica with such a task rather than nowhere.
    """

    def initialize_state(self, *, spares: bool = False, **_: Any) -> None:
        fleet.is_routed_by(self.app_name, self)
        self._spares = spares
        self._load = LeastLoaded[ReplicaID]()
        self._candidates: list[RunningReplica] = []
        self._by_id: dict[ReplicaID, RunningReplica] = {}
        self._alone: set[ReplicaID] = set()  # work on a task that goes alone
        self._turn = asyncio.Lock()
        self._liveness = Liveness(self._busy)

    def _busy(self) -> list[RunningReplica]:
        return [replica for replica_id, replica in self.curr_replicas.items() if self._load.calls(replica_id)]

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        async with self._turn:
            await asyncio.sleep(0)  # let the previous call be sent, so that it is counted
            if candidate_replicas is not self._candidates:  # Serve makes another list when the fleet changes
                self._candidates = candidate_replicas
                self._by_id = {replica.replica_id: replica for replica in candidate_replicas}
                self._load.choose_among(self._by_id.keys())
            chosen = self._load.pick(self._may_get_a_call)
            if chosen is None and self._spares:
                chosen = self._load.pick(self._answers)
            # Offer no second choice: while the first is full, Serve would ask the second for its queue at every call.
            return [[self._by_id[chosen]]] if chosen else []

    def _may_get_a_call(self, replica_id: ReplicaID) -> bool:
        return self._answers(replica_id) and replica_id not in self._alone

    def _answers(self, replica_id: ReplicaID) -> bool:
        return not self._liveness.is_silent(replica_id)

    def on_request_routed(self, pending_request: PendingRequest, replica_id: ReplicaID, result: Any) -> None:
        super().on_request_routed(pending_request, replica_id, result)
        alone = any(isinstance(arg, FileTask) and arg.alone for arg in pending_request.args)
        if alone and self._load.calls(replica_id):  # else it has ended meanwhile
            self._alone.add(replica_id)

    def on_send_request(self, replica_id: ReplicaID) -> None:
        super().on_send_request(replica_id)
        self._load.started(replica_id)
        self._liveness.watch()

    def on_request_completed(self, replica_id: ReplicaID, internal_request_id: str) -> None:
        super().on_request_completed(replica_id, internal_request_id)
        self._load.ended(replica_id)
        if not self._load.calls(replica_id):
            self._alone.discard(replica_id)
