"""Runs a docfleet service for a benchmark, and holds what all benchmarks print."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from serve_app.__main__ import free_port

START_WITHIN_S = 180.0


@contextmanager
def service(*, module: str = "serve_app", **env: str) -> Iterator[str]:
    """Run `python -m module` with these settings in the environment; yields its base URL, ready for requests."""
    with tempfile.TemporaryDirectory(prefix="dfb-", ignore_cleanup_errors=True) as state:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        settings = {"HOST": "127.0.0.1", "PORT": str(port), "STATE_DIR": state, "HF_HUB_OFFLINE": "1", **env}
        with server([sys.executable, "-m", module], settings, health=f"{url}/readyz", log=Path(state, "log")):
            yield url


@contextmanager
def server(
    command: Sequence[str], env: Mapping[str, str], *, health: str, log: Path, cwd: Path | None = None
) -> Iterator[None]:
    """Run a server, with `env` added to the environment, as long as the context: from when `health` answers 200."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **env}, stdout=output, stderr=output)
        try:
            _wait_until_healthy(health, process, log)
            yield
        finally:
            process.terminate()
            process.wait(timeout=120)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once a GET of `url` answers 200. Raises RuntimeError when the process ends, or after START_WITHIN_S."""
    give_up = time.monotonic() + START_WITHIN_S
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"The service ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise RuntimeError(f"The service was not ready within {START_WITHIN_S:.0f} s:\n{log.read_text()[-3000:]}")


def describe_machine() -> str:
    """The machine. Every number needs it beside it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    cpu = names[0].split(":")[1].strip() if names else platform.processor()
    return f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, Python {platform.python_version()}"


def spread(values: Sequence[float]) -> str:
    """Median, with the range that shows how noisy the machine was."""
    return f"{statistics.median(values):.3g} (min {min(values):.3g}, max {max(values):.3g}, n={len(values)})"
