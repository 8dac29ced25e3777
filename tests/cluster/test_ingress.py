"""Tests that need a running ingress: memory, concurrency, and answers during work."""

from __future__ import annotations

import asyncio
import csv
import os
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from client import DoclingParserClient
from serve_app.settings import Settings
from tests.cluster.conftest import ReplicaPids
from tests.model_endpoint import FakeModel, Reply, doctags, numbered_pdf, said
from tests.unit.parser.files import make_pdf
from tests.waiting import eventually

PAGES_OF_SECONDS = 20  # to parse
MIB = 1024 * 1024
MULTIPART = {"content-type": "multipart/form-data; boundary=b"}


def resident_mib(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def megabytes(count: int) -> Iterator[bytes]:
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="large.pdf"\r\n\r\n'
    yield head
    for _ in range(count):
        yield b"x" * MIB
    yield b"\r\n--b--\r\n"


def requests_to_replicas() -> int:
    """The number of requests that HAProxy has sent to replicas itself."""
    statistics = httpx.get(f"http://127.0.0.1:{os.environ['RAY_SERVE_HAPROXY_STATS_PORT']}/stats;csv").text
    rows = csv.DictReader(statistics.splitlines())
    return sum(int(row["stot"]) for row in rows if row["svname"].startswith("SERVE_REPLICA"))


def test_a_large_upload_moves_the_ingress_memory_by_little(http: httpx.Client, replica_pids: ReplicaPids) -> None:
    def warmed_up() -> int:
        http.post("/parse", files={"files": ("warm.md", b"# Warm")})  # whatever is allocated once
        return requests_to_replicas()

    # Until HAProxy knows the replica, Serve's own proxy is between them.
    eventually(warmed_up, within_s=60, every_s=0.2, what="HAProxy sends requests to the replica")
    (pid,) = replica_pids("Ingress")
    before = resident_mib(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak counts from here
    answer = http.post("/submit", content=megabytes(100), headers=MULTIPART)
    assert answer.status_code == 202
    assert resident_mib(pid, "VmHWM") - before < 40
    http.delete(answer.headers["location"])


def test_a_file_over_the_limit_is_refused_while_it_streams(http: httpx.Client) -> None:
    """Without a Content-Length, the server has to count the bytes."""
    answer = http.post("/submit", content=megabytes(101), headers=MULTIPART)
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")


def test_the_job_of_a_parse_whose_connection_breaks_goes_on(
    http: httpx.Client, client: DoclingParserClient, settings: Settings
) -> None:
    request = http.build_request("POST", "/parse", files={"files": ("left.pdf", make_pdf(PAGES_OF_SECONDS))})
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    known = {job["job_id"] for job in jobs(http)}
    with socket.create_connection((settings.host, settings.port)) as connection:
        connection.sendall(f"POST /parse HTTP/1.1\r\n{head}\r\n".encode() + request.read())
        new = eventually(lambda: [job["job_id"] for job in jobs(http) if job["job_id"] not in known], what="the job")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed by a reset
    (job_id,) = new
    assert http.get(f"/jobs/{job_id}").json()["status"] in ("pending", "processing")
    assert client.wait_for_results(job_id)["total_nodes"] == PAGES_OF_SECONDS


def jobs(http: httpx.Client) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = http.get("/jobs", params={"limit": 500}).json()["jobs"]
    return listed


@pytest.fixture
def silent_model(model: FakeModel) -> Iterator[None]:
    """The model answers no request until the test ends."""
    model.reset(lambda _: Reply(hangs=True))
    yield
    model.reset(lambda request: said(doctags(request.page)))


async def test_500_waiters_are_answered_and_do_not_starve_submits(url: str, silent_model: None) -> None:
    limits = httpx.Limits(max_connections=600)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as http:

        async def ended(job: str) -> dict[str, Any]:
            """The answer once the job has ended; the server does not answer at every page."""
            answer: dict[str, Any] = {"status": "processing"}
            async with asyncio.timeout(300):
                while answer["status"] in ("pending", "processing"):
                    answer = (await http.get(f"/jobs/{job}/results", params={"wait": 30})).json()
            return answer

        endless = {"files": ("long.pdf", numbered_pdf(20))}
        long = (await http.post("/submit", files=endless, data={"options": '{"profile": "vlm"}'})).json()["job_id"]
        waiting = [asyncio.create_task(ended(long)) for _ in range(500)]
        submitted = await asyncio.gather(
            *(http.post("/submit", files={"files": (f"{i}.md", b"# Tide")}) for i in range(20))
        )
        done = await asyncio.gather(*(ended(answer.json()["job_id"]) for answer in submitted))
        assert not any(waiter.done() for waiter in waiting)
        await http.post(f"/jobs/{long}/cancel")
        ends = await asyncio.gather(*waiting)
    assert {answer["status"] for answer in done} == {"completed"}
    assert {(answer["job_id"], answer["status"]) for answer in ends} == {(long, "failed")}


async def test_one_submit_repeated_with_its_key_is_one_job(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        answers = await asyncio.gather(
            *(
                http.post("/submit", files={"files": ("a.md", b"# A")}, headers={"Idempotency-Key": "one"})
                for _ in range(8)
            )
        )
    accepted = {answer.json()["job_id"] for answer in answers if answer.status_code == 202}
    assert len(accepted) == 1
    assert {answer.status_code for answer in answers} <= {202, 409}


def test_serve_logs_no_line_per_request(http: httpx.Client, short_folder: Path) -> None:
    http.post("/parse", files={"files": ("logged.md", b"# Tide")})
    logs = [path.read_text() for path in (short_folder / "session_latest" / "logs" / "serve").glob("*.log")]
    assert logs
    access = re.compile(r" (GET|POST) /\S* \d{3} | CALL \S+ OK ")
    assert [line for log in logs for line in log.splitlines() if access.search(line)] == []


def test_a_request_id_comes_back_once(http: httpx.Client) -> None:
    answer = http.get("/jobs/none", headers={"x-request-id": "tide-1"})
    assert answer.headers.get_list("x-request-id") == ["tide-1"]
    assert answer.json()["request_id"] == "tide-1"
