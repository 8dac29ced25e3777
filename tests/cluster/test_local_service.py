"""`python -m serve_app` as a user runs it: in either HTTP mode, twice on the same state, and killed in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from serve_app.__main__ import free_port

START_WITHIN_S = 180  # a busy machine; not what is tested


@contextmanager
def running(module: str, state: Path, **env: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "STATE_DIR": str(state), "PROFILE": "native", **env}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_SERVE_")}
    with (state.parent / f"{state.name}.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", module], env=inherited | settings, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        give_up = time.monotonic() + START_WITHIN_S
        while not _ready(url):
            assert process.poll() is None, (state.parent / f"{state.name}.log").read_text()[-2000:]
            assert time.monotonic() < give_up
            time.sleep(0.5)
        yield process, url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=120)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize(
    ("module", "proxy"), [("serve_app", "0"), ("fetchcraft.parsing.docling.server", "1")], ids=["python", "haproxy"]
)
def test_a_service_keeps_its_jobs_over_a_restart(short_folder: Path, module: str, proxy: str) -> None:
    state = short_folder / f"local{proxy}"
    with running(module, state, RAY_SERVE_ENABLE_HA_PROXY=proxy) as (process, url):
        answer = httpx.post(f"{url}/submit", files={"files": ("a.md", b"# Tide\n\nHigh at noon.")}, timeout=60)
        job = answer.json()["job_id"]
        while httpx.get(f"{url}/jobs/{job}", params={"wait": 30}, timeout=60).json()["status"] != "completed":
            pass
    assert process.returncode == 0
    with running(module, state, RAY_SERVE_ENABLE_HA_PROXY=proxy) as (_, url):
        results = httpx.get(f"{url}/jobs/{job}/results", timeout=60).json()
        assert "High at noon." in results["results"]["results"][0]["nodes"][0]["text"]


def test_a_port_in_use_is_said_before_anything_starts(short_folder: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = {**os.environ, "PORT": str(taken.getsockname()[1]), "STATE_DIR": str(short_folder / "none")}
        done = subprocess.run([sys.executable, "-m", "serve_app"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is in use by another program" in done.stderr
