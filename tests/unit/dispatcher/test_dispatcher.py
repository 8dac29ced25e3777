"""The dispatcher over the real registry, on a loop of its own as under Ray; parsers and blobs are in memory."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from actors.blobs import BlobStore, open_blobs
from actors.dispatcher.dispatcher import Dispatcher, DispatcherConfig
from actors.dispatcher.files import Splitting
from actors.dispatcher.jobs import JobLimits
from actors.errors import FleetUnavailable, JobExpired, StoreUnavailable
from actors.messages import Failure, FileTask, Heartbeat, InputFile, JobOutcome, JobSpec
from client.models import ErrorCode, JobStatusEnum, ParseOptions
from tests.fakes import FakeFetcher
from tests.threaded_registry import ThreadedRegistry
from tests.waiting import eventually_async as eventually

LIMITS = JobLimits(files=2, splitting=Splitting(slots=2))


@dataclass
class Clock:
    """The registry's clock."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def jobs(tmp_path: Path, clock: Clock) -> AsyncIterator[ThreadedRegistry]:
    registry = await asyncio.to_thread(ThreadedRegistry, tmp_path, clock)
    yield registry
    await registry.close()


@pytest.fixture
def blobs() -> BlobStore:
    return open_blobs("memory://")


Start = Callable[..., Coroutine[Any, Any, Dispatcher]]


@asynccontextmanager
async def running(dispatcher: Dispatcher) -> AsyncIterator[Dispatcher]:
    work = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


@pytest.fixture
async def start(jobs, blobs, parsers) -> AsyncIterator[Start]:
    """Starts dispatchers, which end with the test."""
    async with AsyncExitStack() as stack:

        async def start(**config: Any) -> Dispatcher:
            settings = DispatcherConfig(**{"jobs": 2, "limits": LIMITS, **config})
            return await stack.enter_async_context(running(Dispatcher(jobs, parsers, blobs, FakeFetcher(), settings)))

        yield start


@pytest.fixture
async def dispatcher(start: Start) -> Dispatcher:
    return await start()


async def submit(jobs: ThreadedRegistry, blobs: BlobStore, job_id: str, *documents: bytes, **more: str) -> None:
    files = []
    for index, document in enumerate(documents):
        await blobs.put(f"inputs/{job_id}/{index}", document)
        files.append(InputFile(filename=f"{index}.pdf", blob=f"inputs/{job_id}/{index}", size=1, sha256=""))
    await jobs.submit(JobSpec(job_id=job_id, files=tuple(files), options=ParseOptions(), submitted_at=0.0, **more))


async def finished(jobs: ThreadedRegistry, job_id: str) -> None:
    """A job that another dispatcher has ended."""
    await jobs.submit(JobSpec(job_id=job_id, files=(), options=ParseOptions(), submitted_at=0.0))
    (claim,) = await jobs.claim("another", 1, 0.0)
    await jobs.finish(job_id, claim.lease, JobOutcome())


async def has(blobs: BlobStore, *keys: str) -> list[bool]:
    return [await blobs.size(key) is not None for key in keys]


async def gone(blobs: BlobStore, key: str) -> None:
    async def is_gone() -> bool:
        return await blobs.size(key) is None

    await eventually(is_gone, what=f"the removal of {key}")


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
        "files_fetched": 0,
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
    await jobs.submit(JobSpec(job_id="a", files=(rejected,), options=ParseOptions(), submitted_at=0.0))
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
    for method in ("claim", "heartbeat", "finish"):
        jobs.failures[method] = [FleetUnavailable("away"), StoreUnavailable("away"), FleetUnavailable("away")]
    await submit(jobs, blobs, "a", b"1")
    assert (await jobs.ended("a")).files[0].success


async def test_the_hanging_jobs_of_one_owner_keep_out_no_other(start, jobs, blobs, parsers, monkeypatch) -> None:
    monkeypatch.setattr("actors.dispatcher.dispatcher.STANDSTILL_S", 0.0)
    monkeypatch.setattr("actors.dispatcher.dispatcher.RESIZE_EVERY_S", 0.01)
    monkeypatch.setattr("actors.scheduling.fair_semaphore.STANDSTILL_S", 0.0)
    parsers.gate = asyncio.Event()
    await start(jobs=2)
    for name in ("a", "b", "c"):
        await submit(jobs, blobs, name, *[b"1"] * 4, owner="hostile")
    await eventually(lambda: parsers.waiting == 4, what="every slot in use")
    await submit(jobs, blobs, "tiny", b"garbage", owner="neighbour")
    await jobs.ended("tiny")
    assert {claim.spec.job_id for claim in jobs.claims} == {"a", "b", "tiny"}
    parsers.gate.set()
    await jobs.ended("c")


