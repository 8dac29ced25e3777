"""`python -m serve_app` as a user runs it: twice on the same state, in either HTTP mode, by either of its two commands.

First with Serve's Python proxy and an address that HAProxy could not have, then with HAProxy.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from client.keys import digest, new_key
from serve_app.header_timeout import HEADER_TIMEOUT_S
from tests.cluster.local_service import START_WITHIN_S, running
from tests.cluster.open_ports import OLD_COMMAND, listening, table
from tests.waiting import eventually

KEY = new_key()
ALICE = {"Authorization": f"Bearer {KEY}"}
TIDE = {"files": ("a.md", b"# Tide\n\nHigh at noon.")}
#: Without a parser that waits for work the first job takes the seconds that one needs to start. Jobs belong to a key.
SETTINGS = {"PARSER_MIN_REPLICAS": "0", "RESULT_CACHE": "true", "API_KEYS": f"alice:{digest(KEY)}"}

UNFINISHED = {"nothing": b"", "half a header": b"GET /livez HTTP/1.1\r\nHost: a\r\n"}


@dataclass
class Job:
    """A client's view of a job while its parser starts, and then to its end."""

    job_id: str
    status_meanwhile: str
    events: list[tuple[str, str]]  # the name and the id of each


@dataclass
class Service:
    url: str
    process: subprocess.Popen[bytes]


@dataclass
class Runs:
    """Both runs of the service, on the state in `folder`."""

    folder: Path
    services: list[Service] = field(default_factory=list)
    tide: Job | None = None  # of the first run

    def said(self) -> list[str]:
        return self.folder.with_suffix(".log").read_text().splitlines()


@pytest.fixture(scope="module")
def runs(short_folder: Path) -> Runs:
    return Runs(short_folder / "local")


@contextmanager
def run(runs: Runs, module: str, stop_by: signal.Signals, **env: str) -> Iterator[Service]:
    with running(module, runs.folder, stop_by, **SETTINGS, **env) as (process, url):
        runs.services.append(Service(url, process))
        yield runs.services[-1]


class Edge:
    """Slow and odd clients, and which ports are open."""

    @pytest.fixture(scope="class")
    @classmethod
    def unfinished(cls, service: Service) -> dict[str, tuple[bytes, float]]:
        """What is answered to requests whose headers do not end, and after how many seconds. All are sent at once."""
        with ThreadPoolExecutor() as clients:
            answers = clients.map(lambda sent: answered(service.url, sent), UNFINISHED.values())
            return dict(zip(UNFINISHED, answers, strict=True))

    @pytest.mark.parametrize("sent", UNFINISHED)
    def test_a_connection_with_an_unfinished_header_is_closed_in_time(
        self, unfinished: dict[str, tuple[bytes, float]], sent: str
    ) -> None:
        answer, seconds = unfinished[sent]
        assert seconds < HEADER_TIMEOUT_S + 5
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408")

    @pytest.mark.parametrize(
        "name", [b"X-Request-ID", b"serve_multiplexed_model_id", b"Serve-Session-Id", b"traceparent"]
    )
    def test_bytes_in_a_header_that_serve_reads_are_ignored(self, service: Service, name: bytes) -> None:
        answer = httpx.get(f"{service.url}/livez", headers=[(name, b"\xff")], timeout=60)
        assert answer.status_code == 200
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])

    def test_a_request_id_is_echoed_once_and_only_as_a_plain_word(self, service: Service) -> None:
        sent = ("mine", "a b", "<script>")
        answers = [httpx.get(f"{service.url}/livez", headers={"X-Request-ID": each}, timeout=60) for each in sent]
        ids = [answer.headers.get_list("X-Request-ID") for answer in answers]
        assert ids[0] == ["mine"]
        assert all(re.fullmatch("[0-9a-f]{32}", made) and not rest for made, *rest in ids[1:])

    def test_head_is_answered_without_a_body(self, service: Service) -> None:
        answer = httpx.head(f"{service.url}/livez", timeout=60)
        assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "2", b"")

    def test_every_open_port_is_in_the_table_with_its_process_and_address(self, service: Service) -> None:
        url = httpx.URL(service.url)
        rows = table(url.host, url.port or 80)
        found = list(listening(service.process.pid))
        assert found
        assert [each for each in found if not any(row.is_about(each) for row in rows)] == []


