"""The order of the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.messages import JobSpec
from actors.registry.lifecycle import State
from actors.registry.queue import FairQueue
from actors.registry.record import JobRecord
from client.models import ParseOptions

Jobs = Callable[..., list[JobRecord]]


@pytest.fixture
def jobs(make_spec: Callable[..., JobSpec]) -> Jobs:
    def make(*owners: str) -> list[JobRecord]:
        """One queued job per owner, in order of submission."""
        return [
            JobRecord(spec=make_spec(f"j{seq}", owner=owner, size=seq), seq=seq, state=State.QUEUED, version=0)
            for seq, owner in enumerate(owners, start=1)
        ]

    return make


def drain(queue: FairQueue) -> list[int]:
    taken = []
    while job := queue.peek():
        queue.remove(job)
        queue.start(job.spec.owner)
        taken.append(job.seq)
    return taken


def test_one_owner_is_served_in_order_of_submission_whatever_the_order_of_arrival(jobs: Jobs) -> None:
    queue = FairQueue()
    for job in reversed(jobs("a", "a", "a")):
        queue.add(job)
    assert drain(queue) == [1, 2, 3]


def test_an_owner_with_one_job_need_not_wait_for_another_owners_many(jobs: Jobs) -> None:
    queue = FairQueue()
    for job in jobs("a", "a", "a", "b"):
        queue.add(job)
    assert drain(queue) == [1, 4, 2, 3]


def test_an_owner_who_has_jobs_running_waits_for_one_who_has_none(jobs: Jobs) -> None:
    queue = FairQueue()
    queue.start("a")
    for job in jobs("a", "b"):
        queue.add(job)
    assert drain(queue) == [2, 1]


def test_position_counts_the_jobs_ahead(jobs: Jobs) -> None:
    queue = FairQueue()
    all_jobs = jobs("a", "a", "a", "b")
    for job in all_jobs:
        queue.add(job)
    assert [queue.position(job) for job in all_jobs] == [1, 3, 4, 1]


def test_counts_follow_what_is_queued_and_running(jobs: Jobs) -> None:
    queue = FairQueue()
    first, second = jobs("a", "a")
    queue.add(first)
    queue.add(second)
    assert (queue.queued, queue.queued_bytes) == (2, 3)
    queue.remove(first)
    queue.start("a")
    assert (queue.queued, queue.queued_bytes, queue.running) == (1, 2, 1)
    queue.stop("a")
    assert queue.running == 0


def naive_position(queued: list[JobRecord], job: JobRecord) -> int:
    """By the rule as it is written: turns go round the owners, so each sends at most as many jobs ahead."""
    of = Counter(other.spec.owner for other in queued)
    ahead = sum(other.spec.owner == job.spec.owner and other.seq < job.seq for other in queued)
    return 1 + ahead + sum(min(count, ahead) for owner, count in of.items() if owner != job.spec.owner)


@given(st.lists(st.tuples(st.sampled_from(["add", "take", "stop"]), st.sampled_from("abc")), max_size=60))
def test_the_queue_keeps_its_rules_through_any_history(steps: list[tuple[str, str]]) -> None:
    queue, queued, running = FairQueue(), list[JobRecord](), Counter[str]()
    for seq, (step, owner) in enumerate(steps):
        if step == "add":
            spec = JobSpec(job_id=f"j{seq}", files=(), options=ParseOptions(), submitted_at=float(seq), owner=owner)
            queued.append(JobRecord(spec=spec, seq=seq, state=State.QUEUED, version=0))
            queue.add(queued[-1])
        elif step == "take" and queued:
            taken = min(queued, key=lambda job: (running[job.spec.owner], job.seq))
            assert queue.peek() == taken
            queued.remove(taken)
            queue.remove(taken)
            running[taken.spec.owner] += 1
            queue.start(taken.spec.owner)
        elif step == "stop" and running[owner]:
            running[owner] -= 1
            queue.stop(owner)
        assert queue.running == running.total()
        assert queue.oldest_at == min((job.spec.submitted_at for job in queued), default=None)
        assert [queue.position(job) for job in queued] == [naive_position(queued, job) for job in queued]