async def test_a_job_that_was_taken_over_is_dropped_and_work_goes_on(start, jobs, blobs, parsers) -> None:
    await start(jobs=1)
    parsers.gate = asyncio.Event()
    jobs.failures["heartbeat"] = [FleetUnavailable("away")] * 1000  # or one would stop the job before it ends
    await submit(jobs, blobs, "a", b"1")
    await eventually(lambda: parsers.opened)
    await jobs.release([("a", jobs.leases_of("a")[0])])
    (taken,) = await jobs.claim("another", 1, 0.0)
    parsers.gate.set()
    await submit(jobs, blobs, "b", b"1")
    await jobs.ended("b")
    view = await jobs.get("a")
    assert (view.status, view.attempts) == (JobStatusEnum.PROCESSING, 2)
    await jobs.finish("a", taken.lease, JobOutcome())


async def test_one_claim_fills_the_places_that_become_free_together(start, jobs, blobs, parsers, monkeypatch) -> None:
    monkeypatch.setattr("actors.dispatcher.dispatcher.GATHER_S", 60.0)
    asked_for: list[int] = []

    async def note(dispatcher_id: str, limit: int, *others: object) -> None:
        asked_for.append(limit)

    jobs.before["claim"] = note
    names = [str(number) for number in range(40)]
    for name in names:
        await submit(jobs, blobs, name, b"1")
    await start(jobs=20)
    for name in names:
        await jobs.ended(name)
    assert asked_for[0] == 20
    assert min(asked_for) >= 2


async def test_a_single_free_place_is_filled_after_a_moment(start, jobs, blobs, parsers) -> None:
    parsers.gate = asyncio.Event()
    for number in range(21):
        await submit(jobs, blobs, str(number), b"1")
    await start(jobs=20)
    await eventually(lambda: len(jobs.claims) == 20)
    await jobs.cancel(jobs.claims[0].spec.job_id, "")
    await eventually(lambda: len(jobs.claims) == 21)
    parsers.gate.set()


async def test_a_job_that_is_cancelled_frees_its_place(dispatcher, jobs, blobs, parsers) -> None:
    parsers.gate = asyncio.Event()
    for job_id in ("a", "b"):
        await submit(jobs, blobs, job_id, b"1")
    await eventually(lambda: parsers.opened.total() == 2)
    await submit(jobs, blobs, "c", b"1")
    for job_id in ("a", "b"):
        await jobs.cancel(job_id, "")
    await eventually(lambda: parsers.opened.total() == 3)
    assert [(await jobs.ended(job_id)).failure.code for job_id in ("a", "b")] == [ErrorCode.CANCELLED] * 2
    parsers.gate.set()
    assert (await jobs.ended("c")).files[0].success


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
    monkeypatch.setattr("actors.dispatcher.heartbeats.BEAT_EVERY_S", 0.01)
    parsers.gate = asyncio.Event()
    await submit(jobs, blobs, "a", b"garbage")
    await submit(jobs, blobs, "b", b"1")
    await begun.wait()
    await jobs.cancel("a", "")
    try:
        await eventually(lambda: [beat.job_id for beat in jobs.beats[-4:]] == ["b"] * 4)
        assert (await jobs.get("a")).status is JobStatusEnum.PROCESSING
    finally:
        stored.set()
    assert (await jobs.ended("a")).failure.code is ErrorCode.CANCELLED
    parsers.gate.set()
    assert (await jobs.ended("b")).attempts == 1


async def test_a_stopped_job_is_given_back_as_soon_as_the_registry_answers(dispatcher, jobs, blobs, parsers) -> None:
    parsers.gate = asyncio.Event()
    jobs.failures["release"] = [FleetUnavailable("away"), StoreUnavailable("away")]
    await submit(jobs, blobs, "a", b"1")
    await eventually(lambda: parsers.opened)
    await jobs.cancel("a", "")
    assert (await jobs.ended("a")).failure.code is ErrorCode.CANCELLED
    assert jobs.failures["release"] == []


async def test_leases_are_renewed_while_the_dispatchers_loop_is_busy(dispatcher, jobs, blobs, parsers) -> None:
    parsers.gate = asyncio.Event()
    await submit(jobs, blobs, "a", b"1")
    await eventually(lambda: parsers.opened)
    before = len(jobs.beats)
    busy_until = time.monotonic() + 20
    while len(jobs.beats) < before + 2 and time.monotonic() < busy_until:
        time.sleep(0.01)  # noqa: ASYNC251 - blocks the loop, which is the point
    assert len(jobs.beats) >= before + 2
    parsers.gate.set()
    assert (await jobs.ended("a")).attempts == 1


