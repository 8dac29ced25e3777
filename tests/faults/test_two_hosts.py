"""A head node and a worker on two hosts, each with a network, processes and a disk of its own, installed by
the commands of deploy/README.md. The link between them is cut or loses packets, Ray is killed on the worker or on both,
the head loses its power.

Nobody acts: systemd starts Ray again, and docfleet is deployed again.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from tests.faults.conftest import PATIENCE_S
from tests.faults.hosts import Host, missing, two_hosts
from tests.faults.test_churn import TRANSIENT, Client, counts_once_a_job_runs
from tests.waiting import eventually

pytestmark = pytest.mark.slow

JOBS = 10
PAGES = 12
LOST_PERCENT = 5
ALL_END_WITHIN_S = 600.0
#: Of a host without power, nothing comes back.
SILENT = {"ConnectTimeout", "ReadTimeout"}


@pytest.fixture(scope="module")
def hosts(short_folder: Path) -> Iterator[tuple[Host, Host]]:
    if reason := missing():
        pytest.skip(reason)
    with two_hosts(short_folder / "hosts") as (head, worker):
        eventually(lambda: is_ready(head), within_s=PATIENCE_S, every_s=1, what="a service on the head")
        yield head, worker


def url(head: Host) -> str:
    return f"http://{head.address}:8080"


def is_ready(head: Host) -> bool:
    try:
        return httpx.get(f"{url(head)}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


async def all_jobs_end(head: Host, name: str, fault: Callable[[], Awaitable[None]]) -> str:
    """Jobs are at work when the fault comes. Returns what happened."""
    seen: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=url(head), timeout=10) as http:
        clients = [Client(http, f"{name}-{number}", seen, PAGES) for number in range(JOBS)]
        await asyncio.gather(*(client.submit() for client in clients))
        await counts_once_a_job_runs(http)
        began = time.monotonic()
        async with asyncio.timeout(ALL_END_WITHIN_S):
            polls = [asyncio.create_task(client.poll()) for client in clients]
            await fault()
            over = time.monotonic()
            await asyncio.gather(*polls)
    assert [client.ends[0].split()[:2] for client in clients] == [["completed", f"{PAGES}/{PAGES}"]] * JOBS
    assert all(first == second for first, second in (client.ends for client in clients))
    assert set(seen) <= TRANSIENT | SILENT
    ended = time.monotonic()
    return (
        f"{name}: {JOBS} jobs, the fault took {over - began:.0f} s, all done {ended - over:.0f} s later; {dict(seen)}"
    )


def for_seconds(fault: AbstractContextManager[None], seconds: float) -> Callable[[], Awaitable[None]]:
    async def lasting() -> None:
        with fault:
            await asyncio.sleep(seconds)

    return lasting


@pytest.mark.parametrize("seconds", [90, 215])
async def test_no_job_is_lost_while_the_link_to_the_worker_is_cut(hosts: tuple[Host, Host], seconds: int) -> None:
    head, worker = hosts
    print(await all_jobs_end(head, f"cut-{seconds}", for_seconds(worker.unplugged(), seconds)))


async def test_no_job_is_lost_on_a_link_that_loses_packets(hosts: tuple[Host, Host]) -> None:
    head, worker = hosts
    print(await all_jobs_end(head, "lossy", for_seconds(worker.losing(LOST_PERCENT), 30)))


async def test_a_worker_whose_raylet_is_killed_comes_back_by_itself(hosts: tuple[Host, Host]) -> None:
    async def kill_raylet() -> None:
        assert worker.kill("/raylet/raylet ")

    head, worker = hosts
    print(await all_jobs_end(head, "raylet", kill_raylet))


async def test_ray_that_is_killed_on_both_hosts_comes_back_by_itself(hosts: tuple[Host, Host]) -> None:
    async def kill_both() -> None:
        assert head.kill("/gcs_server ")
        assert all(host.kill("/raylet/raylet ") for host in (head, worker))

    head, worker = hosts
    print(await all_jobs_end(head, "killed", kill_both))


async def test_a_head_whose_power_is_cut_comes_back_by_itself(hosts: tuple[Host, Host]) -> None:
    async def power_failure() -> None:
        head.cut_power()
        await asyncio.sleep(10)
        head.start()

    head, _ = hosts
    print(await all_jobs_end(head, "power", power_failure))
