"""A service with three dispatchers and two registries. One dispatcher is killed while all of them have jobs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from actors.job_ids import shard_of
from tests.faults.conftest import Service, running
from tests.faults.test_churn import GIVE_UP_AFTER_S, PARTS, TRANSIENT, Client
from tests.waiting import eventually_async

DISPATCHERS = 3
EACH = 3  # jobs of a dispatcher at once
JOBS = 24


@pytest.fixture
def several(short_folder: Path) -> Iterator[Service]:
    with running(
        short_folder / "several",
        DISPATCHERS=str(DISPATCHERS),
        REGISTRY_SHARDS="2",
        MAX_CONCURRENT_REQUESTS=str(EACH),
        SLEEP_PER_PAGE_S="0.1",
    ) as service:
        yield service


async def partial_files_of(http: httpx.AsyncClient, client: Client) -> list[dict[str, Any]]:
    answer = await http.get(f"/jobs/{client.job}/results", params={"partial": "true"})
    return (answer.json().get("partial") or {}).get("files", [])


async def test_jobs_of_a_killed_dispatcher_go_on_in_the_others(several: Service) -> None:
    seen: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=several.url, timeout=30) as http:
        clients = [Client(http, f"several-{number}", seen, pages=8) for number in range(JOBS)]
        early, late = clients[: JOBS // 2], clients[JOBS // 2 :]
        await asyncio.gather(*(client.submit() for client in early))

        async def every_dispatcher_is_full() -> bool:
            return (await http.get("/health")).json()["running"] == DISPATCHERS * EACH

        await eventually_async(every_dispatcher_is_full, within_s=GIVE_UP_AFTER_S, every_s=0.1, what="full dispatchers")

        async def known_partially() -> bool:
            return sum(map(bool, await asyncio.gather(*(partial_files_of(http, client) for client in early)))) > EACH

        await eventually_async(
            known_partially, within_s=GIVE_UP_AFTER_S, every_s=0.1, what="partial results of two dispatchers"
        )
        await asyncio.gather(*(client.submit() for client in late))
        await eventually_async(
            every_dispatcher_is_full, within_s=GIVE_UP_AFTER_S, every_s=0.1, what="full dispatchers again"
        )
        assert len(several.pids(PARTS["dispatcher"])) == DISPATCHERS
        assert several.kill(PARTS["dispatcher"]) == 1
        async with asyncio.timeout(GIVE_UP_AFTER_S):
            await asyncio.gather(*(client.poll() for client in clients))
        statuses = [(await http.get(f"/jobs/{client.job}")).json() for client in clients]
    assert {shard_of(client.job) for client in clients} == {0, 1}
    assert [client.ends[0].split()[:2] for client in clients] == [["completed", "8/8"]] * JOBS
    assert all(first == second for first, second in (client.ends for client in clients))
    delivered_again = sum(status["attempts"] > 1 for status in statuses)
    assert 1 <= delivered_again <= EACH
    assert set(seen) <= TRANSIENT
