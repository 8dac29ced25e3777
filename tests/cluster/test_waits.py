"""A waiting client is told of the end of its job at once, not when its wait is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from client import DoclingParserClient

JOBS = 200
CLIENTS = 16
WAIT_S = 30
LATE_S = 5.0  # far above what an answer takes, far below WAIT_S, after which a missed end would be told


def submitted(http: httpx.Client, text: str) -> str:
    answer = http.post("/submit", files={"files": ("note.md", text.encode())})
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["job_id"]
    return job_id


def by_results(http: httpx.Client, client: DoclingParserClient, text: str) -> tuple[str, float]:
    job_id = submitted(http, text)
    answer = http.get(f"/jobs/{job_id}/results", params={"wait": WAIT_S})
    assert answer.json()["status"] == "completed"
    return job_id, time.time()


def by_status(http: httpx.Client, client: DoclingParserClient, text: str) -> tuple[str, float]:
    job_id = submitted(http, text)
    for _ in range(20):  # changes of a job of one file
        if http.get(f"/jobs/{job_id}", params={"wait": WAIT_S}).json()["status"] == "completed":
            return job_id, time.time()
    raise AssertionError(f"job {job_id} changes for ever")


def by_client(http: httpx.Client, client: DoclingParserClient, text: str) -> tuple[str, float]:
    job_id = submitted(http, text)
    client.wait_for_job(job_id, poll_interval=WAIT_S)
    return job_id, time.time()


Wait = Callable[[httpx.Client, DoclingParserClient, str], tuple[str, float]]


@pytest.mark.parametrize("wait", [by_results, by_status, by_client])
def test_every_waiting_client_hears_of_the_end_at_once(
    http: httpx.Client, client: DoclingParserClient, wait: Wait, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(CLIENTS) as clients:
        texts = [f"# Note {number}\n\nfor {tmp_path.name}" for number in range(JOBS)]
        heard = list(clients.map(lambda text: wait(http, client, text), texts))
        ended = clients.map(
            lambda job_id: http.get(f"/jobs/{job_id}").json()["completed_at"], [job for job, _ in heard]
        )
    delays = [at - completed_at for (_, at), completed_at in zip(heard, ended, strict=True)]
    assert max(delays) < LATE_S, sorted(delays)[-5:]
