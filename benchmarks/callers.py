"""Clients at once, each with one job after another. They wait for their jobs in different ways, as programs do."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

CLIENTS = 16
WAIT_S = 30
POLL_S = 0.05

#: Names and bytes of the files of a job.
Files = Sequence[tuple[str, bytes]]

#: Submits a job, waits for its end and gets its results.
Caller = Callable[[httpx.AsyncClient, Files], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Load:
    """Documents per second, and the CPU time of all clients together, in milliseconds per document."""

    documents_per_s: float
    client_cpu_ms: float


def measured(url: str, jobs: Sequence[Sequence[Path]], caller: Caller) -> Load:
    """Send all jobs through CLIENTS clients."""
    files = [[(path.name, path.read_bytes()) for path in job] for job in jobs]
    documents, began, used = sum(map(len, jobs)), time.perf_counter(), _cpu()
    asyncio.run(_send_all(url, files, caller))
    return Load(documents / (time.perf_counter() - began), 1000 * (_cpu() - used) / documents)


async def by_wait(http: httpx.AsyncClient, files: Files) -> None:
    """Wait with one request that ends when the job ends."""
    job = await _submit(http, files)
    while (answer := await http.get(f"{job}/results", params={"wait": WAIT_S})).status_code == httpx.codes.CONFLICT:
        pass
    _check(answer)


async def by_poll(http: httpx.AsyncClient, files: Files) -> None:
    """Ask for the status every POLL_S seconds."""
    job = await _submit(http, files)
    while (await http.get(job)).json()["status"] not in ("completed", "failed"):  # noqa: ASYNC110 - it polls
        await asyncio.sleep(POLL_S)
    _check(await http.get(f"{job}/results"))


async def by_docling_poll(http: httpx.AsyncClient, files: Files) -> None:
    """The same in docling-serve's API. Office and web documents need neither OCR nor tables."""
    form = [("files", file) for file in files]
    options = {"to_formats": ["md", "json"], "do_ocr": "false", "do_table_structure": "false"}
    answer = await http.post("/v1/convert/file/async", files=form, data=options)
    task = answer.raise_for_status().json()["task_id"]
    poll = f"/v1/status/poll/{task}"
    while (status := (await http.get(poll)).json()["task_status"]) not in ("success", "failure"):  # noqa: ASYNC110
        await asyncio.sleep(POLL_S)
    assert status == "success"
    assert (await http.get(f"/v1/result/{task}")).raise_for_status().json()["status"] == "success"


async def _submit(http: httpx.AsyncClient, files: Files) -> str:
    answer = await http.post("/submit", files=[("files", file) for file in files])
    return f"/jobs/{answer.raise_for_status().json()['job_id']}"


def _check(answer: httpx.Response) -> None:
    assert answer.raise_for_status().json()["results"]["failed"] == 0


async def _send_all(url: str, jobs: Sequence[Files], caller: Caller) -> None:
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as http, asyncio.TaskGroup() as group:
        left = iter(jobs)
        for _ in range(CLIENTS):
            group.create_task(_send(http, left, caller))


async def _send(http: httpx.AsyncClient, left: Iterator[Files], caller: Caller) -> None:
    for files in left:
        await caller(http, files)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
