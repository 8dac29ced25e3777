"""What the control plane costs: dispatchers and registries, with a thousand parsers that only wait.

    python -m benchmarks.control_plane [--parts 1 2 4] [--jobs 6000] [--parsers 1000] [--cores-each 0.2]

With N, a service has N dispatchers and N registries, each a process. The parsers are one process, so the time is the
control plane's. Jobs of one page are submitted, then dispatched; state is in memory (/dev/shm). Nothing passes HTTP:
the ingress' cost is that of `benchmarks.http_rates`. Everything shares this machine's cores. With --cores-each, each
dispatcher and each registry may use only that part of a core, so that few cores show how the parts grow (needs root).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import orjson
import psutil
import ray
from ray import serve

from actors.blobs import open_blobs
from actors.handles import parsers as parser_handles
from actors.handles.registry import RegistryHandle
from actors.handles.registry_lifecycle import end_registry, open_registry
from actors.handles.registry_shards import RegistryShards
from actors.job_ids import new_job_id
from actors.messages import FileTask, InputFile, JobSpec, PagePlan, ParsedFile
from benchmarks.cpu_quota import limited
from benchmarks.service import describe_machine
from client.models import ParserInfo
from serve_app.app import APP, dispatcher_deployment
from serve_app.dispatcher_replica import DispatcherReplica
from serve_app.registry import registry_config
from serve_app.settings import Settings

SECONDS_PER_DOCUMENT = 0.2
RESULT_BYTES = 10_000  # of a page's nodes, and again of its document

#: The processes of each part, by what their title begins with.
PARTS = {
    "dispatchers": "ray::ServeReplica:docfleet:Dispatcher",
    "registries": "ray::JobRegistry",
    "fake parsers": "ray::ServeReplica:docfleet:Parser",
}


@dataclass(frozen=True)
class Measured:
    """How many documents ended in how many seconds, and the seconds of CPU that each part used meanwhile."""

    documents: int
    seconds: float
    cpu: Counter[str]


class WaitingParsers:
    """`count` parsers in one process. They take a document, wait, and return a page."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)
        self._nodes = orjson.dumps([{"text": "x" * RESULT_BYTES}])
        self._document = orjson.dumps({"text": "x" * RESULT_BYTES})

    async def open(self, document: Any, task: FileTask, split_above: int) -> ParsedFile | PagePlan:
        async with self._free:
            await asyncio.sleep(SECONDS_PER_DOCUMENT)
        parser = ParserInfo(profile="native", docling="none")
        return ParsedFile(nodes=self._nodes, num_nodes=1, document=self._document, pages=1, parser=parser)


class DispatcherOfMany(DispatcherReplica):
    """A dispatcher that takes the one replica for all parsers."""

    async def __init__(self, settings: Settings, parser: Any) -> None:  # type: ignore[misc]
        count = settings.parser_max_replicas
        setattr(parser_handles, "running_replicas", lambda app: count)  # noqa: B010 - it is imported there
        await super().__init__(settings, parser, None)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--parts", type=int, nargs="+", default=[1, 2, 4], help="numbers of dispatchers and registries"
    )
    options.add_argument("--jobs", type=int, default=6_000, help="documents in a run")
    options.add_argument("--parsers", type=int, default=1_000, help="parsers, each of which takes a document in 0.2 s")
    options.add_argument("--cores-each", type=float, help="of a core, the most that a dispatcher or a registry may use")
    given = options.parse_args()
    print(describe_machine())
    with _ray():
        for count in given.parts:
            show(count, measure(count, given.jobs, given.parsers, given.cores_each))


def measure(count: int, jobs: int, parsers: int, cores_each: float | None) -> Measured:
    """Dispatch `jobs` documents with `count` dispatchers and registries."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", ignore_cleanup_errors=True) as state:
        settings = Settings(
            state_dir=state,
            dispatchers=count,
            registry_shards=count,
            parser_max_replicas=parsers,
            max_queued_jobs=10 * jobs,
        )
        registry = open_registry(registry_config(settings), app=APP, on_head=True, shards=count)
        try:
            asyncio.run(_submit(registry, settings, jobs))
            waiting = serve.deployment(name="Parser", max_ongoing_requests=10 * parsers)(WaitingParsers).bind(parsers)
            deployment = dispatcher_deployment(settings, DispatcherOfMany)
            serve.run(deployment.bind(settings, waiting), name=APP, route_prefix=None, blocking=False)
            with limited(_control_plane(), cores_each) if cores_each else nullcontext():
                return asyncio.run(_until_done(registry, jobs))
        finally:
            serve.delete(APP)
            end_registry(APP)


async def _submit(registry: RegistryHandle | RegistryShards, settings: Settings, jobs: int) -> None:
    await open_blobs(settings.blob_url).put("inputs/page", b"1")
    file = InputFile(filename="page.pdf", blob="inputs/page", size=1, sha256="")
    made = (new_job_id(settings.registry_shards) for _ in range(jobs))
    specs = [
        JobSpec(job_id=job_id, files=(file,), options=settings.parse_options, submitted_at=time.time())
        for job_id in made
    ]
    await asyncio.gather(*(registry.submit(spec) for spec in specs))


async def _until_done(registry: RegistryHandle | RegistryShards, jobs: int) -> Measured:
    began, before, at_first = time.perf_counter(), cpu_seconds(), await _left(registry)
    if at_first < jobs / 2:
        raise SystemExit(f"Only {at_first} documents were left when all dispatchers worked: raise --jobs")
    left = at_first
    while left > 0.1 * jobs:  # until then every dispatcher is busy
        await asyncio.sleep(0.1)
        left = await _left(registry)
    return Measured(at_first - left, time.perf_counter() - began, cpu_seconds() - before)


async def _left(registry: RegistryHandle | RegistryShards) -> int:
    """How many documents have not ended."""
    stats = await registry.stats()
    return stats.queued + stats.running


def cpu_seconds() -> Counter[str]:
    """Seconds of CPU of each part so far; those of all other processes of the cluster as "ray and serve"."""
    used: Counter[str] = Counter()
    for process, part in _processes():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            times = process.cpu_times()
            used[part] += times.user + times.system
    return used


def _control_plane() -> list[int]:
    """The process ids of all dispatchers and registries."""
    return [process.pid for process, part in _processes() if part in ("dispatchers", "registries")]


def _processes() -> Iterator[tuple[psutil.Process, str]]:
    """All processes of the cluster, and of which part each is."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            title = " ".join(process.cmdline())
            yield process, next((part for part, start in PARTS.items() if title.startswith(start)), "ray and serve")


def show(count: int, found: Measured) -> None:
    rate = found.documents / found.seconds
    print(f"{count} of each: {rate:.0f} documents/s; milliseconds of CPU per document:", flush=True)
    for part in (*PARTS, "ray and serve"):
        print(f"  {part:14} {1000 * found.cpu[part] / found.documents:6.2f}", flush=True)


@contextmanager
def _ray() -> Iterator[None]:
    ray.init(address="local", num_cpus=16, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    serve.start(proxy_location="Disabled")
    try:
        yield
    finally:
        serve.shutdown()  # type: ignore[no-untyped-call]
        ray.shutdown()


if __name__ == "__main__":
    main()
