import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from actors.scheduling.fair_semaphore import FairSemaphore


async def hold(slots: FairSemaphore, job: str, order: list[str], release: asyncio.Event | None = None) -> None:
    async with slots.slot(job):
        order.append(job)
        if release:
            await release.wait()
        await asyncio.sleep(0)


async def test_a_small_job_takes_its_turn_before_a_large_jobs_backlog() -> None:
    slots, order, release = FairSemaphore(1), [], asyncio.Event()
    first = asyncio.create_task(hold(slots, "large", order, release))
    await asyncio.sleep(0)
    backlog = [asyncio.create_task(hold(slots, "large", order)) for _ in range(5)]
    await asyncio.sleep(0)
    small = asyncio.create_task(hold(slots, "small", order))
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(first, *backlog, small)
    assert order.index("small") <= 2


@pytest.mark.parametrize(("spans", "short", "granted"), [(3, 3, "aSbSbSb"), (2, 4, "aSbSbSS"), (3, 0, "abbb")])
async def test_short_calls_go_first_but_never_two_of_them_before_a_span(spans: int, short: int, granted: str) -> None:
    slots, order, release = FairSemaphore(1), [], asyncio.Event()

    async def hold_shortly(job: str) -> None:
        async with slots.slot(job, short=True):
            order.append("S")

    async with asyncio.TaskGroup() as group:
        group.create_task(hold(slots, "a", order, release))
        await asyncio.sleep(0)
        for _ in range(spans):
            group.create_task(hold(slots, "b", order))
        for number in range(short):
            group.create_task(hold_shortly(f"short {number}"))
        await asyncio.sleep(0)
        release.set()
    assert "".join(order) == granted


class WithReserve(FairSemaphore):
    """One slot is left to calls that do not yield."""

    @property
    def reserved(self) -> int:
        return 1


async def yield_slot(slots: FairSemaphore, order: list[str], release: asyncio.Event) -> None:
    async with slots.slot("long", yields=True):
        order.append("long")
        await release.wait()


async def test_a_newcomer_has_a_slot_at_once_beside_a_job_whose_calls_yield() -> None:
    slots, order, release = WithReserve(3), [], asyncio.Event()
    long = [asyncio.create_task(yield_slot(slots, order, release)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.wait_for(hold(slots, "small", order), timeout=5)
    assert order == ["long", "long", "small"]
    release.set()
    await asyncio.gather(*long)


async def test_calls_that_yield_take_turns_with_a_stream_of_others() -> None:
    slots, order, release = WithReserve(2), [], asyncio.Event()
    release.set()
    async with asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(hold(slots, f"small {number}", order))
        group.create_task(yield_slot(slots, order, release))
        for number in range(6, 12):
            group.create_task(hold(slots, f"small {number}", order))
    assert order.index("long") <= 6


async def test_a_window_that_yielding_calls_fill_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.scheduling.fair_semaphore.STANDSTILL_S", 0.0)
    slots, release = WithReserve(2), asyncio.Event()
    assert not slots.stands_still()
    long = [asyncio.create_task(yield_slot(slots, [], release)) for _ in range(2)]
    await asyncio.sleep(0)
    assert slots.stands_still()
    release.set()
    await asyncio.gather(*long)
    assert not slots.stands_still()


async def test_no_more_than_the_window_is_in_use() -> None:
    slots, in_use, most = FairSemaphore(3), 0, 0

    async def work(job: str) -> None:
        nonlocal in_use, most
        async with slots.slot(job):
            in_use += 1
            most = max(most, in_use)
            await asyncio.sleep(0)
            in_use -= 1

    await asyncio.gather(*(work(f"job{i % 4}") for i in range(40)))
    assert most == 3


async def test_a_larger_window_lets_waiting_work_in_at_once() -> None:
    slots, order, release = FairSemaphore(1), [], asyncio.Event()
    tasks = [asyncio.create_task(hold(slots, f"job{i}", order, release)) for i in range(3)]
    await asyncio.sleep(0)
    assert len(order) == 1
    slots.resize(3)
    await asyncio.sleep(0)
    assert len(order) == 3
    release.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("granted_first", [True, False])
async def test_a_cancelled_waiter_leaves_no_slot_behind(granted_first: bool) -> None:
    slots, order, release = FairSemaphore(1), [], asyncio.Event()
    holder = asyncio.create_task(hold(slots, "a", order, release))
    await asyncio.sleep(0)
    waiter = asyncio.create_task(hold(slots, "b", order))
    await asyncio.sleep(0)
    if granted_first:
        release.set()
        await holder  # its release has granted the slot to the waiter, whose task has not run yet
    waiter.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiter
    release.set()
    await holder
    await asyncio.wait_for(hold(slots, "c", order), timeout=5)
    assert order[-1] == "c"


@contextlib.asynccontextmanager
async def held(slots: FairSemaphore, *owners: str) -> AsyncIterator[None]:
    """Slots that nobody frees."""
    async with contextlib.AsyncExitStack() as stack:
        for number, owner in enumerate(owners):
            await stack.enter_async_context(slots.slot(f"held {number}", owner=owner))
        yield


async def wait_for_slots(slots: FairSemaphore, *owners: str) -> list[asyncio.Task[None]]:
    async def work(job: str, owner: str) -> None:
        async with slots.slot(job, owner=owner):
            pass

    tasks = [asyncio.create_task(work(f"waits {number}", owner)) for number, owner in enumerate(owners)]
    await asyncio.sleep(0)
    return tasks


async def test_an_owner_who_holds_no_slot_gets_one_beyond_a_window_that_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actors.scheduling.fair_semaphore.STANDSTILL_S", 0.0)
    slots = FairSemaphore(2)
    async with held(slots, "hostile", "hostile"):
        more, tiny = await wait_for_slots(slots, "hostile", "neighbour")
        slots.let_newcomer_in()
        await asyncio.wait_for(tiny, timeout=5)
        slots.let_newcomer_in()
        await asyncio.sleep(0)
        assert not more.done()
    await asyncio.wait_for(more, timeout=5)


async def test_a_window_that_moves_lets_nobody_in_beyond_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.scheduling.fair_semaphore.STANDSTILL_S", 60.0)
    slots = FairSemaphore(1)
    async with held(slots, "first"):
        (tiny,) = await wait_for_slots(slots, "neighbour")
        slots.let_newcomer_in()
        await asyncio.sleep(0)
        assert not tiny.done()
    await asyncio.wait_for(tiny, timeout=5)


@pytest.mark.parametrize(("size", "beyond"), [(1, 1), (2, 1), (8, 4)])
async def test_a_window_grows_by_half_of_its_size_at_most(
    size: int, beyond: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.scheduling.fair_semaphore.STANDSTILL_S", 0.0)
    slots, order, release = FairSemaphore(size), [], asyncio.Event()
    jobs = [asyncio.create_task(hold(slots, f"job {number}", order, release)) for number in range(3 * size)]
    await asyncio.sleep(0)
    for _ in jobs:
        slots.let_newcomer_in()
    await asyncio.sleep(0)
    assert len(order) == size + beyond
    release.set()
    await asyncio.gather(*jobs)
