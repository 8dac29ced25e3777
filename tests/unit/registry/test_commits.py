"""Group commit: order, sharing, and the effect of a failed write."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from actors.errors import StoreUnavailable
from actors.messages import JobSpec
from actors.registry.commits import GroupCommit
from actors.registry.lifecycle import State
from actors.registry.record import JobRecord, Save, Show


class Disk:
    """A journal that writes when the test allows it, and records what was written together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.shown: list[int] = []
        self.failures: list[Exception] = []
        self.broken = False
        self.may_write = threading.Semaphore(0)

    def write(self, saves: Sequence[Save]) -> None:
        self.may_write.acquire()
        if self.broken:
            raise OSError("no space left on device")
        self.batches.append([save.after.seq for save in saves])

    def show(self, job: JobRecord) -> None:
        self.shown.append(job.seq)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def commits(disk: Disk) -> Iterator[GroupCommit]:
    with ThreadPoolExecutor(1) as thread:
        yield GroupCommit(thread, disk.write, disk.show, disk.failures.append)
        disk.may_write.release(10)


@pytest.fixture
def job(make_spec: Callable[..., JobSpec]) -> Callable[[int], JobRecord]:
    return lambda seq: JobRecord(spec=make_spec(f"j{seq}"), seq=seq, state=State.QUEUED, version=0)


Job = Callable[[int], JobRecord]


async def first_write_begins() -> None:
    """A write begins one turn of the loop after the first change, so that it takes along what that change leads to."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_what_changes_during_a_write_goes_together_into_the_next(
    commits: GroupCommit, disk: Disk, job: Job
) -> None:
    commits.add([Save(None, job(1))])
    await first_write_begins()
    commits.add([Save(None, job(2))])
    commits.add([Save(None, job(3))])
    disk.may_write.release(2)
    await commits.settled()
    assert disk.batches == [[1], [2, 3]]
    assert disk.shown == [1, 2, 3]


async def test_what_a_change_leads_to_at_once_goes_into_the_same_write(
    commits: GroupCommit, disk: Disk, job: Job
) -> None:
    commits.add([Save(None, job(1))])
    asyncio.get_running_loop().call_soon(commits.add, [Save(None, job(2))])
    disk.may_write.release(2)
    await asyncio.sleep(0)
    await commits.settled()
    assert disk.batches == [[1, 2]]


async def test_of_several_changes_to_a_job_only_the_last_is_shown(commits: GroupCommit, disk: Disk, job: Job) -> None:
    first, last = job(1), replace(job(1), seq=2)
    commits.add([Save(None, first), Save(first, last)])
    disk.may_write.release()
    await commits.settled()
    assert disk.shown == [2]


async def test_nothing_is_shown_before_it_is_written(commits: GroupCommit, disk: Disk, job: Job) -> None:
    commits.add([Save(None, job(1))])
    settling = asyncio.create_task(commits.settled())
    await asyncio.sleep(0)
    assert (disk.shown, settling.done()) == ([], False)
    disk.may_write.release()
    await settling
    assert disk.shown == [1]


async def test_what_is_only_shown_keeps_its_place_and_needs_no_write(
    commits: GroupCommit, disk: Disk, job: Job
) -> None:
    commits.add([Show(job(1))])
    await commits.settled()
    assert (disk.shown, disk.batches) == ([1], [])
    commits.add([Save(None, job(2)), Show(job(3))])
    disk.may_write.release()
    await commits.settled()
    assert disk.shown == [1, 2, 3]


async def test_settled_is_at_once_when_there_is_nothing_to_write(commits: GroupCommit) -> None:
    commits.add([])
    await commits.settled()


async def test_a_caller_that_goes_away_takes_no_other_along(commits: GroupCommit, disk: Disk, job: Job) -> None:
    commits.add([Save(None, job(1))])
    leaving, staying = (asyncio.create_task(commits.settled()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    disk.may_write.release()
    await staying
    assert disk.batches == [[1]]


async def test_a_failed_write_fails_all_who_wait_also_behind_it(commits: GroupCommit, disk: Disk, job: Job) -> None:
    disk.broken = True
    commits.add([Save(None, job(1))])
    first = asyncio.create_task(commits.settled())
    await first_write_begins()
    commits.add([Save(None, job(2))])
    behind = asyncio.create_task(commits.settled())
    await asyncio.sleep(0)
    disk.may_write.release(2)
    for waiting in (first, behind):
        with pytest.raises(StoreUnavailable):
            await waiting
    assert [str(failure) for failure in disk.failures] == ["no space left on device"]
    assert (disk.batches, disk.shown) == ([], [])


async def test_writing_goes_on_after_a_failure(commits: GroupCommit, disk: Disk, job: Job) -> None:
    disk.broken = True
    disk.may_write.release(2)
    commits.add([Save(None, job(1))])
    with pytest.raises(StoreUnavailable):
        await commits.settled()
    await commits.settled()
    disk.broken = False
    commits.add([Save(None, job(2))])
    await commits.settled()
    assert disk.shown == [2]
