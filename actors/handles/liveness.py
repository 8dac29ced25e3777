"""Finds replicas that do not answer. Native code that holds the interpreter lock silences a whole process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from ray.exceptions import RayError
from ray.serve.request_router import ReplicaID, RunningReplica

#: Seconds between two probes of a busy replica. A probe is an actor call, so more would cost too much.
PROBE_INTERVAL_S = 1.0

#: A replica is silent when it has not answered a probe for this long, in seconds.
SILENT_AFTER_S = 1.0


class Liveness:
    """Probes the replicas that `busy` returns, until it returns none."""

    def __init__(self, busy: Callable[[], Iterable[RunningReplica]]) -> None:
        self._busy = busy
        self._asked_at: dict[ReplicaID, float] = {}  # probes without an answer so far
        self._probes: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None

    def is_silent(self, replica_id: ReplicaID) -> bool:
        asked_at = self._asked_at.get(replica_id)
        return asked_at is not None and time.monotonic() - asked_at >= SILENT_AFTER_S

    def watch(self) -> None:
        """Start probing, unless it already runs. Probing ends when no replica is busy."""
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._probe_repeatedly())

    async def _probe_repeatedly(self) -> None:
        while True:
            await asyncio.sleep(PROBE_INTERVAL_S)
            busy = list(self._busy())
            if not busy:
                return
            for replica in busy:
                if replica.replica_id not in self._asked_at:
                    self._asked_at[replica.replica_id] = time.monotonic()
                    probe = asyncio.create_task(self._probe(replica))
                    self._probes.add(probe)
                    probe.add_done_callback(self._probes.discard)

    async def _probe(self, replica: RunningReplica) -> None:
        try:
            with suppress(RayError):  # a dead replica is Serve's to remove
                await replica.get_queue_len(deadline_s=SILENT_AFTER_S)
        finally:
            del self._asked_at[replica.replica_id]
