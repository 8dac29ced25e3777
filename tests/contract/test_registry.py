"""The JobRegistry's contract, on SQLite and PostgreSQL, without Ray."""

from __future__ import annotations

import asyncio
import errno
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import stamina
from sqlalchemy.exc import InternalError, OperationalError

from actors.errors import (
    IdempotencyConflict,
    IdempotencyMismatch,
    JobEnded,
    JobExpired,
    JobNotFound,
    QueueFull,
    StaleLease,
    StoreUnavailable,
)
from actors.messages import Claim, Heartbeat, InputFile, JobOutcome, JobSpec
from actors.registry import journaled_ledger
from actors.registry.journal import Journal, JournalUnusable
from actors.registry.ledger import Ledger
from actors.registry.registry import JobRegistry, RegistryConfig
from actors.registry.version import version_of
from actors.registry_answers import QueueStats
from actors.sources import Source
from client.models import ErrorCode, JobStatusEnum, ParseOptions, Progress

TTL_S = 100.0
SOON = 0.01  # of waits that are meant to run out


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


Start = Callable[[], JobRegistry]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def start(database_url: str, clock: Clock) -> AsyncIterator[Start]:
    """Starts any number of registries on the same database."""
    config = RegistryConfig(database_url=database_url, max_queued_jobs=1000, max_queued_bytes=10**6, job_ttl_s=TTL_S)
    started: list[JobRegistry] = []

    def start_() -> JobRegistry:
        started.append(JobRegistry(config, clock))
        return started[-1]

    yield start_
    for registry in started:
        await registry.close()


@pytest.fixture
async def registry(start: Start) -> JobRegistry:
    return start()


def spec(job_id: str, **more: Any) -> JobSpec:
    file = InputFile(filename="a.pdf", blob=f"inputs/{job_id}/0", size=1, sha256="00")
    return JobSpec(job_id=job_id, files=(file,), options=ParseOptions(), submitted_at=1.0, **more)


async def claim(registry: JobRegistry) -> Claim:
    (claimed,) = await registry.claim("d", 1, 0)
    return claimed


async def end(registry: JobRegistry, job_id: str) -> Claim:
    """Submit a job and complete it."""
    await registry.submit(spec(job_id))
    claimed = await claim(registry)
    await registry.finish(job_id, claimed.lease, JobOutcome())
    return claimed


def beat(claimed: Claim, pages_done: int = 0) -> Heartbeat:
    return Heartbeat(job_id=claimed.spec.job_id, lease=claimed.lease, progress=Progress(pages_done=pages_done))


# -- a job's way ----------------------------------------------------------------------------------------------------


async def test_a_job_from_submit_to_its_end(registry: JobRegistry, clock: Clock) -> None:
    submitted = await registry.submit(spec("a", metadata={"k": 1}))
    assert (submitted.status, submitted.queue_position, submitted.metadata) == (JobStatusEnum.PENDING, 1, {"k": 1})
    claimed = await claim(registry)
    running = await registry.get("a")
    assert (running.status, running.started_at, running.attempts) == (JobStatusEnum.PROCESSING, clock.now, 1)
    await registry.finish("a", claimed.lease, JobOutcome(progress=Progress(files_done=1)))
    done = await registry.get("a")
    assert (done.status, done.completed_at, done.progress.files_done) == (JobStatusEnum.COMPLETED, clock.now, 1)
    assert submitted.version < running.version < done.version
    assert await registry.stats() == QueueStats(queued=0, running=0)


async def test_many_are_answered_in_the_order_asked(registry: JobRegistry) -> None:
    await end(registry, "ended")
    await registry.submit(spec("queued"))
    views = await registry.get_many(["queued", "unknown", "ended", "queued"])
    assert [view and view.job_id for view in views if not isinstance(view, JobExpired)] == [
        "queued",
        None,
        "ended",
        "queued",
    ]


async def test_an_unknown_job_is_not_found(registry: JobRegistry) -> None:
    with pytest.raises(JobNotFound, match="Job x not found"):
        await registry.get("x")
    with pytest.raises(JobNotFound):
        await registry.wait("x", 0, 0)
    with pytest.raises(JobNotFound):
        await registry.cancel("x", "")