async def test_expired_jobs_leave_neither_blobs_nor_rows(start, jobs, blobs, clock) -> None:
    await finished(jobs, "old")
    clock.now += 2000
    for key in ("inputs/old/0", "results/old/0/response.json", "inputs/young/0"):
        await blobs.put(key, b"data")

    async def is_forgotten() -> bool:
        with suppress(JobExpired):
            return await jobs.get("old") is None
        return True

    await start()
    await gone(blobs, "results/old/0/response.json")
    await eventually(is_forgotten)
    assert await has(blobs, "inputs/old/0", "inputs/young/0") == [False, True]


async def test_inputs_go_with_the_end_of_their_job_when_they_are_not_kept(start, jobs, blobs) -> None:
    await start(keep_inputs=False)
    await submit(jobs, blobs, "a", b"1")
    await jobs.ended("a")
    await gone(blobs, "inputs/a/0")


async def test_inputs_go_however_long_that_takes_and_their_job_is_not_reported_meanwhile(
    start, jobs, blobs, parsers, monkeypatch
) -> None:
    begun, may_go = asyncio.Event(), asyncio.Event()
    delete_prefix = blobs.delete_prefix

    async def slow(prefix: str) -> int:
        begun.set()
        await may_go.wait()
        return await delete_prefix(prefix)

    monkeypatch.setattr(blobs, "delete_prefix", slow)
    monkeypatch.setattr("actors.dispatcher.heartbeats.BEAT_EVERY_S", 0.01)
    await start(jobs=1, keep_inputs=False)
    await submit(jobs, blobs, "a", b"1")
    await begun.wait()
    parsers.gate = asyncio.Event()
    await submit(jobs, blobs, "b", b"1")
    await eventually(lambda: len([beat for beat in jobs.beats if beat.job_id == "b"]) >= 3)
    assert [beat.job_id for beat in jobs.beats[-3:]] == ["b"] * 3
    may_go.set()
    await gone(blobs, "inputs/a/0")
    parsers.gate.set()


async def test_inputs_of_jobs_that_ended_elsewhere_go_when_they_are_not_kept(start, jobs, blobs, clock) -> None:
    await finished(jobs, "buried")
    clock.now += 2000
    await jobs.forget(["buried"])
    await submit(jobs, blobs, "running", b"1")
    assert await jobs.claim("another", 1, 0.0)
    await submit(jobs, blobs, "cancelled", b"1")
    await jobs.cancel("cancelled", "")
    for key in ("inputs/buried/0", "inputs/uploading/0", "results/cancelled/0/response.json"):
        await blobs.put(key, b"data")
    await start(keep_inputs=False)
    await gone(blobs, "inputs/cancelled/0")
    await gone(blobs, "inputs/buried/0")
    kept = ("inputs/running/0", "inputs/uploading/0", "results/cancelled/0/response.json")
    assert await has(blobs, *kept) == [True] * 3


async def test_a_dispatcher_that_stops_gives_its_jobs_back_uncounted(jobs, blobs, parsers) -> None:
    parsers.gate = asyncio.Event()
    async with running(
        Dispatcher(jobs, parsers, blobs, FakeFetcher(), DispatcherConfig(jobs=2, limits=LIMITS))
    ) as dispatcher:
        await submit(jobs, blobs, "a", b"1")
        await eventually(lambda: parsers.opened)
    view = await jobs.get("a")
    assert (view.status, view.attempts) == (JobStatusEnum.PENDING, 0)
    assert await jobs.claim(dispatcher.id, 1, 0.0) == []


async def test_a_claim_says_what_is_held_until_it_is_given_back(dispatcher, jobs, blobs, parsers, monkeypatch) -> None:
    monkeypatch.setattr("actors.dispatcher.dispatcher.CLAIM_WAIT_S", 0.1)
    parsers.gate, may_release = asyncio.Event(), asyncio.Event()

    async def wait_for_it(*_: object) -> None:
        await eventually(may_release.is_set)

    jobs.before["release"] = wait_for_it
    await submit(jobs, blobs, "a", b"1")
    await eventually(lambda: parsers.opened)
    await jobs.cancel("a", "")
    for job_id in ("b", "c"):
        await submit(jobs, blobs, job_id, b"1")
    await eventually(lambda: parsers.opened.total() == 3)  # there is a place for each: "a" holds none
    parsers.gate.set()
    for job_id in ("b", "c"):
        await jobs.ended(job_id)
    held = ("a", jobs.leases_of("a")[0])
    await submit(jobs, blobs, "d", b"1")
    await jobs.ended("d")
    assert held in jobs.held
    may_release.set()
    await jobs.ended("a")
    await submit(jobs, blobs, "e", b"1")
    await jobs.ended("e")
    await eventually(lambda: jobs.held == [], what="a claim that names no lease")


