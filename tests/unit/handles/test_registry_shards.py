"""Three real registries behind the interface of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from actors.errors import FleetUnavailable, IdempotencyConflict, StaleLease
from actors.handles.registry_shards import RegistryShards
from actors.job_ids import new_job_id, shard_of
from actors.messages import Claim, Heartbeat, InputFile, JobOutcome, JobSpec
from client.models import JobStatusEnum, ParseOptions, Progress
from tests.threaded_registry import ThreadedRegistry
from tests.waiting import eventually_async

SHARDS = 3


@pytest.fixture
async def each(tmp_path: Path) -> AsyncIterator[list[ThreadedRegistry]]:
    made = [await asyncio.to_thread(ThreadedRegistry, tmp_path / str(shard)) for shard in range(SHARDS)]
    yield made
    for registry in made:
        await registry.close()


@pytest.fixture
def registry(each: list[ThreadedRegistry]) -> RegistryShards:
    return RegistryShards(each)


ticks = count()


def spec(key: str | None = None, *, shard: int | None = None, webhook: bool = False) -> JobSpec:
    job_id = next(made for _ in count() if shard in (None, shard_of(made := new_job_id(SHARDS, "", key))))
    file = InputFile(filename="a.pdf", blob="inputs/0", size=1, sha256="00")
    return JobSpec(
        job_id=job_id,
        files=(file,),
        options=ParseOptions(),
        submitted_at=float(next(ticks)),
        idempotency_key=key,
        webhook_url="https://example.org" if webhook else None,
    )


async def submit(registry: RegistryShards, jobs: int) -> list[str]:
    """Submit jobs, in turn on each registry. Returns their ids, the oldest first."""
    return [(await registry.submit(spec(shard=number % SHARDS))).job_id for number in range(jobs)]


async def claim_all(registry: RegistryShards, dispatcher: str, jobs: int) -> list[Claim]:
    claims: list[Claim] = []
    async with asyncio.timeout(30):
        while len(claims) < jobs:
            held = [(claim.spec.job_id, claim.lease) for claim in claims]
            claims += await registry.claim(dispatcher, jobs - len(claims), 5.0, held)
    return claims


# -- one job --------------------------------------------------------------------------------------------------------


async def test_a_job_is_found_by_its_id_on_whichever_registry_it_is(registry: RegistryShards) -> None:
    for job_id in await submit(registry, 2 * SHARDS):
        view = await registry.get(job_id)
        assert view
        assert view.job_id == job_id


@pytest.mark.parametrize("job_id", ["unknown", "2-unknown", "9-unknown"])
async def test_an_unknown_job_is_unknown(registry: RegistryShards, job_id: str) -> None:
    assert await registry.get(job_id) is None


async def test_a_key_gives_the_same_job_again(registry: RegistryShards) -> None:
    for number in range(2 * SHARDS):
        first, again = [await registry.submit(spec(f"key {number}")) for _ in range(2)]
        assert first.job_id == again.job_id


async def test_a_key_that_an_upload_holds_is_refused_to_another(registry: RegistryShards) -> None:
    holder, other = (new_job_id(SHARDS, "me", "key") for _ in range(2))
    await registry.hold_key("me", "key", holder)
    with pytest.raises(IdempotencyConflict):
        await registry.hold_key("me", "key", other)
    await registry.release_key("me", "key", holder)
    await registry.hold_key("me", "key", other)


async def test_a_job_goes_from_its_claim_to_its_end_on_its_own_registry(registry: RegistryShards) -> None:
    jobs = await submit(registry, SHARDS)
    for claim in await claim_all(registry, "d", SHARDS):
        assert await registry.heartbeat([beat(claim)]) == []
        await registry.finish(claim.spec.job_id, claim.lease, JobOutcome())
    for job_id in jobs:
        assert (await registry.wait_ended(job_id, 5.0)).status is JobStatusEnum.COMPLETED
        await registry.delete(job_id, "")
        assert await registry.get(job_id) is None


def beat(claim: Claim) -> Heartbeat:
    return Heartbeat(job_id=claim.spec.job_id, lease=claim.lease, progress=Progress())


# -- claims ---------------------------------------------------------------------------------------------------------


async def test_a_claim_takes_jobs_of_all_registries_and_no_more_than_asked(registry: RegistryShards) -> None:
    jobs = await submit(registry, 4 * SHARDS)
    few = await registry.claim("d", 5, 0.0, [])
    assert len(few) == 5
    rest = await claim_all(registry, "e", 4 * SHARDS - 5)
    assert {claim.spec.job_id for claim in (*few, *rest)} == set(jobs)


async def test_a_claim_waits_for_a_job_of_any_registry(registry: RegistryShards) -> None:
    for shard in range(SHARDS):
        waiting = asyncio.create_task(claim_all(registry, "d", 1))
        await asyncio.sleep(0)
        submitted = await registry.submit(spec(shard=shard))
        (claim,) = await waiting
        assert claim.spec.job_id == submitted.job_id
        await registry.finish(claim.spec.job_id, claim.lease, JobOutcome())


async def test_a_job_costs_one_claim_however_many_dispatchers_wait_for_it(
    each: list[ThreadedRegistry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.registry.claim_turns.TURN_S", 600.0)  # none is too late, however busy this machine is
    claims: list[str] = []

    async def note(dispatcher: str, *others: object) -> None:
        claims.append(dispatcher)

    for shard in each:
        shard.before["claim"] = note
    dispatchers = [asyncio.create_task(claim_all(RegistryShards(each), name, 100)) for name in "abcd"]
    await eventually_async(lambda: len(claims) == 4 * SHARDS, what="a first claim of each at each registry")
    for jobs in range(1, 3 * SHARDS + 1):
        await submit(RegistryShards(each), 1)
        await eventually_async(lambda jobs=jobs: len(claims) == 4 * SHARDS + jobs, what="a claim of the new job")
    assert sum([(await shard.stats()).running for shard in each]) == 3 * SHARDS
    for dispatcher in dispatchers:
        dispatcher.cancel()


async def test_a_claim_in_vain_takes_nothing_afterwards(registry: RegistryShards, each: list[ThreadedRegistry]) -> None:
    assert await registry.claim("gone", 5, 0.01, []) == []
    await submit(registry, SHARDS)
    assert [(await shard.stats()).queued for shard in each] == [1] * SHARDS


async def test_what_a_lost_response_held_is_given_again(registry: RegistryShards) -> None:
    await submit(registry, SHARDS)
    lost = await claim_all(registry, "d", SHARDS)
    again = await claim_all(registry, "d", SHARDS)
    assert {(claim.spec.job_id, claim.lease) for claim in again} == {(claim.spec.job_id, claim.lease) for claim in lost}


async def test_a_registry_that_is_away_does_not_keep_the_jobs_of_others(
    registry: RegistryShards, each: list[ThreadedRegistry]
) -> None:
    jobs = await submit(registry, SHARDS)
    for call in ("claim", "claimable"):
        each[1].failures[call] = [FleetUnavailable("away")] * 2
    claims = await claim_all(registry, "d", SHARDS - 1)
    assert {claim.spec.job_id for claim in claims} == {jobs[0], jobs[2]}
    (late,) = await claim_all(registry, "e", 1)  # once it is back
    assert late.spec.job_id == jobs[1]


async def test_a_registry_that_is_away_is_asked_for_jobs_once_and_again_when_it_answers(
    registry: RegistryShards, each: list[ThreadedRegistry]
) -> None:
    each[1].failures["claim"] = [FleetUnavailable("away")] * 5
    each[1].failures["claimable"] = [FleetUnavailable("away")] * 1_000
    assert await registry.claim("d", 5, 0.0, []) == []  # asks all registries
    for asked in (1, 3):
        await registry.submit(spec(shard=0))
        assert len(await claim_all(registry, "d", 1)) == 1
        await eventually_async(lambda asked=asked: len(each[1].failures["claimable"]) <= 1_000 - asked)
    assert len(each[1].failures["claim"]) == 4


async def test_a_dispatcher_that_leaves_gives_back_the_jobs_of_all_registries(registry: RegistryShards) -> None:
    jobs = await submit(registry, SHARDS)
    await claim_all(registry, "d", SHARDS)
    await registry.leave("d")
    assert {claim.spec.job_id for claim in await claim_all(registry, "e", SHARDS)} == set(jobs)


async def test_leases_are_released_and_renewed_on_all_registries(registry: RegistryShards) -> None:
    jobs = await submit(registry, SHARDS)
    claims = await claim_all(registry, "d", SHARDS)
    assert await registry.heartbeat([beat(claim) for claim in claims]) == []
    await registry.release([(claim.spec.job_id, claim.lease) for claim in claims])
    assert set(await registry.heartbeat([beat(claim) for claim in claims])) == set(jobs)
    with pytest.raises(StaleLease):
        await registry.finish(claims[0].spec.job_id, claims[0].lease, JobOutcome())


async def test_heartbeats_reach_the_other_registries_while_one_is_away(
    registry: RegistryShards, each: list[ThreadedRegistry]
) -> None:
    await submit(registry, SHARDS)
    claims = await claim_all(registry, "d", SHARDS)
    each[0].failures["heartbeat"] = [FleetUnavailable("away")]
    with pytest.raises(FleetUnavailable):
        await registry.heartbeat([beat(claim) for claim in claims])
    assert [len(shard.beats) for shard in each] == [0, 1, 1]


# -- all jobs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_a_list_of_all_registries_is_read_page_by_page_newest_first(registry: RegistryShards, limit: int) -> None:
    jobs = [*await submit(registry, 7), *[(await registry.submit(spec(shard=2))).job_id for _ in range(4)]]
    listed: list[str] = []
    page, cursor = await registry.list_jobs("", None, limit, None)
    listed += [view.job_id for view in page]
    for _ in range(len(jobs)):
        if cursor is None:
            break
        page, cursor = await registry.list_jobs("", None, limit, cursor)
        listed += [view.job_id for view in page]
    assert cursor is None
    assert listed == jobs[::-1]


async def test_a_cursor_from_before_there_were_more_registries_still_goes_on(registry: RegistryShards) -> None:
    jobs = [(await registry.submit(spec(shard=0))).job_id for _ in range(3)]
    page, _ = await registry.list_jobs("", None, 10, "2")
    assert [view.job_id for view in page] == jobs[:1]


async def test_the_counts_are_those_of_all_registries_that_answer(
    registry: RegistryShards, each: list[ThreadedRegistry]
) -> None:
    await submit(registry, 2 * SHARDS)
    await registry.claim("d", 1, 0.0, [])
    assert (await registry.stats()).queued == 2 * SHARDS - 1
    assert (await registry.stats()).running == 1
    each[2].failures["stats"] = [FleetUnavailable("away")]
    assert (await registry.stats()).queued < 2 * SHARDS - 1
    for shard in each:
        shard.failures["stats"] = [FleetUnavailable("away")]
    with pytest.raises(FleetUnavailable):
        await registry.stats()


async def test_changes_of_all_registries_are_told_each_once(registry: RegistryShards) -> None:
    now = await registry.changes("", None, 0.0)
    assert not now.complete
    jobs = await submit(registry, SHARDS)
    told = await registry.changes("", now.cursor, 5.0)
    assert told.complete
    assert {view.job_id for view in told.jobs} == set(jobs)
    assert (await registry.changes("", told.cursor, 0.01)).jobs == ()


async def test_a_reader_of_changes_hears_of_a_job_on_any_registry(registry: RegistryShards) -> None:
    cursor = (await registry.changes("", None, 0.0)).cursor
    for shard in range(SHARDS):
        waiting = asyncio.create_task(registry.changes("", cursor, 5.0))
        await asyncio.sleep(0)
        submitted = await registry.submit(spec(shard=shard))
        told = await waiting
        assert [view.job_id for view in told.jobs] == [submitted.job_id]
        cursor = told.cursor


async def test_a_registry_that_started_anew_makes_readers_list_their_jobs_again(registry: RegistryShards) -> None:
    first, *others = (await registry.changes("", None, 0.0)).cursor.split(".")
    unknown = ".".join(["anotherlife-7", *others])
    assert first != "anotherlife-7"
    assert not (await registry.changes("", unknown, 5.0)).complete


async def test_deliveries_of_all_registries_are_due(registry: RegistryShards) -> None:
    jobs = [(await registry.submit(spec(shard=shard, webhook=True))).job_id for shard in range(SHARDS)]
    for claim in await claim_all(registry, "d", SHARDS):
        await registry.finish(claim.spec.job_id, claim.lease, JobOutcome())
    due = await registry.due_deliveries(16)
    assert {delivery.job.job_id for delivery in due} == set(jobs)
    assert [delivery.kind for delivery in await registry.deliveries(jobs[1])] == ["webhook"]