async def test_the_registry_tells_which_code_and_settings_it_runs(registry: JobRegistry, database_url: str) -> None:
    config = RegistryConfig(database_url=database_url, max_queued_jobs=1000, max_queued_bytes=10**6, job_ttl_s=TTL_S)
    assert await registry.version() == version_of(config)
    for name in ("max_queued_jobs", "max_queued_bytes", "job_ttl_s", "max_queued_jobs_of_owner"):
        assert await registry.version() != version_of(replace(config, **{name: 1}))


# -- submit ---------------------------------------------------------------------------------------------------------


async def test_many_submits_are_answered_one_by_one(registry: JobRegistry) -> None:
    await registry.submit(spec("a", idempotency_key="k", fingerprint="f"))
    answers = await registry.submit_many([spec("b"), spec("c", idempotency_key="k", fingerprint="g"), spec("d")])
    assert [getattr(answer, "job_id", type(answer)) for answer in answers] == ["b", IdempotencyMismatch, "d"]


async def test_a_submit_that_is_refused_leaves_nothing_behind(registry: JobRegistry) -> None:
    big = InputFile(filename="a", blob="b", size=10**6 + 1, sha256="00")
    with pytest.raises(QueueFull):
        await registry.submit(JobSpec(job_id="a", files=(big,), options=ParseOptions(), submitted_at=0))
    assert await registry.get_many(["a"]) == [None]


@pytest.mark.parametrize("restart", [False, True], ids=["same process", "after a restart"])
@pytest.mark.parametrize("ended", [False, True], ids=["unfinished", "ended"])
async def test_a_repeated_submit_is_the_same_job(start: Start, *, ended: bool, restart: bool) -> None:
    registry = start()
    await registry.submit(spec("a", idempotency_key="k", fingerprint="f"))
    if ended:
        claimed = await claim(registry)
        await registry.finish("a", claimed.lease, JobOutcome())
    if restart:
        registry = start()
    by_id = await registry.submit(spec("a", idempotency_key="k", fingerprint="f"))
    by_key = await registry.submit(spec("b", idempotency_key="k", fingerprint="f"))
    assert by_id.job_id == by_key.job_id == "a"
    assert by_id.status.ended == ended
    with pytest.raises(IdempotencyMismatch):
        await registry.submit(spec("c", idempotency_key="k", fingerprint="g"))
    views, _ = await registry.list_jobs("", None, 10, None)
    assert [view.job_id for view in views] == ["a"]


async def test_submits_at_once_under_one_key_are_one_job(registry: JobRegistry) -> None:
    views = await asyncio.gather(*(registry.submit(spec(f"j{n}", idempotency_key="k")) for n in range(20)))
    assert len({view.job_id for view in views}) == 1


async def test_while_one_upload_holds_a_key_another_with_it_is_refused(registry: JobRegistry) -> None:
    await registry.hold_key("me", "k", "a")
    with pytest.raises(IdempotencyConflict):
        await registry.hold_key("me", "k", "b")
    with pytest.raises(IdempotencyConflict):
        await registry.submit(spec("b", owner="me", idempotency_key="k"))
    await registry.submit(spec("c", owner="you", idempotency_key="k"))
    await registry.submit(spec("a", owner="me", idempotency_key="k"))
    assert (await registry.submit(spec("b", owner="me", idempotency_key="k"))).job_id == "a"


async def test_a_key_whose_job_exists_is_answered_whoever_uploads_with_it(registry: JobRegistry) -> None:
    await registry.submit(spec("a", idempotency_key="k"))
    await registry.hold_key("", "k", "b")
    assert (await registry.submit(spec("c", idempotency_key="k"))).job_id == "a"


async def test_a_submit_that_is_refused_gives_its_key_back(registry: JobRegistry) -> None:
    big = InputFile(filename="a", blob="b", size=10**6 + 1, sha256="00")
    await registry.hold_key("", "k", "a")
    with pytest.raises(QueueFull):
        await registry.submit(
            JobSpec(job_id="a", files=(big,), options=ParseOptions(), submitted_at=0, idempotency_key="k")
        )
    await registry.hold_key("", "k", "b")