async def test_a_job_whose_lease_ran_out_goes_on_under_the_next_one(dispatcher, jobs, blobs, parsers) -> None:
    """As when a machine was suspended: the registry gives the job to the same dispatcher again."""
    parsers.gate = asyncio.Event()
    jobs.failures["heartbeat"] = [FleetUnavailable("away")] * 1000  # or one could come between the two leases
    await submit(jobs, blobs, "a", b"1")
    await eventually(lambda: parsers.opened)
    await jobs.release([("a", jobs.leases_of("a")[0])])
    await eventually(lambda: len(jobs.leases_of("a")) == 2)
    jobs.failures["heartbeat"].clear()
    await eventually(lambda: jobs.leases_of("a")[1] in [beat.lease for beat in jobs.beats])
    parsers.gate.set()
    view = await jobs.ended("a")
    assert (view.attempts, view.failure) == (2, None)
    assert parsers.opened["0.pdf"] == 1


async def test_a_job_that_was_given_anew_is_not_stopped_for_its_old_lease(dispatcher, jobs, blobs, parsers) -> None:
    async def meanwhile(beats: Sequence[Heartbeat]) -> None:
        """The lease ends, and the job is claimed again, while a heartbeat under the first lease is on its way."""
        if len(jobs.leases_of("a")) == 1 and any(beat.job_id == "a" for beat in beats):
            await jobs.release([("a", jobs.leases_of("a")[0])])
            await eventually(lambda: len(jobs.leases_of("a")) == 2)

    jobs.before["heartbeat"] = meanwhile
    parsers.gate = asyncio.Event()
    await submit(jobs, blobs, "a", b"1")
    await eventually(lambda: len(jobs.leases_of("a")) == 2)
    await eventually(lambda: jobs.leases_of("a")[1] in [beat.lease for beat in jobs.beats])
    parsers.gate.set()
    assert (await jobs.ended("a")).failure is None
    assert parsers.opened["0.pdf"] == 1


async def test_a_job_that_fails_for_no_known_reason_is_delivered_again(dispatcher, jobs, blobs) -> None:
    jobs.failures["finish"] = [ZeroDivisionError()]
    await submit(jobs, blobs, "a", b"1")
    view = await jobs.ended("a")
    assert (view.attempts, view.failure) == (2, None)


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
    await jobs.submit(JobSpec(job_id="a", files=(file,), options=ParseOptions(), submitted_at=0.0))
    assert (await jobs.ended("a")).failure is None
    assert (await response(blobs, "a", 0))["success"]
    assert away == {"get": 0, "put": 0}


async def test_a_job_whose_store_stays_away_can_be_cancelled_and_has_its_deadline(
    start, jobs, blobs, monkeypatch
) -> None:
    asked = asyncio.Event()

    async def away(*_: Any) -> Any:
        asked.set()
        raise StoreUnavailable("away")

    monkeypatch.setattr(blobs, "get", away)
    await start(limits=JobLimits(files=1, deadline_s=3.0, splitting=Splitting(slots=1)))
    await submit(jobs, blobs, "late", b"1")
    await submit(jobs, blobs, "cancelled", b"1")
    await asked.wait()
    await jobs.cancel("cancelled", "")
    assert (await jobs.ended("cancelled")).failure.code is ErrorCode.CANCELLED
    assert (await jobs.ended("late")).failure.code is ErrorCode.DEADLINE_EXCEEDED


async def test_a_job_past_its_deadline_fails_and_its_slot_is_free(start, jobs, blobs, parsers) -> None:
    parsers.gate = asyncio.Event()
    await start(jobs=1, limits=JobLimits(files=1, deadline_s=2.0, splitting=Splitting(slots=1)))
    await submit(jobs, blobs, "late", b"1")
    failure = (await jobs.ended("late")).failure
    assert failure.code is ErrorCode.DEADLINE_EXCEEDED
    assert failure.message == "The job was not done within 2 seconds"
    parsers.gate.set()
    await submit(jobs, blobs, "next", b"1")
    assert (await jobs.ended("next")).failure is None


def age(root: Path, *keys: str) -> None:
    for key in keys:
        for path in (root / key, *(root / key).parents):
            if path != root and root in path.parents:
                os.utime(path, (1, 1))


