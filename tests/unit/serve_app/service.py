"""An ingress for tests, with a hand on everything behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI

from actors.blobs import BlobStore
from actors.registry.registry import JobRegistry
from serve_app.settings import Settings
from tests.fakes import FakeDispatchers, FakeParsers, FakeWorker

T = TypeVar("T")


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
        """The id of a job of these files."""
        answer = await self.http.post("/submit", files=form(*files), data=fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    async def completed(self, *files: tuple[str, bytes], **fields: str) -> str:
        job_id = await self.submit(*files, **fields)
        await self.worker.work()
        return job_id

    def stored(self, prefix: str = "") -> list[str]:
        """The keys of the blobs under `prefix`, temporary files included."""
        root = self.folder / "blobs"
        return sorted(str(path.relative_to(root)) for path in (root / prefix).rglob("*") if path.is_file())


MakeService = Callable[..., Coroutine[Any, Any, Service]]


async def soon(ask: Callable[[], Awaitable[T]]) -> T:
    """The first answer that is not empty."""
    while True:
        if answer := await ask():
            return answer
        await asyncio.sleep(0)


def form(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", file) for file in files]
