"""A Ray cluster with its dashboard, and an application that is deployed on it again, with other code, under load.

Prints what became of the jobs as JSON. A program of its own, since it runs a copy of the code that it changes.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import ray
import yaml
from ray import serve
from ray.serve.schema import ApplicationStatus

import actors
from serve_app.__main__ import choose_http_mode, free_port
from serve_app.app import APP
from tests.faults.conftest import PATIENCE_S, SETTINGS
from tests.faults.test_churn import GIVE_UP_AFTER_S, PARTS, PAUSE_S, Client

PACKAGES = ("actors", "benchmarks", "client", "serve_app", "tests")
JOBS = 60
BIN = Path(sys.executable).parent


@contextmanager
def ray_cluster(code: Path, temporary: Path, dashboard: int) -> Iterator[str]:
    """A head node whose processes import `code`; yields its address."""
    address = f"127.0.0.1:{free_port()}"
    command = [BIN / "ray", "start", "--head", "--block", "--num-cpus=4", f"--temp-dir={temporary}"]
    command += [f"--port={address.rpartition(':')[2]}", f"--dashboard-port={dashboard}", "--disable-usage-stats"]
    # In that folder, which Ray puts before PYTHONPATH.
    head = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(code)}, cwd=code, stdout=sys.stderr)
    try:
        yield address
    finally:
        processes = [psutil.Process(head.pid), *psutil.Process(head.pid).children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        head.wait()


def deploy(
    release: int, dashboard: int, settings: dict[str, str], code: Path, port: int, page_deadline_s: float = 3
) -> None:
    """As an operator does it. The new release has another environment, as another `working_dir` would."""
    application = {
        "name": APP,
        "route_prefix": "/",
        "import_path": "tests.faults.application:build",
        "runtime_env": {"env_vars": {"RELEASE": str(release)}},
        "args": {name.lower(): value for name, value in settings.items() if name != "SLEEP_PER_PAGE_S"},
        "deployments": [
            {"name": name, "user_config": {"page_deadline_s": page_deadline_s}} for name in ("Dispatcher", "Parser")
        ],
    }
    config = {"http_options": {"host": "127.0.0.1", "port": port}, "applications": [application]}
    file = code / "serve_config.yaml"
    file.write_text(yaml.safe_dump(config))
    command = [BIN / "serve", "deploy", file, "--address", f"http://127.0.0.1:{dashboard}"]
    subprocess.run(command, check=True, stdout=sys.stderr)


def code_version(code: Path) -> str:
    """Of the registry that this code is, whatever its settings."""
    program = "from actors.registry.version import CODE_VERSION; print(CODE_VERSION)"
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(code)}
    done = subprocess.run(command, env=environment, cwd=code, capture_output=True, check=True)
    return done.stdout.decode().strip()


async def running_version() -> str:
    """Of the registry that runs, whenever one answers."""
    while True:
        with suppress(ValueError, ray.exceptions.RayError):
            return str(await ray.get_actor(f"{APP}:JobRegistry", namespace="docfleet").version.remote())
        await asyncio.sleep(PAUSE_S)


async def ready(http: httpx.AsyncClient) -> None:
    while True:
        with suppress(httpx.TransportError):
            if (await http.get("/readyz")).status_code == 200:
                return
        await asyncio.sleep(PAUSE_S)


async def deploy_under_load(http: httpx.AsyncClient, code: Path, again: Any) -> dict[str, Any]:
    seen: Counter[str] = Counter()
    clients = [Client(http, str(number), seen) for number in range(JOBS)]
    async with asyncio.timeout(PATIENCE_S):
        await ready(http)
        before = await running_version()
    await asyncio.gather(*(client.submit() for client in clients[: JOBS // 2]))
    source = code / "actors" / "registry" / "registry.py"
    source.write_text(source.read_text() + "\n# the next release\n")
    began = time.monotonic()
    async with asyncio.timeout(GIVE_UP_AFTER_S):
        polls = asyncio.gather(*(client.poll() for client in clients[: JOBS // 2]))
        await asyncio.to_thread(again)
        for client in clients[JOBS // 2 :]:  # while the replicas are replaced
            await client.submit()
            await asyncio.sleep(PAUSE_S)
        await polls
        await asyncio.gather(*(client.poll() for client in clients[JOBS // 2 :]))
        while (after := await running_version()) == before:  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_S)
    return {
        "ends": [client.ends for client in clients],
        "jobs": len({client.job for client in clients}),
        "seen": seen,
        "replaced": [before, after],
        "expected": code_version(code),
        "seconds": round(time.monotonic() - began, 1),
    }


def main(folder: Path) -> None:
    choose_http_mode()
    os.environ["SLEEP_PER_PAGE_S"] = "0.3"  # every process of the cluster inherits it
    code = folder / "code"
    for package in PACKAGES:
        source = Path(actors.__file__).parents[1] / package
        shutil.copytree(source, code / package, ignore=shutil.ignore_patterns("__pycache__"))
    port, dashboard = free_port(), free_port()
    settings = {**SETTINGS, "STATE_DIR": str(folder / "state"), "PORT": str(port)}
    with ray_cluster(code, folder / "ray", dashboard) as address:
        _wait_for(f"http://127.0.0.1:{dashboard}")
        deploy(1, dashboard, settings, code, port)
        ray.init(address=address, log_to_driver=False)
        found = asyncio.run(_load(port, code, lambda: deploy(2, dashboard, settings, code, port)))
        before = replica_pids()
        deploy(2, dashboard, settings, code, port, page_deadline_s=4)
        found |= {"deadline_changed": _deadline_changes(), "kept": replica_pids() == before}
        ray.shutdown()
    print(json.dumps(found))


async def _load(port: int, code: Path, again: Any) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        return await deploy_under_load(http, code, again)


def replica_pids() -> list[int]:
    """Of the dispatchers and parsers of this cluster."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            title = " ".join(process.cmdline())
            if title.startswith((PARTS["dispatcher"], PARTS["parser"])):
                found.append(process.pid)
    return sorted(found)


def _deadline_changes() -> bool:
    """Wait until Serve has told every replica of its `user_config`."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        if serve.status().applications[APP].status is ApplicationStatus.RUNNING:
            return True
        time.sleep(PAUSE_S)
    return False


def _wait_for(url: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        with suppress(httpx.TransportError):
            httpx.get(url)
            return
        time.sleep(PAUSE_S)
    raise TimeoutError(url)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
