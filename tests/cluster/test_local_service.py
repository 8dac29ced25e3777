"""`python -m serve_app` as a user runs it: twice on the same state, in either HTTP mode."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from client.keys import digest, new_key
from tests.cluster.local_service import running

KEY = new_key()
ALICE = {"Authorization": f"Bearer {KEY}"}


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


def test_a_service_keeps_its_jobs_over_a_restart_in_another_http_mode(short_folder: Path) -> None:
    """First with Serve's Python proxy and an address that HAProxy could not have, then with HAProxy; by either of the
    two commands. The jobs belong to a key."""
    state = short_folder / "local"
    # Without a parser that waits for work the first job takes the seconds that one needs to start.
    modes = {"PARSER_MIN_REPLICAS": "0", "RESULT_CACHE": "true", "API_KEYS": f"alice:{digest(KEY)}"}
    tide = {"files": ("a.md", b"# Tide\n\nHigh at noon.")}
    python_proxy = {"RAY_SERVE_ENABLE_HA_PROXY": "0", "HOST": "127.0.0.2"}
    with running("serve_app", state, **python_proxy, **modes) as (process, url):
        assert httpx.post(f"{url}/submit", files=tide, timeout=60).status_code == 401
        job = httpx.post(f"{url}/submit", files=tide, headers=ALICE, timeout=60).json()["job_id"]
        waiting = httpx.get(f"{url}/jobs/{job}", params={"wait": 1}, headers=ALICE, timeout=60)
        events = followed(url, job)
        assert waiting.json()["status"] in ("pending", "processing")
        assert {name for name, _ in events[:-1]} == {"status"}
        assert events[-1][0] == "end"
        numbers = [int(number) for _, number in events]
        assert numbers == sorted(set(numbers))
        again = {**ALICE, "Last-Event-ID": events[-1][1]}
        assert httpx.get(f"{url}/jobs/{job}/events", headers=again, timeout=60).status_code == 204
        ended = httpx.get(f"{url}/jobs/{job}", params={"wait": 30}, headers=ALICE, timeout=60)
        assert ended.json()["status"] == "completed"
    assert process.returncode == 0
    assert f"docfleet is ready on {url} " in (short_folder / "local.log").read_text()
    with running("fetchcraft.parsing.docling.server", state, RAY_SERVE_ENABLE_HA_PROXY="1", **modes) as (process, url):
        assert httpx.get(f"{url}/jobs/{job}/results", timeout=60).status_code == 401
        results = httpx.get(f"{url}/jobs/{job}/results", headers=ALICE, timeout=60).json()
        [first] = results["results"]["results"]
        assert "High at noon." in first["nodes"][0]["text"]
        [again] = httpx.post(f"{url}/parse", files=tide, headers=ALICE, timeout=120).json()["results"]
        assert (first["cached"], again["cached"]) == (False, True)
        assert again["nodes"][0]["hash"] == first["nodes"][0]["hash"]
    assert process.returncode == 0
    said = (short_folder / "local.log").read_text().splitlines()
    assert [line.split()[:3] for line in said] == 2 * [
        ["docfleet", "is", "starting:"],
        ["docfleet", "is", "ready"],
        ["docfleet", "is", "stopping;"],
    ]


def test_a_port_in_use_is_said_before_anything_starts(short_folder: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = {**os.environ, "PORT": str(taken.getsockname()[1]), "STATE_DIR": str(short_folder / "none")}
        done = subprocess.run([sys.executable, "-m", "serve_app"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is in use by another program" in done.stderr
