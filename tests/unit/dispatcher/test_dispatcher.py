from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from actors.blobs import BlobStore, open_blobs
from actors.dispatcher.dispatcher import Dispatcher, DispatcherConfig
from actors.dispatcher.files import Splitting
from actors.dispatcher.jobs import JobLimits
from actors.errors import FleetUnavailable, JobExpired, StaleLease, StoreUnavailable
from actors.messages import Claim, DueDelivery, Failure, FileTask, Heartbeat, InputFile, JobOutcome, JobSpec
from client.models import ErrorCode, JobStatusEnum, ParseOptions


class MemoryJobs:
    """A registry of a few lines: claims wait in a list, outcomes in a dict."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Claim] = asyncio.Queue()
        self.outcomes: dict[str, JobOutcome] = {}
        self.leases: dict[str, str] = {}  # under which jobs ended
        self.beats: list[Heartbeat] = []
        self.stop: set[str] = set()
        self.held: list[tuple[str, str]] = []  # as the newest claim said
        self.released: list[tuple[str, str]] = []
        self.left: list[str] = []
        self.stale: set[str] = set()
        self.past_their_time: list[str] = []
        self.known: dict[str, JobStatusEnum] = {}
        self.buried: set[str] = set()
        self.away = 0  # how many more calls find nobody
        self.changed = asyncio.Event()

    async def claim(
        self, dispatcher_id: str, limit: int, timeout_s: float, held: Sequence[tuple[str, str]]
    ) -> list[Claim]:
        self._answer()
        self.held = list(held)
        return [await self.queue.get()]

    async def heartbeat(self, beats: Sequence[Heartbeat]) -> list[str]:
        self._answer()
        self.beats.extend(beats)
        return [beat.job_id for beat in beats if beat.job_id in self.stop]

    async def finish(self, job_id: str, lease: str, outcome: JobOutcome) -> None:
        self._answer()
        if job_id in self.stale:
            self.stale.discard(job_id)
            self.changed.set()
            raise StaleLease("taken over")
        self.outcomes[job_id], self.leases[job_id] = outcome, lease
        self.changed.set()

    async def due_deliveries(self, limit: int) -> list[DueDelivery]:
        return []

    async def get(self, job_id: str) -> object | None:
        self._answer()
        if job_id in self.buried:
            raise JobExpired("It was one", "")
        return SimpleNamespace(status=self.known[job_id]) if job_id in self.known else None

    async def expired(self, limit: int) -> list[str]:
        return self.past_their_time[:limit]

    async def forget(self, job_ids: Sequence[str]) -> None:
        self.past_their_time = [job for job in self.past_their_time if job not in job_ids]
        self.changed.set()

    async def release(self, leases: Sequence[tuple[str, str]]) -> None:
        self.released.extend(leases)
        self.changed.set()

    async def leave(self, dispatcher_id: str) -> None:
        self.left.append(dispatcher_id)

    def _answer(self) -> None:
        if self.away:
            self.away -= 1
            raise FleetUnavailable("away")

    async def ended(self, job_id: str) -> JobOutcome:
        while job_id not in self.outcomes:
            self.changed.clear()
            await self.changed.wait()
        return self.outcomes[job_id]


@pytest.fixture
def jobs() -> MemoryJobs:
    return MemoryJobs()


@pytest.fixture
def blobs() -> BlobStore:
    return open_blobs("memory://")


@pytest.fixture
async def dispatcher(jobs, blobs, parsers) -> AsyncIterator[Dispatcher]:
    config = DispatcherConfig(jobs=2, limits=JobLimits(files=2, splitting=Splitting(slots=2)))
    dispatcher = Dispatcher(jobs, parsers, blobs, config)
    work = asyncio.create_task(dispatcher.run())
    yield dispatcher
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work


async def submit(jobs: MemoryJobs, blobs: BlobStore, job_id: str, *documents: bytes, **more: str) -> None:
    files = []
    for index, document in enumerate(documents):
        await blobs.put(f"inputs/{job_id}/{index}", document)
        files.append(InputFile(filename=f"{index}.pdf", blob=f"inputs/{job_id}/{index}", size=1, sha256=""))
    spec = JobSpec(job_id=job_id, files=tuple(files), options=ParseOptions(), submitted_at=0.0, **more)
    await jobs.queue.put(Claim(lease=f"lease-{job_id}", spec=spec, attempt=1))


async def response(blobs: BlobStore, job_id: str, index: int) -> dict:
    return json.loads(await blobs.get(f"results/{job_id}/{index}/response.json"))


async def test_a_job_ends_with_its_files_results_in_the_order_they_were_sent(dispatcher, jobs, blobs) -> None:
    await submit(jobs, blobs, "a", b"30", b"1", b"2")
    outcome = await jobs.ended("a")
    assert [file.num_nodes for file in outcome.files] == [30, 1, 2]
    assert outcome.progress.model_dump() == {
        "pages_total": 33,
        "pages_done": 33,
        "pages_failed": 0,
        "files_total": 3,
        "files_done": 3,
        "words_lost": 0,
    }
    assert (await response(blobs, "a", 0))["num_nodes"] == 30
    assert await blobs.get("results/a/0/document.json") == b"{}"


async def test_a_bad_file_fails_alone(dispatcher, jobs, blobs) -> None:
    await submit(jobs, blobs, "a", b"1", b"garbage", b"bug", b"1")
    outcome = await jobs.ended("a")
    assert [file.success for file in outcome.files] == [True, False, False, True]
    garbage, bug = await response(blobs, "a", 1), await response(blobs, "a", 2)
    assert (garbage["error_code"], garbage["error"]) == ("invalid_file", "not a document")
    assert (bug["error_code"], bug["error"]) == (
        "internal",
        "The file could not be parsed because of an internal error",
    )


async def test_whatever_is_logged_about_a_job_names_its_request(dispatcher, jobs, blobs, parsers, monkeypatch) -> None:
    told: list[str] = []
    open_file = parsers.open

    async def noted_open(document: bytes, task: FileTask, split_above: int) -> object:
        told.append(task.request_id)
        return await open_file(document, task, split_above)

    monkeypatch.setattr(parsers, "open", noted_open)
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        for name in ("a", "b"):
            await submit(jobs, blobs, name, b"bug", request_id=f"request-of-{name}")
        for name in ("a", "b"):
            await jobs.ended(name)
    lines = {(line["job"], line["request_id"]) for line in logs if line["event"] == "file_failed_unexpectedly"}
    assert lines == {("a", "request-of-a"), ("b", "request-of-b")}
    assert sorted(told) == ["request-of-a", "request-of-b"]


async def test_a_jobs_trace_is_in_its_log_lines_and_goes_on_to_the_parsers(
    dispatcher, jobs, blobs, parsers, monkeypatch
) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    told: list[str] = []
    open_file = parsers.open

    async def noted_open(document: bytes, task: FileTask, split_above: int) -> object:
        told.append(task.traceparent)
        return await open_file(document, task, split_above)

    monkeypatch.setattr(parsers, "open", noted_open)
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        await submit(jobs, blobs, "a", b"bug", traceparent=traceparent)
        await submit(jobs, blobs, "b", b"bug")
        for name in ("a", "b"):
            await jobs.ended(name)
    lines = {(line["job"], line.get("trace_id")) for line in logs if line["event"] == "file_failed_unexpectedly"}
    assert lines == {("a", "0af7651916cd43dd8448eb211c80319c"), ("b", None)}
    assert sorted(told) == ["", traceparent]


async def test_a_file_that_the_ingress_rejected_gets_its_failed_entry(dispatcher, jobs, blobs) -> None:
    rejected = InputFile(
        filename="x.exe",
        blob="",
        size=0,
        sha256="",
        rejected=Failure(code=ErrorCode.UNSUPPORTED_FORMAT, message="Unsupported file format: x.exe"),
    )
    spec = JobSpec(job_id="a", files=(rejected,), options=ParseOptions(), submitted_at=0.0)
    await jobs.queue.put(Claim(lease="l", spec=spec, attempt=1))
    assert not (await jobs.ended("a")).files[0].success
    assert (await response(blobs, "a", 0))["error"] == "Unsupported file format: x.exe"


async def test_lost_pages_are_named_in_a_successful_result(dispatcher, jobs, blobs, parsers) -> None:
    parsers.deadly = {4}
    await submit(jobs, blobs, "a", b"20")
    await jobs.ended("a")
    entry = await response(blobs, "a", 0)
    assert (entry["success"], entry["error"], entry["error_code"]) == (True, "Lost page 4", "pages_lost")
    assert entry["pages_failed"] == [{"page_number": 4, "reason": "the parser process died"}]


async def test_a_registry_that_is_away_for_a_while_loses_nothing(dispatcher, jobs, blobs) -> None:
    jobs.away = 3
    await submit(jobs, blobs, "a", b"1")
    assert (await jobs.ended("a")).files[0].success


async def test_a_job_that_was_taken_over_is_dropped_and_work_goes_on(dispatcher, jobs, blobs) -> None:
    jobs.stale = {"a"}
    await submit(jobs, blobs, "a", b"1")
    await submit(jobs, blobs, "b", b"1")
    await jobs.ended("b")
    assert "a" not in jobs.outcomes


async def test_a_job_that_the_registry_stops_frees_its_place(dispatcher, jobs, blobs, parsers) -> None:
    parsers.gate = asyncio.Event()
    jobs.stop = {"a", "b"}
    await submit(jobs, blobs, "a", b"1")
    await submit(jobs, blobs, "b", b"1")
    await submit(jobs, blobs, "c", b"0")
    while not any(beat.job_id == "c" for beat in jobs.beats):  # noqa: ASYNC110 - it shows up in a heartbeat only
        await asyncio.sleep(0.01)
    parsers.gate.set()
    await jobs.ended("c")
    assert "a" not in jobs.outcomes


async def test_a_stopped_job_that_hangs_in_its_store_costs_no_other_job_its_lease(
    dispatcher, jobs, blobs, parsers, monkeypatch
) -> None:
    begun, stored = asyncio.Event(), asyncio.Event()
    put = blobs.put

    async def hang(key: str, data: bytes) -> None:
        if not key.startswith("results/a/"):
            return await put(key, data)
        begun.set()
        writing = asyncio.create_task(stored.wait())
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await writing  # as a folder's store does: its thread cannot be stopped
            raise

    monkeypatch.setattr(blobs, "put", hang)
    monkeypatch.setattr("actors.dispatcher.dispatcher.BEAT_EVERY_S", 0.01)
    parsers.gate = asyncio.Event()
    await submit(jobs, blobs, "a", b"garbage")
    await submit(jobs, blobs, "b", b"1")
    await begun.wait()
    jobs.stop = {"a"}

    def beats_of(job_id: str) -> int:
        return sum(beat.job_id == job_id for beat in jobs.beats)

    try:
        async with asyncio.timeout(10):
            while beats_of("b") < 4:  # noqa: ASYNC110 - it shows up in a heartbeat only
                await asyncio.sleep(0.01)
        assert "a" not in {beat.job_id for beat in jobs.beats[-3:]}
        assert jobs.released == []
    finally:
        stored.set()
    parsers.gate.set()
    await jobs.ended("b")
    assert jobs.released == [("a", "lease-a")]


async def test_a_stopped_job_is_given_back_as_soon_as_the_registry_answers(
    dispatcher, jobs, blobs, parsers, monkeypatch
) -> None:
    release, refusals = jobs.release, [FleetUnavailable("away"), StoreUnavailable("away")]

    async def refuse_at_first(leases: Sequence[tuple[str, str]]) -> None:
        if refusals:
            raise refusals.pop()
        await release(leases)

    monkeypatch.setattr(jobs, "release", refuse_at_first)
    parsers.gate = asyncio.Event()
    jobs.stop = {"a"}
    await submit(jobs, blobs, "a", b"1")
    async with asyncio.timeout(10):
        while not jobs.released:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert jobs.released == [("a", "lease-a")]


async def test_expired_jobs_leave_neither_blobs_nor_rows(jobs, blobs, parsers) -> None:
    await blobs.put("inputs/old/0", b"in")
    await blobs.put("results/old/0/response.json", b"out")
    await blobs.put("inputs/young/0", b"in")
    jobs.past_their_time = ["old"]
    config = DispatcherConfig(jobs=1, limits=JobLimits(files=1, splitting=Splitting(slots=1)))
    work = asyncio.create_task(Dispatcher(jobs, parsers, blobs, config).run())
    while jobs.past_their_time:
        jobs.changed.clear()
        await jobs.changed.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert [await blobs.size(key) for key in ("inputs/old/0", "results/old/0/response.json", "inputs/young/0")] == [
        None,
        None,
        2,
    ]


def without_inputs(jobs: int = 2) -> DispatcherConfig:
    return DispatcherConfig(jobs=jobs, keep_inputs=False, limits=JobLimits(files=1, splitting=Splitting(slots=1)))


async def gone(blobs: BlobStore, key: str) -> None:
    async with asyncio.timeout(10):
        while await blobs.size(key) is not None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)


async def test_inputs_go_with_the_end_of_their_job_when_they_are_not_kept(jobs, blobs, parsers) -> None:
    work = asyncio.create_task(Dispatcher(jobs, parsers, blobs, without_inputs()).run())
    await submit(jobs, blobs, "a", b"1")
    await jobs.ended("a")
    await gone(blobs, "inputs/a/0")
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_inputs_go_however_long_that_takes_and_their_job_is_not_reported_meanwhile(
    jobs, blobs, parsers, monkeypatch
) -> None:
    begun, may_go = asyncio.Event(), asyncio.Event()
    delete_prefix = blobs.delete_prefix

    async def slow(prefix: str) -> int:
        begun.set()
        await may_go.wait()
        return await delete_prefix(prefix)

    monkeypatch.setattr(blobs, "delete_prefix", slow)
    monkeypatch.setattr("actors.dispatcher.dispatcher.BEAT_EVERY_S", 0.01)
    work = asyncio.create_task(Dispatcher(jobs, parsers, blobs, without_inputs(jobs=1)).run())
    await submit(jobs, blobs, "a", b"1")
    await begun.wait()
    jobs.beats.clear()
    jobs.stop = {"a"}  # as the registry says of a job that is no longer held
    parsers.gate = asyncio.Event()
    await submit(jobs, blobs, "b", b"1")
    async with asyncio.timeout(10):
        while len(jobs.beats) < 2:  # noqa: ASYNC110 - it shows up in a heartbeat only
            await asyncio.sleep(0.01)
    assert {beat.job_id for beat in jobs.beats} == {"b"}
    may_go.set()
    await gone(blobs, "inputs/a/0")
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_inputs_of_jobs_that_ended_elsewhere_go_when_they_are_not_kept(jobs, blobs, parsers) -> None:
    for job_id in ("cancelled", "buried", "running", "uploading"):
        await blobs.put(f"inputs/{job_id}/0", b"data")
    await blobs.put("results/cancelled/0/response.json", b"data")
    jobs.known = {"cancelled": JobStatusEnum.FAILED, "running": JobStatusEnum.PROCESSING}
    jobs.buried = {"buried"}
    work = asyncio.create_task(Dispatcher(jobs, parsers, blobs, without_inputs()).run())
    await gone(blobs, "inputs/cancelled/0")
    await gone(blobs, "inputs/buried/0")
    kept = ("inputs/running/0", "inputs/uploading/0", "results/cancelled/0/response.json")
    assert [await blobs.size(key) for key in kept] == [4, 4, 4]
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_a_dispatcher_that_stops_gives_its_jobs_back(jobs, blobs, parsers) -> None:
    parsers.gate = asyncio.Event()
    config = DispatcherConfig(jobs=2, limits=JobLimits(files=1, splitting=Splitting(slots=1)))
    dispatcher = Dispatcher(jobs, parsers, blobs, config)
    work = asyncio.create_task(dispatcher.run())
    await submit(jobs, blobs, "a", b"1")
    while not jobs.beats and not parsers.opened:  # noqa: ASYNC110 - until it is at work
        await asyncio.sleep(0.01)
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    assert (jobs.left, jobs.released) == ([dispatcher.id], [])


async def test_a_claim_says_what_is_held_until_it_is_given_back(dispatcher, jobs, blobs, parsers, monkeypatch) -> None:
    parsers.gate, may_release = asyncio.Event(), asyncio.Event()
    release = jobs.release

    async def release_late(leases: Sequence[tuple[str, str]]) -> None:
        await may_release.wait()
        await release(leases)

    monkeypatch.setattr(jobs, "release", release_late)
    jobs.stop = {"a"}
    await submit(jobs, blobs, "a", b"1")
    while not dispatcher._stopping:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await submit(jobs, blobs, "b", b"1")
    while ("b", "lease-b") not in jobs.held:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert ("a", "lease-a") in jobs.held
    may_release.set()
    while dispatcher._stopping:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    parsers.gate.set()
    await jobs.ended("b")
    await submit(jobs, blobs, "c", b"1")
    await jobs.ended("c")
    assert ("a", "lease-a") not in jobs.held


async def test_a_job_whose_lease_ran_out_goes_on_under_the_next_one(dispatcher, jobs, blobs, parsers) -> None:
    """As when a machine was suspended: the registry gives the job to the same dispatcher again."""
    parsers.gate = asyncio.Event()
    await submit(jobs, blobs, "a", b"1")
    while not parsers.opened:  # noqa: ASYNC110 - until it is at work
        await asyncio.sleep(0.01)
    spec = dispatcher._running["a"].claim.spec
    await jobs.queue.put(Claim(lease="second", spec=spec, attempt=2))
    while "second" not in [beat.lease for beat in jobs.beats]:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    parsers.gate.set()
    await jobs.ended("a")
    assert jobs.leases == {"a": "second"}
    assert parsers.opened["0.pdf"] == 1


async def test_a_job_that_was_given_anew_is_not_stopped_for_its_old_lease(dispatcher, jobs, blobs, parsers) -> None:
    heartbeat = jobs.heartbeat

    async def meanwhile(beats: Sequence[Heartbeat]) -> list[str]:
        """The registry, which has ended the first lease; its next claim's answer arrives before this one."""
        if any(beat.lease == "lease-a" for beat in beats):
            dispatcher._start(Claim(lease="second", spec=dispatcher._running["a"].claim.spec, attempt=2))
            return ["a"]
        return await heartbeat(beats)

    jobs.heartbeat = meanwhile
    parsers.gate = asyncio.Event()
    await submit(jobs, blobs, "a", b"1")
    while not jobs.beats:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    parsers.gate.set()
    await jobs.ended("a")
    assert jobs.leases == {"a": "second"}


