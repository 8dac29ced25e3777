"""An ingress for tests, with access to everything behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI

from actors.blobs import BlobStore
from actors.messages import Failure
from actors.registry.registry import JobRegistry
from serve_app.settings import Settings
from tests.fakes import FakeDispatchers, FakeParsers, FakeWorker

T = TypeVar("T")

#: Seconds after which a test that waits has failed.
PATIENCE_S = 30


@dataclass
class Service:
    http: httpx.AsyncClient
    api: FastAPI
    registry: JobRegistry
    blobs: BlobStore
    parsers: FakeParsers
    dispatchers: FakeDispatchers
    worker: FakeWorker
    settings: Settings
    folder: Path

    async def submit(self, *files: tuple[str, bytes], **fields: str) -> str:
        """Submit a job with these files and return its id."""
        answer = await self.http.post("/submit", files=form(*files), data=fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    async def completed(self, *files: tuple[str, bytes], **fields: str) -> str:
        job_id = await self.submit(*files, **fields)
        await self.worker.work()
        return job_id

    async def parse(self, *files: tuple[str, bytes], failure: Failure | None = None) -> httpx.Response:
        """What `POST /parse` answers while the worker works; its jobs fail with `failure`, if given."""
        parsing = asyncio.create_task(self.http.post("/parse", files=form(*files)))
        async with asyncio.timeout(PATIENCE_S):
            while not parsing.done():
                await self.worker.work(failure)
                await asyncio.sleep(0)
        return await parsing

    def stored(self, prefix: str = "") -> list[str]:
        """The keys of the blobs under `prefix`, temporary files included."""
        root = self.folder / "blobs"
        return sorted(str(path.relative_to(root)) for path in (root / prefix).rglob("*") if path.is_file())


MakeService = Callable[..., Coroutine[Any, Any, Service]]


async def soon(ask: Callable[[], Awaitable[T]]) -> T:
    """The first answer that is not empty. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if answer := await ask():
                return answer
            await asyncio.sleep(0)


def form(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", file) for file in files]


async def submitted(service: Service, options: dict[str, Any]) -> httpx.Response:
    """The answer to a submit of one file with these options."""
    data = {"options": json.dumps(options)}
    return await service.http.post("/submit", files=form(("a.md", b"# A")), data=data)