async def test_a_job_without_a_key_is_not_one_with_an_empty_key(registry: JobRegistry) -> None:
    await registry.submit(spec("a", idempotency_key=""))
    assert (await registry.submit(spec("b"))).job_id == "b"
    views = await registry.submit_many([spec("c", idempotency_key="", fingerprint=""), spec("d")])
    assert [getattr(view, "job_id", view) for view in views] == ["a", "d"]


# -- following ------------------------------------------------------------------------------------------------------


async def test_a_wait_ends_with_the_next_change(registry: JobRegistry) -> None:
    view = await registry.submit(spec("a"))
    waiting = asyncio.create_task(registry.wait("a", view.version, 60))
    claimed = await claim(registry)
    view = await waiting
    assert view.status is JobStatusEnum.PROCESSING
    waiting = asyncio.create_task(registry.wait("a", view.version, 60))
    await asyncio.sleep(0)
    await registry.heartbeat([beat(claimed, pages_done=3)])
    view = await waiting
    assert view.progress.pages_done == 3
    waiting = asyncio.create_task(registry.wait("a", view.version, 60))
    await asyncio.sleep(0)
    await registry.finish("a", claimed.lease, JobOutcome())
    assert (await waiting).status is JobStatusEnum.COMPLETED


async def test_a_wait_for_what_has_changed_already_is_none(registry: JobRegistry) -> None:
    old = await registry.submit(spec("a"))
    await claim(registry)
    assert (await registry.wait("a", old.version, 60)).version > old.version


async def test_a_wait_for_an_ended_job_is_none(registry: JobRegistry) -> None:
    await end(registry, "a")
    view = await registry.get("a")
    assert await registry.wait("a", view.version, 60) == view


async def test_a_wait_for_the_end_sleeps_through_other_changes(registry: JobRegistry) -> None:
    await registry.submit(spec("a"))
    waiting = asyncio.create_task(registry.wait_ended("a", 600))
    claimed = await claim(registry)
    await asyncio.sleep(0)
    assert not waiting.done()
    await registry.finish("a", claimed.lease, JobOutcome())
    assert (await waiting).status is JobStatusEnum.COMPLETED
    assert await registry.wait_ended("a", 600) == await registry.get("a")


async def test_a_wait_for_the_end_runs_out(registry: JobRegistry) -> None:
    await registry.submit(spec("a"))
    claimed = await claim(registry)
    assert await registry.wait_ended("a", SOON) == await registry.get("a")
    await registry.release([("a", claimed.lease)])


async def test_a_wait_for_the_end_of_no_job_is_refused(registry: JobRegistry) -> None:
    with pytest.raises(JobNotFound):
        await registry.wait_ended("nobody", 600)


async def test_a_wait_for_the_end_of_another_owners_job_ends_at_once(registry: JobRegistry) -> None:
    await registry.submit(spec("a", owner="one"))
    with pytest.raises(JobNotFound):
        await registry.wait_ended("a", 600, "other")
    claimed = await claim(registry)
    await registry.finish("a", claimed.lease, JobOutcome())
    with pytest.raises(JobNotFound):
        await registry.wait_ended("a", 600, "other")
    assert await registry.wait_ended("a", 600, "one") == await registry.get("a")


async def test_a_wait_runs_out(registry: JobRegistry) -> None:
    view = await registry.submit(spec("a"))
    assert await registry.wait("a", view.version, SOON) == view


async def test_ten_thousand_waiters_hear_of_their_jobs(registry: JobRegistry) -> None:
    views = await registry.submit_many([spec(f"j{n}") for n in range(1000)])
    waiting = [
        asyncio.create_task(registry.wait(view.job_id, view.version, 600))
        for view in views * 10
        if not isinstance(view, Exception)
    ]
    await asyncio.sleep(0)
    await registry.claim("d", 1000, 0)
    assert {view.status for view in await asyncio.gather(*waiting)} == {JobStatusEnum.PROCESSING}


