"""A process answers from what it knows only while that is what the registry would answer."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.errors import DocfleetError, JobExpired
from actors.handles import known_jobs
from actors.handles.known_jobs import KnownJobs
from actors.messages import JobView
from actors.registry.change_clock import LONGEST, RING, ChangeClockReader
from actors.registry.change_feed import ChangeFeed
from actors.registry_answers import JobReading
from client.models import JobStatusEnum, Progress

JOBS = ("a", "b", "c")

RUNNING = JobView(
    job_id="a",
    owner="me",
    status=JobStatusEnum.PROCESSING,
    version=1,
    submitted_at=0.0,
    started_at=None,
    completed_at=None,
    attempts=1,
    progress=Progress(),
    metadata={},
    failure=None,
    queue_position=None,
    files=(),
)


class Registry:
    """The registry's side of a reading. Its clock outlives it."""

    def __init__(self, folder: Path) -> None:
        self._clock_file = folder / "changes"
        self.clock = ChangeClockReader(self._clock_file)
        self.jobs: dict[str, JobView | DocfleetError] = {name: replace(RUNNING, job_id=name) for name in JOBS}
        self.restart()

    def restart(self) -> None:
        self.feed = ChangeFeed(remembered=3)
        self.feed.show_in(self._clock_file)

    def change(self, name: str, job: JobView | DocfleetError | None = None) -> None:
        before = self.jobs[name]
        self.jobs[name] = job or replace(before, version=before.version + 1)  # type: ignore[type-var, union-attr]
        changed = self.jobs[name]
        self.feed.note("me", name, changed if isinstance(changed, JobView) else None)

    def lose_track(self) -> None:
        """Any job may have changed."""
        self.feed.forget()

    def read(self, names: Sequence[str], seen: int) -> JobReading:
        changed = self.feed.changed_after(seen)
        return JobReading(clock=self.feed.number, changed=changed, jobs=[self.jobs.get(name) for name in names])


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


@pytest.fixture
def known(registry: Registry) -> KnownJobs:
    known = KnownJobs(registry.clock)
    known.learn(registry.read(JOBS, known.seen), known.seen)
    return known


def test_known_jobs_are_answered_as_they_are_after_each_change(registry: Registry, known: KnownJobs) -> None:
    assert known.get("a") == registry.jobs["a"]
    for _ in range(2):
        registry.change("b")
        assert [known.get(name) for name in JOBS] == [registry.jobs[name] for name in JOBS]


def test_when_changes_are_missing_the_registry_is_asked(registry: Registry, known: KnownJobs) -> None:
    registry.lose_track()
    registry.change("b")
    assert [known.get(name) for name in JOBS] == [None, None, None]


def test_a_change_that_is_too_long_to_be_told_is_asked_for(registry: Registry, known: KnownJobs) -> None:
    registry.change("b", replace(RUNNING, job_id="b", metadata={"long": "x" * LONGEST}))
    registry.change("c")
    assert known.get("a") is None


