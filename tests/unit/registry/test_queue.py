"""The order of the queue."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actors.messages import JobSpec
from actors.registry.lifecycle import State
from actors.registry.queue import FairQueue
from actors.registry.record import JobRecord

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
