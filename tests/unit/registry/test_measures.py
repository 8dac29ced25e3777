"""The registry's metrics: recorded from durable changes only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from actors.errors import StoreUnavailable
from actors.messages import JobOutcome, JobSpec
from actors.registry import journaled_ledger
from actors.registry.ledger import Ledger
from actors.registry.measures import measure_queue, measured
from actors.registry.registry import JobRegistry, RegistryConfig
from actors.telemetry.metrics import JOBS, JOURNAL_COMMIT, OLDEST_QUEUED, REQUEUED, TIME_IN_QUEUE, TIME_TO_RESULT
from tests.recorded import Recorded

MakeSpec = Callable[..., JobSpec]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def registry(tmp_path: Path, clock: Clock) -> AsyncIterator[JobRegistry]:
    config = RegistryConfig(
        database_url=f"sqlite:///{tmp_path}/j.db", max_queued_jobs=9, max_queued_bytes=9, job_ttl_s=9
    )
    registry = JobRegistry(config, clock)
    yield registry
    await registry.close()


async def test_a_job_is_timed_from_its_submit_to_its_claim_and_its_end(
    registry: JobRegistry, clock: Clock, make_spec: MakeSpec, recorded: Recorded
) -> None:
    await registry.submit(make_spec("a"))
    clock.now = 2.5
    (claim,) = await registry.claim("d", 1, 0.0)
    clock.now = 7.0
    await registry.finish("a", claim.lease, JobOutcome())
    assert recorded.of(TIME_IN_QUEUE) == [2.5]
    assert recorded.of(TIME_TO_RESULT, state="completed") == [7.0]
    assert len(recorded.of(JOURNAL_COMMIT)) == 3
    assert all(0 < seconds < 60 for seconds in recorded.of(JOURNAL_COMMIT))


async def test_a_job_that_is_given_back_has_waited_once(
    registry: JobRegistry, clock: Clock, make_spec: MakeSpec, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as fast:
        fast.setattr(journaled_ledger, "TICK_S", 0.02)
        await registry.submit(make_spec("a"))
        (first,) = await registry.claim("d", 1, 0.0)
        clock.now = 100.0
        (second,) = await registry.claim("e", 1, 30.0)
    assert recorded.of(REQUEUED) == [1]
    assert second.lease != first.lease
    await registry.cancel("a", "")
    await registry.release([("a", second.lease)])
    assert recorded.of(TIME_IN_QUEUE) == [0.0]
    assert recorded.of(TIME_TO_RESULT, state="cancelled") == [100.0]


def test_what_could_not_be_written_is_not_told(recorded: Recorded) -> None:
    def fail(saves: object) -> None:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        measured(fail)([])
    assert recorded.of(JOURNAL_COMMIT) == []


def test_a_clock_that_is_ahead_makes_no_time_negative(ledger: Ledger, make_spec: MakeSpec, recorded: Recorded) -> None:
    _, submitted = ledger.submit(replace(make_spec("a"), submitted_at=50.0))
    _, claimed = ledger.claim("d", 1, now=10.0)
    measured(lambda saves: None)([*submitted, *claimed])
    measure_queue(ledger, 10.0)
    assert recorded.of(TIME_IN_QUEUE) == [0.0]


def test_the_queue_is_measured_by_its_length_and_its_oldest_job(
    ledger: Ledger, make_spec: MakeSpec, recorded: Recorded
) -> None:
    measure_queue(ledger, 1.0)
    for name, submitted_at, owner in (("a", 1.0, "x"), ("b", 2.0, "y"), ("c", 3.0, "x")):
        ledger.submit(replace(make_spec(name), submitted_at=submitted_at, owner=owner))
    measure_queue(ledger, 10.0)
    ledger.claim("d", 1, now=10.0)
    measure_queue(ledger, 10.0)
    assert recorded.of(JOBS, state="queued", shard="0") == [0, 3, 2]
    assert recorded.of(JOBS, state="running", shard="0") == [0, 0, 1]
    assert recorded.of(OLDEST_QUEUED) == [0.0, 9.0, 8.0]