class TestServesProxy(Edge):
    @pytest.fixture(scope="class")
    @classmethod
    def service(cls, runs: Runs) -> Iterator[Service]:
        """Ready, and with a parser: the first job has ended."""
        with run(runs, "serve_app", signal.SIGINT, RAY_SERVE_ENABLE_HA_PROXY="0", HOST="127.0.0.2") as service:
            runs.tide = first_job(service.url)
            yield service

    def test_a_submit_without_a_key_is_refused(self, service: Service) -> None:
        assert httpx.post(f"{service.url}/submit", files=TIDE, timeout=60).status_code == 401

    def test_the_events_of_a_job_come_while_it_runs_and_end_with_it(self, service: Service, runs: Runs) -> None:
        assert runs.tide
        assert runs.tide.status_meanwhile in ("pending", "processing")
        *earlier, (last, last_id) = runs.tide.events
        assert {name for name, _ in earlier} == {"status"}
        assert last == "end"
        numbers = [int(number) for _, number in runs.tide.events]
        assert numbers == sorted(set(numbers))
        again = {**ALICE, "Last-Event-ID": last_id}
        answer = httpx.get(f"{service.url}/jobs/{runs.tide.job_id}/events", headers=again, timeout=60)
        assert answer.status_code == 204
        ended = httpx.get(f"{service.url}/jobs/{runs.tide.job_id}", headers=ALICE, timeout=60)
        assert ended.json()["status"] == "completed"

    def test_the_service_says_that_it_is_ready_and_where(self, service: Service, runs: Runs) -> None:
        assert f"docfleet is ready on {service.url} (Ctrl-C stops it)" in runs.said()


class TestHAProxyOnTheSameState(Edge):
    @pytest.fixture(scope="class")
    @classmethod
    def service(cls, runs: Runs) -> Iterator[Service]:
        with run(runs, OLD_COMMAND, signal.SIGTERM, RAY_SERVE_ENABLE_HA_PROXY="1", HOST="0.0.0.0") as service:
            yield service

    def test_every_port_of_the_table_is_open(self, service: Service) -> None:
        rows = [row for row in table("0.0.0.0", httpx.URL(service.url).port or 80) if row.is_open and not row.is_fixed]

        def all_found() -> bool:
            found = list(listening(service.process.pid))
            return all(any(row.is_about(each) for each in found) for row in rows)

        eventually(all_found, within_s=START_WITHIN_S, every_s=0.5, what="every port of the table")

    def test_the_job_of_the_run_before_has_its_results_for_its_key_alone(self, service: Service, runs: Runs) -> None:
        assert runs.tide
        results = f"{service.url}/jobs/{runs.tide.job_id}/results"
        assert httpx.get(results, timeout=60).status_code == 401
        [first] = httpx.get(results, headers=ALICE, timeout=60).json()["results"]["results"]
        assert "High at noon." in first["nodes"][0]["text"]
        [again] = httpx.post(f"{service.url}/parse", files=TIDE, headers=ALICE, timeout=120).json()["results"]
        assert (first["cached"], again["cached"]) == (False, True)
        assert again["nodes"][0]["hash"] == first["nodes"][0]["hash"]


def test_a_service_ends_well_by_either_signal_and_says_in_three_lines_what_it_does(runs: Runs) -> None:
    """After both classes, which have ended their services: the first by SIGINT, the second by SIGTERM."""
    assert [service.process.returncode for service in runs.services] == [0, 0]
    assert [line.split()[:3] for line in runs.said()] == 2 * [
        ["docfleet", "is", "starting:"],
        ["docfleet", "is", "ready"],
        ["docfleet", "is", "stopping;"],
    ]


def test_a_port_in_use_is_said_before_anything_starts(short_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = {**os.environ, "PORT": str(taken.getsockname()[1]), "STATE_DIR": str(short_folder / "none")}
        done = subprocess.run([sys.executable, "-m", "serve_app"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is in use by another program" in done.stderr


def first_job(url: str) -> Job:
    """Submit a job, and follow its events to its end."""
    job_id = httpx.post(f"{url}/submit", files=TIDE, headers=ALICE, timeout=60).json()["job_id"]
    meanwhile = httpx.get(f"{url}/jobs/{job_id}", params={"wait": 1}, headers=ALICE, timeout=60)
    return Job(job_id, meanwhile.json()["status"], followed(url, job_id))


def followed(url: str, job: str) -> list[tuple[str, str]]:
    """The (name, id) of every event of a job. The job still runs when the first event arrives."""
    events = []
    with httpx.stream("GET", f"{url}/jobs/{job}/events", headers=ALICE, timeout=120) as stream:
        for name, number in fields_of(stream):
            if not events:
                assert not has_ended(url, job), "the first event came with the last"
            events.append((name, number))
    return events


def fields_of(stream: httpx.Response) -> Iterator[tuple[str, str]]:
    fields: dict[str, str] = {}
    for line in stream.iter_lines():
        name, _, value = line.partition(": ")
        fields[name] = value
        if not line and "id" in fields:
            yield fields["event"], fields["id"]
            fields.clear()


def has_ended(url: str, job: str) -> bool:
    return httpx.get(f"{url}/jobs/{job}", headers=ALICE, timeout=60).json()["completed_at"] is not None


def answered(address: str, sent: bytes) -> tuple[bytes, float]:
    """All that comes back on a connection after `sent`, and the seconds until the server closes it."""
    url = httpx.URL(address)
    with socket.create_connection((url.host, url.port or 80), timeout=HEADER_TIMEOUT_S + 20) as connection:
        started = time.monotonic()
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    return answer, time.monotonic() - started
