"""A second service on the PostgreSQL and the bucket of a first one: a new head on another machine, or an upgrade."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.conftest import Service, running
from tests.faults.test_churn import GIVE_UP_AFTER_S, Client, counts_once_a_job_runs
from tests.servers import running_postgres, running_s3

pytestmark = pytest.mark.slow

JOBS = 12
PAGES = 10
BUCKET = "docfleet"


@asynccontextmanager
async def shared_state() -> AsyncIterator[dict[str, str]]:
    """The settings of every service on one database and one bucket."""
    with running_postgres() as database, running_s3() as store:
        httpx.put(f"{store}/{BUCKET}").raise_for_status()  # noqa: ASYNC210 - nothing else goes on yet
        yield {
            "DATABASE_URL": database.new_database(),
            "BLOB_URL": f"s3://{BUCKET}/here",
            "AWS_ENDPOINT_URL": store,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "SLEEP_PER_PAGE_S": "0.3",
        }


async def test_a_new_head_goes_on_with_the_jobs_of_one_that_is_lost(short_folder: Path) -> None:
    async with shared_state() as state:
        with running(short_folder / "lost", **state) as old:
            async with client_of(old) as http:
                finished, unfinished = await one_finished_and_others_at_work(http)
                results = await results_of(http, finished)
        began = time.monotonic()
        with running(short_folder / "new", **state) as new:
            ready = time.monotonic()
            async with client_of(new) as http:
                assert await results_of(http, finished) == results
                await end_there(http, unfinished)
    print(f"{JOBS} jobs at work; ready after {ready - began:.0f} s, all done {time.monotonic() - ready:.0f} s later")


async def test_of_two_heads_the_newer_one_has_all_jobs_and_the_older_one_may_change_none(short_folder: Path) -> None:
    async with shared_state() as state:
        with running(short_folder / "older", **state) as older:
            async with client_of(older) as http:
                _, unfinished = await one_finished_and_others_at_work(http)
            with running(short_folder / "newer", **state) as newer:
                async with client_of(older) as http:
                    await refuses_changes(http, unfinished[0].job)
                async with client_of(newer) as http:
                    await end_there(http, unfinished)


def client_of(service: Service) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=service.url, timeout=30)


async def one_finished_and_others_at_work(http: httpx.AsyncClient) -> tuple[Client, list[Client]]:
    seen: Counter[str] = Counter()
    finished = Client(http, "finished", seen, pages=1)
    await finished.submit()
    await finished.poll()
    others = [Client(http, f"at work-{number}", seen, PAGES) for number in range(JOBS)]
    await asyncio.gather(*(client.submit() for client in others))
    await counts_once_a_job_runs(http)
    return finished, others


async def results_of(http: httpx.AsyncClient, client: Client) -> Any:
    return (await http.get(f"/jobs/{client.job}/results")).raise_for_status().json()


async def end_there(http: httpx.AsyncClient, submitted: list[Client]) -> None:
    """Repeat every submit, and poll each job to its end."""
    again = [Client(http, client.key, Counter(), PAGES) for client in submitted]
    async with asyncio.timeout(GIVE_UP_AFTER_S):
        await asyncio.gather(*(client.submit() for client in again))
        await asyncio.gather(*(client.poll() for client in again))
    assert [client.job for client in again] == [client.job for client in submitted]  # the same key is the same job
    assert [client.ends[0].split()[:2] for client in again] == [["completed", f"{PAGES}/{PAGES}"]] * JOBS


async def refuses_changes(http: httpx.AsyncClient, job: str) -> None:
    """The journal is another registry's, so this one tells its clients to come again."""
    answers = [
        await http.post("/submit", files={"files": ("late.pdf", b"1")}),
        await http.post(f"/jobs/{job}/cancel"),
    ]
    assert [(answer.status_code, "Retry-After" in answer.headers) for answer in answers] == [(503, True)] * 2
