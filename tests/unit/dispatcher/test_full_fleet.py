"""A large fleet with small jobs: the default settings keep every parser busy."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from actors.blobs import open_blobs
from actors.dispatcher.dispatcher import Dispatcher, DispatcherConfig
from actors.dispatcher.files import Splitting
from actors.dispatcher.jobs import JobLimits
from actors.messages import InputFile, JobSpec
from client.models import JobStatusEnum, ParseOptions
from serve_app.settings import Settings
from tests.fakes import FakeFetcher
from tests.memory_parsers import MemoryParsers
from tests.threaded_registry import ThreadedRegistry

PARSERS = 16
JOBS = 200


class BusyParsers(MemoryParsers):
    """Replicas that parse one document at a time. Their first documents are done when every replica has one."""

    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Semaphore(PARSERS)
        self.busy = 0
        self.all_busy = asyncio.Event()

    def running(self) -> int:
        return PARSERS

    async def open(self, *args: Any, **kwargs: Any) -> Any:
        async with self.free:
            self.busy += 1
            if self.busy == PARSERS:
                self.all_busy.set()
            await self.all_busy.wait()
            return await super().open(*args, **kwargs)


async def test_jobs_of_one_page_use_every_parser(tmp_path: Path) -> None:
    blobs, parsers = open_blobs("memory://"), BusyParsers()
    registry = await asyncio.to_thread(ThreadedRegistry, tmp_path, max_queued_jobs=JOBS)
    names = [f"job-{number}" for number in range(JOBS)]
    for name in names:
        await blobs.put(f"inputs/{name}/0", b"1")
    files = {name: (InputFile(filename="a.pdf", blob=f"inputs/{name}/0", size=1, sha256=""),) for name in names}
    specs = [JobSpec(job_id=name, files=files[name], options=ParseOptions(), submitted_at=0.0) for name in names]
    await registry.submit_many(specs)
    limits = JobLimits(files=4, splitting=Splitting(slots=PARSERS))
    config = DispatcherConfig(jobs=Settings(parser_max_replicas=PARSERS).max_concurrent_requests, limits=limits)
    work = asyncio.create_task(Dispatcher(registry, parsers, blobs, FakeFetcher(), config).run())
    try:  # a job waits in vain where not every parser has one
        ended = await asyncio.gather(*(registry.ended(name) for name in names))
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await registry.close()
    assert {view.status for view in ended} == {JobStatusEnum.COMPLETED}
    assert parsers.all_busy.is_set()
