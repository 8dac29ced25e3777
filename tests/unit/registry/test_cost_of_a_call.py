"""No call of the ledger takes longer because there are more owners, or more running jobs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from actors.messages import Heartbeat, JobOutcome, JobSpec
from actors.registry.ledger import Ledger, Limits
from actors.registry.record import Recovered
from client.models import Progress

FEW, MANY = 20, 2_000
LIMITS = Limits(lease_ticks=3, max_deliveries=3, max_queued_jobs=10**6, max_queued_bytes=10**9)

Call = Callable[[Ledger, Callable[..., JobSpec]], object]


def lines_run(call: Callable[[], object]) -> int:
    """How many lines of Python `call` runs: a measure that does not depend on the machine."""
    count = 0

    def on_event(_frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return on_event

    before = sys.gettrace()
    gc.disable()  # it would run the finalizers of what earlier tests left
    sys.settrace(on_event)
    try:
        call()
    finally:
        sys.settrace(before)
        gc.enable()
    return count


def busy_ledger(owners: int, make_spec: Callable[..., JobSpec]) -> Ledger:
    """Each owner has one running job of another dispatcher, and two queued ones."""
    ledger = Ledger(Recovered(epoch=1, last_seq=0, unfinished=[]), LIMITS)
    for turn in range(3):
        for owner in range(owners):
            ledger.submit(make_spec(f"{owner}-{turn}", owner=f"owner {owner}"))
    ledger.claim("another", owners, 0.0)
    ledger.submit(make_spec("mine", owner="me"))
    (claim,), _ = ledger.claim("me", 1, 0.0)
    assert claim.spec.job_id == "mine"
    assert ledger.oldest_queued_at == 0.0  # asked every second, and drops what has become outdated since
    return ledger


def lease_of(ledger: Ledger, job_id: str) -> str:
    job = ledger.get(job_id)
    assert job
    assert job.lease
    return job.lease


CALLS: dict[str, Call] = {
    "submit": lambda ledger, make_spec: ledger.submit(make_spec("new", owner="me")),
    "claim": lambda ledger, _: ledger.claim("third", 1, 0.0),
    "claim again": lambda ledger, _: ledger.claim("me", 1, 0.0),
    "heartbeat": lambda ledger, _: ledger.heartbeat(
        [Heartbeat(job_id="mine", lease=lease_of(ledger, "mine"), progress=Progress(pages_done=1))]
    ),
    "finish": lambda ledger, _: ledger.finish("mine", lease_of(ledger, "mine"), JobOutcome(), 0.0),
    "release": lambda ledger, _: ledger.release([("mine", lease_of(ledger, "mine"))], 0.0),
    "leave": lambda ledger, _: ledger.leave("me", 0.0),
    "cancel": lambda ledger, _: ledger.cancel("5-2", 0.0),
    "tick": lambda ledger, _: ledger.tick(0.0),
    "position": lambda ledger, _: ledger.position("5-2"),
    "counts": lambda ledger, _: (ledger.queued, ledger.running, ledger.oldest_queued_at),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_does_not_look_at_every_owner_or_every_running_job(name: str, make_spec: Callable[..., JobSpec]) -> None:
    few, many = (busy_ledger(owners, make_spec) for owners in (FEW, MANY))
    cost_of_few = lines_run(lambda: CALLS[name](few, make_spec))
    cost_of_many = lines_run(lambda: CALLS[name](many, make_spec))
    assert cost_of_many <= 3 * cost_of_few + 50, "a hundred times the owners: a scan would be a hundred times as long"
