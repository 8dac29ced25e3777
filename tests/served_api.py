"""The ingress on a port of its own, in a thread: a real registry and real folders, without Ray and models."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import httpx
import uvicorn

from actors.blobs import BlobStore, open_blobs
from actors.registry.registry import JobRegistry, RegistryConfig
from serve_app.api import make_api
from serve_app.ports import Dispatchers
from serve_app.settings import Settings
from tests.fakes import FakeParsers

T = TypeVar("T")


class ServedApi:
    """Serves from its making on. `dispatchers` makes those that derive from what is in the blob store."""

    def __init__(self, settings: Settings, dispatchers: Callable[[FakeParsers, BlobStore], Dispatchers]) -> None:
        self._settings = settings
        self._parsers = FakeParsers()
        self.blobs = open_blobs(settings.blob_url)
        self._dispatchers = dispatchers(self._parsers, self.blobs)
        self._listening = socket.create_server(("127.0.0.1", 0))  # takes connections before they are served
        self._port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        """Serve, on the port of before."""
        if self._listening.fileno() == -1:
            self._listening = socket.create_server(("127.0.0.1", self._port))
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._started.wait()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        config = RegistryConfig(
            database_url=self._settings.database_url, max_queued_jobs=20_000, max_queued_bytes=2**40, job_ttl_s=3600.0
        )
        self.registry = await asyncio.to_thread(JobRegistry, config)
        api = make_api(self.registry, self.blobs, self._parsers, self._dispatchers, self._settings)
        how = uvicorn.Config(api, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(how)
        self._started.set()
        await self._server.serve(sockets=[self._listening])
        await self.registry.close()

    def stop(self) -> None:
        """Stop serving; open streams break."""
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()

    def submit(self, files: dict[str, bytes], key: str = "") -> str:
        """Submit a job as another program would. Returns its id."""
        parts = [("files", item) for item in files.items()]
        headers = {"X-API-Key": key} if key else {}
        answer = httpx.post(f"{self.url}/submit", files=parts, headers=headers)
        return str(answer.raise_for_status().json()["job_id"])

    def launch(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run this beside the server, on its event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run this on the server's event loop, to its end."""
        return self.launch(work).result(timeout=30)