async def test_only_old_blobs_that_no_job_owns_are_removed(jobs, parsers, clock, tmp_path) -> None:
    blobs = open_blobs(str(tmp_path / "blobs"))
    await finished(jobs, "buried")
    clock.now += 2000
    await jobs.forget(["buried"])
    await finished(jobs, "job")
    removed = ("inputs/orphan/0", "results/buried/0/response.json")
    kept = ("inputs/job/0", "results/job/0/response.json", "inputs/uploading/0")
    for key in (*removed, *kept):
        await blobs.put(key, b"data")
    age(tmp_path / "blobs", *removed, *kept[:2])
    config = DispatcherConfig(jobs=1, orphan_age_s=60.0, limits=LIMITS)
    async with running(Dispatcher(jobs, parsers, blobs, FakeFetcher(), config)):
        await gone(blobs, removed[1])  # the last one that is removed
    assert await has(blobs, *removed, *kept) == [False, False, True, True, True]


async def test_blobs_that_the_store_removes_itself_are_left_to_it_and_never_listed(
    start, jobs, blobs, clock, monkeypatch
) -> None:
    listed: list[str] = []
    for method in ("unchanged_since", "delete_prefix", "delete_prefixes", "keep_newest"):
        monkeypatch.setattr(blobs, method, lambda *given, method=method, **how: listed.append(method))
    await submit(jobs, blobs, "old", b"1")
    await finished(jobs, "old")
    clock.now += 2000
    await blobs.put("inputs/orphan/0", b"data")
    await start(blobs_expire=True, orphan_age_s=0.0)

    async def is_expired() -> bool:
        try:
            await jobs.get("old")
        except JobExpired:
            return True
        return False

    await eventually(is_expired)
    assert await has(blobs, "inputs/old/0", "inputs/orphan/0") == [True, True]
    assert not listed


async def test_files_of_jobs_on_registries_that_are_not_there_are_kept(jobs, parsers, tmp_path) -> None:
    blobs = open_blobs(str(tmp_path / "blobs"))
    for key in ("inputs/3-orphan/0", "inputs/orphan/0", "results/orphan/0/response.json"):
        await blobs.put(key, b"data")
        age(tmp_path / "blobs", key)
    config = DispatcherConfig(jobs=1, orphan_age_s=60.0, limits=LIMITS)
    async with running(Dispatcher(jobs, parsers, blobs, FakeFetcher(), config)):
        await gone(blobs, "results/orphan/0/response.json")
    assert await has(blobs, "inputs/3-orphan/0", "inputs/orphan/0") == [True, False]


async def test_nothing_is_removed_from_the_store_of_another_journal(jobs, parsers, tmp_path) -> None:
    """As when a second service gets the store of the first one, by mistake."""
    blobs = open_blobs(str(tmp_path / "blobs"))
    await blobs.put("journals/0", b"another")
    await blobs.put("inputs/theirs/0", b"data")
    age(tmp_path / "blobs", "inputs/theirs/0")
    config = DispatcherConfig(jobs=1, orphan_age_s=60.0, limits=LIMITS)

    async def is_told() -> bool:
        return any(line["event"] == "blobs_of_another_journal" for line in logs)

    with capture_logs() as logs:
        async with running(Dispatcher(jobs, parsers, blobs, FakeFetcher(), config)):
            await eventually(is_told)
    assert await has(blobs, "inputs/theirs/0") == [True]


async def test_a_store_belongs_to_the_journal_that_uses_it_first(jobs, parsers, tmp_path) -> None:
    blobs = open_blobs(str(tmp_path / "blobs"))
    config = DispatcherConfig(jobs=1, orphan_age_s=60.0, limits=LIMITS)
    for orphan in ("inputs/first/0", "inputs/second/0"):  # each is removed by a dispatcher of its own
        await blobs.put(orphan, b"data")
        age(tmp_path / "blobs", orphan)
        async with running(Dispatcher(jobs, parsers, blobs, FakeFetcher(), config)):
            await gone(blobs, orphan)
    assert [(await blobs.get("journals/0")).decode()] == await jobs.journal_ids()


async def test_a_changed_deadline_counts_for_further_jobs(start, jobs, blobs, parsers) -> None:
    parsers.gate = asyncio.Event()
    dispatcher = await start(jobs=2)
    await submit(jobs, blobs, "earlier", b"1")
    await eventually(lambda: len(jobs.claims) == 1)
    dispatcher.change_limits(JobLimits(files=1, deadline_s=0.1, splitting=Splitting(slots=1)))
    await submit(jobs, blobs, "later", b"1")
    assert (await jobs.ended("later")).failure.code is ErrorCode.DEADLINE_EXCEEDED
    parsers.gate.set()
    assert (await jobs.ended("earlier")).failure is None