async def test_a_job_that_fails_for_no_reason_known_is_given_back(dispatcher, jobs, blobs, monkeypatch) -> None:
    async def bug(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(jobs, "finish", bug)
    await submit(jobs, blobs, "a", b"1")
    while not jobs.released:
        jobs.changed.clear()
        await jobs.changed.wait()
    assert jobs.released == [("a", "lease-a")]


async def test_a_store_that_is_away_delays_a_job_and_nothing_else(dispatcher, jobs, blobs, monkeypatch) -> None:
    away = {"get": 2, "put": 2}

    def failing(name: str) -> Any:
        call = getattr(blobs, name)

        async def fail_at_first(*arguments: Any) -> Any:
            if away[name]:
                away[name] -= 1
                raise StoreUnavailable("away")
            return await call(*arguments)

        return fail_at_first

    await blobs.put("inputs/a/0", b"20")
    for name in away:
        monkeypatch.setattr(blobs, name, failing(name))
    file = InputFile(filename="0.pdf", blob="inputs/a/0", size=2, sha256="")
    spec = JobSpec(job_id="a", files=(file,), options=ParseOptions(), submitted_at=0.0)
    await jobs.queue.put(Claim(lease="lease-a", spec=spec, attempt=1))
    assert (await jobs.ended("a")).failure is None
    assert (await response(blobs, "a", 0))["success"]
    assert away == {"get": 0, "put": 0}


async def test_a_job_whose_store_stays_away_can_be_stopped_and_has_its_deadline(
    jobs, blobs, parsers, monkeypatch
) -> None:
    async def away(*_: Any) -> Any:
        raise StoreUnavailable("away")

    limits = JobLimits(files=1, deadline_s=1.5, splitting=Splitting(slots=1))
    work = asyncio.create_task(Dispatcher(jobs, parsers, blobs, DispatcherConfig(jobs=2, limits=limits)).run())
    monkeypatch.setattr(blobs, "get", away)
    jobs.stop = {"stopped"}
    await submit(jobs, blobs, "stopped", b"1")
    await submit(jobs, blobs, "late", b"1")
    assert (await jobs.ended("late")).failure.code is ErrorCode.DEADLINE_EXCEEDED
    assert jobs.released == [("stopped", "lease-stopped")]
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_a_job_past_its_deadline_fails_and_its_slot_is_free(jobs, blobs, parsers) -> None:
    parsers.gate = asyncio.Event()
    limits = JobLimits(files=1, deadline_s=0.05, splitting=Splitting(slots=1))
    work = asyncio.create_task(Dispatcher(jobs, parsers, blobs, DispatcherConfig(jobs=1, limits=limits)).run())
    await submit(jobs, blobs, "late", b"1")
    outcome = await jobs.ended("late")
    assert outcome.failure.code is ErrorCode.DEADLINE_EXCEEDED
    assert outcome.failure.message == "The job was not done within 0.05 seconds"
    parsers.gate.set()
    await submit(jobs, blobs, "next", b"1")
    assert (await jobs.ended("next")).failure is None
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_old_blobs_that_no_job_owns_are_removed(jobs, blobs, parsers) -> None:
    for key in ("inputs/orphan/0", "inputs/job/0", "results/buried/0/response.json", "results/job/0/response.json"):
        await blobs.put(key, b"data")
    jobs.known, jobs.buried = {"job": JobStatusEnum.COMPLETED}, {"buried"}
    limits = JobLimits(files=1, splitting=Splitting(slots=1))
    config = DispatcherConfig(jobs=1, orphan_age_s=0.05, limits=limits)
    await asyncio.sleep(0.1)
    work = asyncio.create_task(Dispatcher(jobs, parsers, blobs, config).run())
    while await blobs.size("results/buried/0/response.json"):  # noqa: ASYNC110 - the last one that it removes
        await asyncio.sleep(0.01)
    assert await blobs.size("inputs/orphan/0") is None
    assert await blobs.size("inputs/job/0") == await blobs.size("results/job/0/response.json") == 4
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_young_blobs_are_left_alone(jobs, blobs, parsers) -> None:
    await blobs.put("inputs/uploading/0", b"data")
    limits = JobLimits(files=1, splitting=Splitting(slots=1))
    dispatcher = Dispatcher(jobs, parsers, blobs, DispatcherConfig(jobs=1, limits=limits))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            await dispatcher.run()
    assert await blobs.size("inputs/uploading/0") == 4