def test_a_reader_that_is_far_behind_asks_the_registry(registry: Registry, known: KnownJobs) -> None:
    for _ in range(RING // 1000):
        registry.change("b", replace(RUNNING, job_id="b", metadata={"long": "x" * 1000}))
    assert known.get("a") is None


def test_after_the_next_reading_only_the_changed_jobs_are_unknown(registry: Registry, known: KnownJobs) -> None:
    registry.change("b", replace(RUNNING, job_id="b", metadata={"long": "x" * LONGEST}))
    assert known.get("a") is None
    known.learn(registry.read(["c"], known.seen), known.seen)
    assert [known.get(name) for name in JOBS] == [registry.jobs["a"], None, registry.jobs["c"]]


def test_all_jobs_are_unknown_once_the_registry_no_longer_knows_what_changed(
    registry: Registry, known: KnownJobs
) -> None:
    registry.restart()
    known.learn(registry.read(["c"], known.seen), known.seen)
    assert [known.get(name) for name in JOBS] == [None, None, registry.jobs["c"]]


QUEUED = replace(RUNNING, status=JobStatusEnum.PENDING, queue_position=2)


def test_a_place_in_the_queue_is_asked_for_after_every_change_of_the_queue(
    registry: Registry, known: KnownJobs
) -> None:
    assert known.get("a") == registry.jobs["a"]
    registry.change("b", replace(QUEUED, job_id="b", queue_position=None))
    registry.change("a", replace(QUEUED, queue_position=None))
    assert known.get("a") is None, "a change does not tell the place"
    assert set(known.without_place()) == {"a", "b"}
    registry.jobs["a"] = QUEUED
    known.learn(registry.read(["a"], known.seen), known.seen)
    assert (known.get("a"), known.without_place()) == (QUEUED, ["b"])
    registry.change("c")
    assert known.get("a") == QUEUED, "a running job has no place that others could get"
    registry.change("b", replace(RUNNING, job_id="b"))
    assert known.get("a") is None
    assert known.peek("a") is not None


def test_jobs_that_are_gone_are_asked_for_each_time(registry: Registry, known: KnownJobs) -> None:
    registry.change("a", JobExpired("a has expired", "me"))
    assert known.learn(registry.read(["a", "none"], known.seen), known.seen) == [registry.jobs["a"], None]
    assert (known.get("a"), known.get("none")) == (None, None)


def test_the_jobs_that_were_read_last_are_kept(
    registry: Registry, known: KnownJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_jobs, "KEPT", 2)
    known.get("a")
    known.learn(registry.read(["c"], known.seen), known.seen)
    assert [known.get(name) is not None for name in JOBS] == [True, False, True]


def test_a_process_without_a_clock_asks_each_time(registry: Registry) -> None:
    known = KnownJobs(known_jobs.NO_CLOCK)
    known.learn(registry.read(JOBS, known.seen), known.seen)
    assert known.get("a") is None


@dataclass
class Reader:
    """One of several processes. It asks in two steps, and the registry changes between them."""

    registry: Registry
    told: dict[str, int]
    known: KnownJobs = field(init=False)
    asked: tuple[str, int, int, JobReading | None] | None = None

    def __post_init__(self) -> None:
        self.known = KnownJobs(self.registry.clock)
        self.known.learn(self.registry.read(JOBS, self.known.seen), self.known.seen)

    def step(self, name: str) -> None:
        if self.asked is None:
            if job := self.known.get(name):
                self.tell(name, job, self.told[name])
            else:
                self.asked = (name, self.told[name], self.known.seen, None)
            return
        name, floor, seen, reading = self.asked
        if reading is None:
            self.asked = (name, floor, seen, self.registry.read([name], seen))
            if job := self.known.get(name):  # another client asks while the answer is under way
                self.tell(name, job, self.told[name])
            return
        self.asked = None
        (job,) = self.known.learn(reading, seen)
        assert isinstance(job, JobView)
        self.tell(name, job, floor)

    def tell(self, name: str, job: JobView, floor: int) -> None:
        assert job.version >= floor, "older than what a client was told before it asked"
        self.told[name] = max(self.told[name], job.version)


CHANGES = st.tuples(st.sampled_from(["change", "change", "lose track", "restart"]), st.sampled_from(JOBS[:2]))
ASKS = st.tuples(st.sampled_from(["first reader", "second reader"]), st.sampled_from(JOBS[:2]))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(CHANGES, st.lists(ASKS, min_size=4, max_size=12)), min_size=2, max_size=5))
def test_no_answer_of_any_process_is_older_than_one_that_was_given_before(
    moments: list[tuple[tuple[str, str], list[tuple[str, str]]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        registry, told = Registry(Path(folder)), dict.fromkeys(JOBS, 0)
        readers = {"first reader": Reader(registry, told), "second reader": Reader(registry, told)}
        for (change, changed), asks in moments:
            if change == "change":
                registry.change(changed)
            else:
                registry.lose_track() if change == "lose track" else registry.restart()
            for reader, name in asks:
                readers[reader].step(name)