async def test_a_waiter_that_goes_away_harms_no_other(registry: JobRegistry) -> None:
    view = await registry.submit(spec("a"))
    first, second = (asyncio.create_task(registry.wait("a", view.version, 60)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await claim(registry)
    assert (await second).status is JobStatusEnum.PROCESSING


# -- lists ----------------------------------------------------------------------------------------------------------


async def test_a_list_is_read_page_by_page_newest_first(registry: JobRegistry) -> None:
    await registry.submit_many([spec(f"j{n}", owner="me") for n in range(5)])
    await registry.submit(spec("other", owner="you"))
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        views, cursor = await registry.list_jobs("me", None, 2, cursor)
        seen += [view.job_id for view in views]
    assert (seen, cursor) == (["j4", "j3", "j2", "j1", "j0"], None)


async def test_a_list_by_status_counts_cancelled_as_failed(registry: JobRegistry) -> None:
    await end(registry, "done")
    await registry.submit(spec("gone"))
    await registry.cancel("gone", "")
    await registry.submit(spec("queued"))

    async def listed(status: JobStatusEnum) -> list[str]:
        return [view.job_id for view in (await registry.list_jobs("", status, 10, None))[0]]

    assert await listed(JobStatusEnum.FAILED) == ["gone"]
    assert await listed(JobStatusEnum.COMPLETED) == ["done"]
    assert await listed(JobStatusEnum.PENDING) == ["queued"]
    assert await listed(JobStatusEnum.PROCESSING) == []


async def test_the_files_of_a_job_are_known_while_it_waits_and_after_its_end(registry: JobRegistry) -> None:
    (uploaded,) = spec("j").files
    fetched = replace(uploaded, remote=True, source=Source(url="https://web.test/?token=sesame"))
    await registry.submit(replace(spec("j"), files=(uploaded, fetched)))
    without_secrets = (uploaded, replace(fetched, source=None))
    assert await registry.inputs("j") == without_secrets
    await registry.cancel("j", "")
    assert await registry.inputs("j") == without_secrets
    assert await registry.inputs("nope") == ()


@pytest.mark.parametrize(("cursor", "listed"), [(None, ["a"]), ("0", []), ("9" * 18, ["a"])])
async def test_a_cursor_bounds_a_list_wherever_it_lies(
    registry: JobRegistry, cursor: str | None, listed: list[str]
) -> None:
    await registry.submit(spec("a"))
    assert [view.job_id for view in (await registry.list_jobs("", None, 10, cursor))[0]] == listed


# -- dispatchers ----------------------------------------------------------------------------------------------------


async def test_a_claim_waits_for_a_job(registry: JobRegistry) -> None:
    claiming = asyncio.create_task(registry.claim("d", 5, 60))
    await asyncio.sleep(0)
    await registry.submit(spec("a"))
    assert [claimed.spec.job_id for claimed in await claiming] == ["a"]


async def test_a_claim_waits_in_vain(registry: JobRegistry) -> None:
    assert await registry.claim("d", 5, SOON) == []


async def test_no_job_goes_to_two_dispatchers(registry: JobRegistry) -> None:
    claiming = [asyncio.create_task(registry.claim(f"d{n}", 2, 60)) for n in range(10)]
    await registry.submit_many([spec(f"j{n}") for n in range(20)])
    claimed = [claimed.spec.job_id for claims in await asyncio.gather(*claiming) for claimed in claims]
    assert sorted(claimed) == sorted(f"j{n}" for n in range(20))


async def test_a_silent_dispatcher_loses_its_job_to_another(
    registry: JobRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as fast:
        fast.setattr(journaled_ledger, "TICK_S", 0.02)
        await registry.submit(spec("a"))
        late = await claim(registry)
        assert await registry.claimable(60)
    (again,) = await registry.claim("other", 1, 60)  # no longer fast: its lease has to outlast a slow commit
    assert (again.attempt, again.spec) == (2, late.spec)
    assert await registry.heartbeat([beat(late)]) == ["a"]
    with pytest.raises(StaleLease):
        await registry.finish("a", late.lease, JobOutcome())
    await registry.finish("a", again.lease, JobOutcome())
    with pytest.raises(StaleLease):
        await registry.finish("a", late.lease, JobOutcome())


async def test_a_clock_that_jumps_takes_no_job_from_its_dispatcher(
    registry: JobRegistry, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a machine was suspended together with its dispatchers."""
    ticked = asyncio.Event()
    tick = Ledger.tick

    def noted_tick(ledger: Ledger, now: float) -> Any:
        ticked.set()
        return tick(ledger, now)

    monkeypatch.setattr(Ledger, "tick", noted_tick)
    await registry.submit(spec("a"))
    claimed = await claim(registry)
    clock.now += 3600
    ticked.clear()
    await ticked.wait()
    await asyncio.sleep(0)
    assert await registry.heartbeat([beat(claimed)]) == []
    await registry.finish("a", claimed.lease, JobOutcome())


async def test_a_finish_may_be_repeated(start: Start, registry: JobRegistry) -> None:
    claimed = await end(registry, "a")
    await registry.finish("a", claimed.lease, JobOutcome())
    await start().finish("a", claimed.lease, JobOutcome())


async def test_two_finishes_at_once_are_one(registry: JobRegistry) -> None:
    await registry.submit(spec("a"))
    claimed = await claim(registry)
    await asyncio.gather(*(registry.finish("a", claimed.lease, JobOutcome()) for _ in range(2)))
    assert (await registry.get("a")).status is JobStatusEnum.COMPLETED


async def test_many_finishes_in_one_call_are_each_accepted_or_refused(registry: JobRegistry) -> None:
    await registry.submit_many([spec(name) for name in "abc"])
    a, b, c = await registry.claim("d", 3, 0)
    await registry.finish("a", a.lease, JobOutcome())
    await registry.release([("b", b.lease)])
    ends = [(one.spec.job_id, one.lease, JobOutcome()) for one in (a, b, c, c)]
    assert [type(refusal) for refusal in await registry.finish_many(ends)] == [
        type(None),  # a repeat
        StaleLease,
        type(None),
        type(None),  # the same job twice in one call
    ]
    assert [(await registry.get(name)).status for name in "abc"] == [
        JobStatusEnum.COMPLETED,
        JobStatusEnum.PENDING,
        JobStatusEnum.COMPLETED,
    ]


async def test_a_dispatcher_is_not_told_to_stop_what_it_is_finishing(registry: JobRegistry) -> None:
    await registry.submit(spec("a"))
    claimed = await claim(registry)
    finishing = asyncio.create_task(registry.finish("a", claimed.lease, JobOutcome()))
    await asyncio.sleep(0)
    assert await registry.heartbeat([beat(claimed)]) == []
    await finishing


async def test_a_released_job_is_claimed_again_at_once(registry: JobRegistry) -> None:
    await registry.submit(spec("a"))
    claimed = await claim(registry)
    claiming = asyncio.create_task(registry.claim("other", 1, 60))
    for _ in range(2):
        await registry.release([("a", claimed.lease)])
    assert [again.attempt for again in await claiming] == [2]


async def test_what_an_answer_lost_is_given_again(start: Start) -> None:
    await start().submit_many([spec(name) for name in "abc"])
    registry = start()
    (first,) = await registry.claim("d", 1, 0)
    (lost,) = await registry.claim("d", 1, 0, [("a", first.lease)])
    for process in (registry, start()):
        assert await process.claim("d", 1, 0, [("a", first.lease)]) == [lost]
        assert await process.claim("other", 0, 0) == []


async def test_a_claim_gets_what_an_abandoned_one_of_the_same_dispatcher_took(registry: JobRegistry) -> None:
    """Ray does not end a call whose caller is gone, and repeats the call when the registry restarts."""
    abandoned = asyncio.create_task(registry.claim("d", 1, 60))
    await asyncio.sleep(0)
    claiming = asyncio.create_task(registry.claim("d", 1, 60))
    await asyncio.sleep(0)
    await registry.submit(spec("a"))
    assert [claimed.spec.job_id for claimed in await claiming] == ["a"]
    assert await claiming == await abandoned


async def test_a_dispatcher_that_leaves_gives_its_jobs_back_uncounted_and_gets_no_more(registry: JobRegistry) -> None:
    await registry.submit_many([spec(name) for name in "abc"])
    claims = await registry.claim("d", 9, 0)
    await registry.cancel("c", "")
    abandoned = asyncio.create_task(registry.claim("d", 9, 600, [(one.spec.job_id, one.lease) for one in claims]))
    claiming = asyncio.create_task(registry.claim("next", 9, 60))
    await asyncio.sleep(0)
    for _ in range(2):
        await registry.leave("d")
    assert [(again.spec.job_id, again.attempt) for again in await claiming] == [("a", 1), ("b", 1)]
    assert (await registry.get("c")).status is JobStatusEnum.FAILED
    assert await abandoned == []
    await registry.submit(spec("late"))
    assert await registry.claim("d", 9, 600) == []


# -- cancel ---------------------------------------------------------------------------------------------------------


async def test_a_cancel_may_be_repeated(start: Start, registry: JobRegistry) -> None:
    await registry.submit(spec("a"))
    await registry.cancel("a", "")
    for process in (registry, start()):
        view = await process.cancel("a", "")
        assert view.status is JobStatusEnum.FAILED
        assert view.failure is not None
        assert view.failure.code is ErrorCode.CANCELLED


async def test_cancel_after_done_changes_nothing(registry: JobRegistry) -> None:
    await end(registry, "a")
    with pytest.raises(JobEnded):
        await registry.cancel("a", "")
    assert (await registry.get("a")).status is JobStatusEnum.COMPLETED


async def test_a_request_to_cancel_survives_a_restart(start: Start, registry: JobRegistry) -> None:
    await registry.submit(spec("a"))
    claimed = await claim(registry)
    assert (await registry.cancel("a", "")).status is JobStatusEnum.PROCESSING
    again = start()
    assert await again.heartbeat([beat(claimed)]) == ["a"]
    await again.release([("a", claimed.lease)])
    assert (await again.get("a")).status is JobStatusEnum.FAILED


async def test_another_owners_job_is_not_there(registry: JobRegistry) -> None:
    await registry.submit(spec("a", owner="me"))
    with pytest.raises(JobNotFound):
        await registry.cancel("a", "you")
    await registry.cancel("a", "me")
    with pytest.raises(JobNotFound):
        await registry.cancel("a", "you")
    await registry.delete("a", "you")
    assert (await registry.get("a")).owner == "me"


# -- time to live ---------------------------------------------------------------------------------------------------


async def test_an_ended_job_expires_then_is_remembered_then_unknown(registry: JobRegistry, clock: Clock) -> None:
    await end(registry, "a")
    clock.now += TTL_S
    assert await registry.expired(10) == []
    clock.now += 1
    assert await registry.expired(10) == ["a"]
    await registry.forget(["a"])
    with pytest.raises(JobExpired):
        await registry.get("a")
    with pytest.raises(JobExpired):
        await registry.cancel("a", "")
    with pytest.raises(JobNotFound):
        await registry.cancel("a", "you")
    clock.now += 8 * 24 * 3600
    await registry.forget([])
    with pytest.raises(JobNotFound):
        await registry.get("a")


async def test_a_deleted_job_is_unknown(registry: JobRegistry) -> None:
    await end(registry, "a")
    await registry.delete("a", "")
    await registry.delete("a", "")
    assert await registry.get_many(["a"]) == [None]


async def test_an_unfinished_job_can_be_neither_forgotten_nor_deleted(registry: JobRegistry) -> None:
    await registry.submit(spec("a"))
    await registry.forget(["a"])
    await registry.delete("a", "")
    assert (await claim(registry)).spec.job_id == "a"


# -- trouble --------------------------------------------------------------------------------------------------------


async def test_a_restart_goes_on_where_the_last_process_stopped(start: Start, registry: JobRegistry) -> None:
    await registry.submit_many([spec(name) for name in "abc"])
    claimed = await claim(registry)
    again = start()
    assert await again.stats() == QueueStats(queued=2, running=1)
    assert await again.heartbeat([beat(claimed)]) == []
    await again.finish("a", claimed.lease, JobOutcome())
    assert (await claim(again)).spec.job_id == "b"


async def test_a_registry_that_was_replaced_changes_nothing_more(start: Start, registry: JobRegistry) -> None:
    await registry.submit(spec("a"))
    new = start()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await registry.submit(spec("b"))
    await new.submit(spec("c"))
    assert await new.get_many(["b"]) == [None]


async def test_a_failed_commit_is_told_and_leaves_nothing_behind(
    registry: JobRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk. Earlier durable jobs are served again as soon as writes work."""
    await registry.submit(spec("before"))
    claimed = await claim(registry)
    view = await registry.get("before")
    waiting = asyncio.create_task(registry.wait("before", view.version, 60))
    await asyncio.sleep(0)
    with monkeypatch.context() as full:
        full.setattr("actors.registry.journal.to_insert", _disk_full)
        full.setattr("actors.registry.journal.to_update", _disk_full)
        full.setattr(Journal, "_take", _disk_full)
        attempts = await asyncio.gather(
            registry.submit(spec("new")),
            registry.finish("before", claimed.lease, JobOutcome()),
            registry.submit(spec("new")),
            return_exceptions=True,
        )
        assert [type(attempt) for attempt in attempts] == [StoreUnavailable] * 3
        with pytest.raises(StoreUnavailable):
            await registry.claim("d", 1, 60)
        assert (await registry.get("before")).status is JobStatusEnum.PROCESSING, "reads go on"
    assert (await waiting).status is JobStatusEnum.PROCESSING, "waits end when the registry is back"
    assert await registry.get_many(["new"]) == [None]
    assert await registry.heartbeat([beat(claimed)]) == []
    await registry.finish("before", claimed.lease, JobOutcome())
    assert (await registry.submit(spec("new"))).status is JobStatusEnum.PENDING


@pytest.mark.parametrize(
    "trouble",
    [
        InternalError("UPDATE", {}, Exception("cannot execute UPDATE in a read-only transaction")),
        OSError(errno.EMFILE, "Too many open files"),
        TypeError("a bug"),
    ],
    ids=["read only", "no file handles", "a bug"],
)
async def test_a_registry_comes_back_whatever_kept_it_from_its_journal(
    registry: JobRegistry, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    """As after a failover: first a write fails, then the database accepts only reads."""
    met = asyncio.Event()
    loop = asyncio.get_running_loop()

    def meet(*_: object) -> None:
        loop.call_soon_threadsafe(met.set)
        raise trouble

    with monkeypatch.context() as away:
        away.setattr("actors.registry.journal.to_insert", _disk_full)
        away.setattr(Journal, "_take", meet)
        with pytest.raises(StoreUnavailable):
            await registry.submit(spec("a"))
        await met.wait()
    async with asyncio.timeout(30):
        async for attempt in stamina.retry_context(on=StoreUnavailable, attempts=None, timeout=None, wait_max=0.1):
            with attempt:
                await registry.submit(spec("b"))
    assert await registry.get_many(["a"]) == [None]


def _disk_full(*_: object) -> None:
    raise OperationalError("INSERT", {}, Exception("database or disk is full"))


async def test_nobody_sees_what_is_not_durable(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads the jobs during the write of one job's end and of a new job."""
    loop = asyncio.get_running_loop()
    write, seen = Journal.write, []

    def look_and_write(journal: Journal, changes: Any) -> None:
        seen.append(asyncio.run_coroutine_threadsafe(registry.get_many(["a", "b"]), loop).result())
        write(journal, changes)

    monkeypatch.setattr(Journal, "write", look_and_write)
    registry = start()
    await registry.submit(spec("a"))
    claimed = await claim(registry)
    seen.clear()
    await asyncio.gather(registry.finish("a", claimed.lease, JobOutcome()), registry.submit(spec("b")))
    ((a, b), *_) = seen
    assert a.status is JobStatusEnum.PROCESSING
    assert b is None
    a, b = await registry.get_many(["a", "b"])
    assert (a.status, b.status) == (JobStatusEnum.COMPLETED, JobStatusEnum.PENDING)


async def test_a_repeated_submit_that_meets_the_end_of_its_job_is_told_of_it(registry: JobRegistry) -> None:
    await registry.submit(spec("a"))
    again, cancelled = await asyncio.gather(registry.submit(spec("a")), registry.cancel("a", ""))
    assert again == cancelled


async def test_a_wait_for_a_job_that_is_durable_and_not_yet_shown_goes_on(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    write, waits = Journal.write, []

    def write_and_wait(journal: Journal, changes: Any) -> None:
        write(journal, changes)
        if not waits:
            waits.append(asyncio.run_coroutine_threadsafe(registry.wait_ended("a", 60), loop))
            for _ in range(5):  # the wait has read the journal by then
                asyncio.run_coroutine_threadsafe(registry.get_many(["a"]), loop).result()

    monkeypatch.setattr(Journal, "write", write_and_wait)
    registry = start()
    await registry.submit(spec("a"))
    claimed = await claim(registry)
    await registry.finish("a", claimed.lease, JobOutcome())
    assert (await asyncio.wrap_future(waits[0])).status is JobStatusEnum.COMPLETED


async def test_an_unreadable_journal_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"scrambled " * 1000)
    config = RegistryConfig(database_url=f"sqlite:///{path}", max_queued_jobs=1, max_queued_bytes=1, job_ttl_s=1)
    with pytest.raises(JournalUnusable, match="file is not a database"):
        JobRegistry(config)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_start_waits_for_a_database_that_starts_as_well(postgres: Any, start: Start) -> None:
    registry = start()
    await registry.submit(spec("a"))
    claimed = await claim(registry)
    await asyncio.to_thread(postgres.stop)
    starting = asyncio.create_task(asyncio.to_thread(start))
    await asyncio.to_thread(postgres.start)
    registry = await starting
    await registry.finish("a", claimed.lease, JobOutcome())


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_registry_comes_back_with_its_database(postgres: Any, start: Start) -> None:
    registry = start()
    await registry.submit(spec("a"))
    claimed = await claim(registry)
    await asyncio.to_thread(postgres.stop)
    try:
        with pytest.raises(StoreUnavailable):
            await registry.finish("a", claimed.lease, JobOutcome())
        with pytest.raises(StoreUnavailable):
            await registry.submit(spec("b"))
    finally:
        await asyncio.to_thread(postgres.start)
    async for attempt in stamina.retry_context(on=StoreUnavailable, attempts=None, timeout=None, wait_max=0.1):
        with attempt:
            await registry.finish("a", claimed.lease, JobOutcome())
    assert (await registry.get("a")).status is JobStatusEnum.COMPLETED
    assert await registry.get_many(["b"]) == [None]


# A process of its own, which says on its output what it was acknowledged.
SUBMITTER = """
import asyncio
import itertools
import sys

from actors.messages import JobSpec
from actors.registry.registry import JobRegistry, RegistryConfig
from client.models import ParseOptions

async def submit(registry, worker):
    for n in itertools.count():
        job_id = f"{worker}-{n}"
        await registry.submit(JobSpec(job_id=job_id, files=(), options=ParseOptions(), submitted_at=0))
        print("acknowledged", job_id, flush=True)

async def main():
    config = RegistryConfig(database_url=sys.argv[1], max_queued_jobs=10**6, max_queued_bytes=1, job_ttl_s=1)
    registry = JobRegistry(config)
    await asyncio.gather(*(submit(registry, worker) for worker in range(8)))

asyncio.run(main())
"""


def acknowledged_before_a_kill(database_url: str) -> list[str]:
    command = [sys.executable, "-c", SUBMITTER, database_url]
    acknowledged: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("acknowledged "):
                acknowledged.append(line.split()[1])
            if len(acknowledged) == 200:
                process.kill()
    return acknowledged


async def test_what_was_acknowledged_survives_a_kill_at_any_moment(start: Start, database_url: str) -> None:
    acknowledged = await asyncio.to_thread(acknowledged_before_a_kill, database_url)
    assert len(acknowledged) >= 200
    assert set(acknowledged) <= {claimed.spec.job_id for claimed in await start().claim("d", 10_000, 0)}
