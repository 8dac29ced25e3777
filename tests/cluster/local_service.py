"""`python -m serve_app` in its own processes, as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from serve_app.__main__ import free_port
from tests.waiting import eventually

START_WITHIN_S = 180  # a busy machine; not what is tested


@contextmanager
def running(
    module: str, state: Path, stop_by: signal.Signals = signal.SIGINT, **env: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The service's process and URL, ready for requests. At the end it gets the signal `stop_by`."""
    port = free_port()
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "STATE_DIR": str(state), "PROFILE": "native", **env}
    ours = ("RAY_SERVE_", "RAY_AUTH_MODE")  # set by this session's own Ray
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    with (state.parent / f"{state.name}.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", module], env=inherited | settings, stdout=log, stderr=log)
    url = f"http://{settings['HOST']}:{port}"
    try:
        eventually(lambda: process.poll() is not None or _ready(url), within_s=START_WITHIN_S, every_s=0.5)
        assert process.poll() is None, (state.parent / f"{state.name}.log").read_text()[-2000:]
        yield process, url
    finally:
        process.send_signal(stop_by)
        process.wait(timeout=120)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
