"""A store that is away, slow or full while jobs are queued and running, clients poll, and more jobs are submitted."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.faults.conftest import Service, running
from tests.faults.failing_proxy import FailingProxy, failing_proxy
from tests.faults.test_churn import GIVE_UP_AFTER_S, Client, counts_once_a_job_runs
from tests.servers import running_postgres, running_s3

BUCKET = "docfleet"
AWAY_S = 20.0
PAGES = 20  # of a job, each of which is parsed by both parsers for a second
MAX_RUNNING = "3"  # so that the others are queued


class Answers:
    """All that was not a success, checked to be a problem that tells when to come again; and the longest wait."""

    def __init__(self) -> None:
        self.codes: Counter[str] = Counter()
        self.slowest_s = 0.0
        self.wrong: list[str] = []

    async def note(self, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        await answer.aread()
        self.slowest_s = max(self.slowest_s, time.monotonic() - answer.request.extensions["began"])
        if answer.status_code == 503 and answer.headers.get("Retry-After", "").isdigit():
            self.codes[answer.json()["code"]] += 1
        else:
            self.wrong.append(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")

    @staticmethod
    async def begin(request: httpx.Request) -> None:
        request.extensions["began"] = time.monotonic()


async def live_through(service: Service, fault: AbstractContextManager[None], jobs: int, away_s: float) -> str:
    """Half of the jobs are there before the fault, the others are submitted in it. Returns what clients saw."""
    answers, broken = Answers(), Counter[str]()
    hooks = {"request": [answers.begin], "response": [answers.note]}
    async with httpx.AsyncClient(base_url=service.url, timeout=60, event_hooks=hooks) as http:
        clients = [Client(http, f"stores-{number}", broken, PAGES) for number in range(jobs)]
        before, during = clients[: jobs // 2], clients[jobs // 2 :]
        await asyncio.gather(*(client.submit() for client in before))
        counts = await counts_once_a_job_runs(http)
        polls = [asyncio.create_task(client.poll()) for client in before]
        with fault:
            submits = [asyncio.create_task(client.submit()) for client in during]
            await asyncio.sleep(away_s)
        async with asyncio.timeout(GIVE_UP_AFTER_S):
            await asyncio.gather(*polls, *submits)
            await asyncio.gather(*(client.poll() for client in during))
        listed = (await http.get("/jobs", params={"limit": 500})).json()["jobs"]
    assert [client.ends[0].split()[:2] for client in clients] == [["completed", f"{PAGES}/{PAGES}"]] * jobs
    assert all(first == second for first, second in (client.ends for client in clients))
    assert not answers.wrong
    assert not set(broken) - {"503"}
    own = {client.job for client in clients}
    assert own <= {job["job_id"] for job in listed}
    return (
        f"{counts['running']} running and {counts['queued']} queued, {jobs - len(before)} submitted meanwhile; "
        f"503: {dict(answers.codes)}, the slowest after {answers.slowest_s:.1f} s"
    )


async def inputs_of_jobs_only(service: Service) -> bool:
    """Once the sweep of orphans has come by, every folder of inputs is a job's."""
    inputs = service.state / "blobs" / "inputs"
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
        known = {job["job_id"] for job in (await http.get("/jobs", params={"limit": 500})).json()["jobs"]}
    async with asyncio.timeout(GIVE_UP_AFTER_S):
        while (found := {folder.name for folder in inputs.iterdir()}) - known:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    return found == known


@contextmanager
def folder_unusable(folder: Path) -> Iterator[None]:
    """What is beneath cannot be read or written: a file is in its place."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.touch()
    yield
    folder.unlink()
    aside.rename(folder)


async def test_jobs_wait_for_blobs_that_are_out_of_reach(service: Service) -> None:
    print(await live_through(service, folder_unusable(service.state / "blobs"), jobs=4, away_s=2))
    assert await inputs_of_jobs_only(service)


@pytest.mark.slow
async def test_a_job_that_is_claimed_while_its_file_is_out_of_reach_waits_for_it(short_folder: Path) -> None:
    async def running_by_now(client: Client) -> None:
        while (await http.get(f"/jobs/{client.job}")).json()["status"] != "processing":  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    with running(short_folder / "claimed", MAX_CONCURRENT_REQUESTS="1") as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
            first, second = (Client(http, f"claimed-{number}", Counter(), PAGES) for number in range(2))
            await first.submit()
            await running_by_now(first)
            await second.submit()
            with folder_unusable(service.state / "blobs"):
                (await http.post(f"/jobs/{first.job}/cancel")).raise_for_status()
                await running_by_now(second)
                await asyncio.sleep(2)
            await second.poll()
    assert second.ends[0].split()[:2] == ["completed", f"{PAGES}/{PAGES}"]


@pytest.mark.slow
async def test_jobs_live_through_a_database_that_is_gone(short_folder: Path) -> None:
    @contextmanager
    def gone() -> Iterator[None]:
        postgres.stop()
        yield
        postgres.start()

    with running_postgres() as postgres:
        url = postgres.new_database()
        with running(short_folder / "pg", DATABASE_URL=url, MAX_CONCURRENT_REQUESTS=MAX_RUNNING) as service:
            print("database gone:", await live_through(service, gone(), jobs=12, away_s=AWAY_S))
            assert await inputs_of_jobs_only(service)


@pytest.mark.slow
async def test_jobs_live_through_a_registry_that_is_killed_while_its_database_is_gone(short_folder: Path) -> None:
    """For longer than a start waits: Ray gives the registry up then, and it has to be opened again."""

    @contextmanager
    def gone() -> Iterator[None]:
        postgres.stop()
        assert service.kill("ray::JobRegistry")
        yield
        postgres.start()

    with running_postgres() as postgres:
        url = postgres.new_database()
        with running(short_folder / "pgr", DATABASE_URL=url, MAX_CONCURRENT_REQUESTS=MAX_RUNNING) as service:
            print("database gone, registry killed:", await live_through(service, gone(), jobs=12, away_s=3 * AWAY_S))


@pytest.mark.slow
@pytest.mark.parametrize("mood", ["failing", "hanging"])
async def test_jobs_live_through_an_object_store_that_is(short_folder: Path, mood: str) -> None:
    @contextmanager
    def away(proxy: FailingProxy) -> Iterator[None]:
        proxy.mood = mood  # type: ignore[assignment]
        yield
        proxy.mood = "well"
        proxy.recovered.set()

    with running_s3() as endpoint, failing_proxy(endpoint) as proxy:
        httpx.put(f"{endpoint}/{BUCKET}").raise_for_status()  # noqa: ASYNC210 - nothing else goes on yet
        env = {
            "AWS_ENDPOINT_URL": proxy.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "BLOB_URL": f"s3://{BUCKET}/here",
            "MAX_CONCURRENT_REQUESTS": MAX_RUNNING,
        }
        with running(short_folder / mood, **env) as service:
            print(f"object store {mood}:", await live_through(service, away(proxy), jobs=12, away_s=AWAY_S))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    if subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("only root may mount a file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    yield
    filler.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("store", ["BLOB_URL", "DATABASE_URL"])
async def test_jobs_live_through_a_full_disk(short_folder: Path, small_disk: Path, store: str) -> None:
    where = {"BLOB_URL": str(small_disk), "DATABASE_URL": f"sqlite:///{small_disk}/journal.db"}
    state = short_folder / f"full{len(store)}"
    with running(state, **{store: where[store]}, MAX_CONCURRENT_REQUESTS=MAX_RUNNING) as service:
        print(f"disk of {store} full:", await live_through(service, full(small_disk), jobs=12, away_s=AWAY_S))
