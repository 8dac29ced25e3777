"""The registry's metrics and log: recorded from durable changes, and once a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from actors.registry.ledger import Ledger
from actors.registry.lifecycle import State
from actors.registry.record import JobRecord, Save
from actors.telemetry.logs import bound_context, get_logger
from actors.telemetry.metrics import JOBS, JOURNAL_COMMIT, OLDEST_QUEUED, REQUEUED, TIME_IN_QUEUE, TIME_TO_RESULT
from actors.telemetry.tracing import trace_id

log = get_logger()


def measured(write: Callable[[Sequence[Save]], None]) -> Callable[[Sequence[Save]], None]:
    """Wrap the journal's `write` with metrics. It runs on the journal's thread, so the event loop is not delayed."""

    def write_and_tell(saves: Sequence[Save]) -> None:
        began = time.perf_counter()
        write(saves)
        JOURNAL_COMMIT.record(time.perf_counter() - began)
        for save in saves:
            if save.before:
                _tell(save.before, save.after)

    return write_and_tell


def _tell(before: JobRecord, after: JobRecord) -> None:
    submitted_at = after.spec.submitted_at
    if before.state is State.QUEUED and after.started_at is not None and after.attempts == 1:
        TIME_IN_QUEUE.record(max(0.0, after.started_at - submitted_at))  # the clocks of two machines differ
    if before.state is State.RUNNING and after.state is State.QUEUED:
        REQUEUED.record()
        with bound_context(
            job=after.job_id, request_id=after.spec.request_id, trace_id=trace_id(after.spec.traceparent)
        ):
            log.warning("job_requeued", attempts=after.attempts)
    if after.ended_at is not None:
        TIME_TO_RESULT.record(max(0.0, after.ended_at - submitted_at), state=after.state.value)


def measure_queue(ledger: Ledger, now: float, shard: int = 0) -> None:
    """Record the size and age of the queue."""
    JOBS.record(ledger.queued, state="queued", shard=str(shard))
    JOBS.record(ledger.running, state="running", shard=str(shard))
    oldest = ledger.oldest_queued_at
    OLDEST_QUEUED.record(0.0 if oldest is None else max(0.0, now - oldest))
