"""A whole service as users run it, in processes of its own that the tests may kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from serve_app.__main__ import free_port
from tests.waiting import eventually

PATIENCE_S = 180.0  # for a busy machine; not what is tested

SETTINGS = {
    "PROFILE": "native",
    "PARSER_MIN_REPLICAS": "2",
    "PARSER_MAX_REPLICAS": "2",
    "PARSER_NUM_CPUS": "0.25",
    "SPAN_PAGES": "2",
    "PAGE_DEADLINE_S": "3",
    "ORPHAN_AGE_S": "5",
    "SLEEP_PER_PAGE_S": "0.05",
    "SOURCES_ALLOW": "127.0.0.1",
}


class Service:
    """`python -m serve_app` with parsers that break, on `state`. Every process of it is a descendant of this one."""

    def __init__(self, state: Path, **env: str) -> None:
        self.state = state
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_SERVE_")}
        settings = {"HOST": "127.0.0.1", "PORT": str(port), "STATE_DIR": str(state), **SETTINGS, **env}
        self._log = state.with_suffix(".log")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.engine"], env=inherited | settings, stdout=log, stderr=log
            )

    def wait_until_ready(self) -> None:
        eventually(self._ready, within_s=PATIENCE_S, every_s=0.2, what="a service that is ready")

    def pids(self, title: str) -> list[int]:
        """Of this service's processes that Ray has given a title which begins like this."""
        found = []
        for process in self._family():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if " ".join(process.cmdline()).startswith(title):
                    found.append(process.pid)
        return found

    def kill(self, title: str) -> int:
        """SIGKILL one such process; how many there were to kill."""
        for pid in self.pids(title)[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return 1
        return 0

    def kill_everything(self) -> None:
        """As a power failure would, but for the disk's cache."""
        processes = self._family()
        left_behind = [folder for process in processes if (folder := _haproxy_folder(process))]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes)
        self._process.wait()
        for folder in left_behind:
            shutil.rmtree(folder, ignore_errors=True)

    def _family(self) -> list[psutil.Process]:
        """The process that was started and all that it started; nothing if it has ended."""
        with suppress(psutil.NoSuchProcess):
            started = psutil.Process(self._process.pid)
            return [started, *started.children(recursive=True)]
        return []

    def _ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()[-2000:]
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


def _haproxy_folder(process: psutil.Process) -> Path | None:
    """Of a service's HAProxy: the folder that the service would remove if it could still end by itself."""
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        command = process.cmdline()
        if command and Path(command[0]).name == "haproxy":
            return Path(command[command.index("-f") + 1]).parents[1]
    return None


@contextmanager
def running(state: Path, **env: str) -> Iterator[Service]:
    service = Service(state, **env)
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.kill_everything()


@pytest.fixture(scope="session")
def service(short_folder: Path) -> Iterator[Service]:
    with running(short_folder / "faults") as service:
        yield service


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=60) as http:
        yield http
