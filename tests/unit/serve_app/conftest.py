"""The API over a real registry and real folders. Only the parsers are fakes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from actors.blobs import open_blobs
from actors.registry.registry import JobRegistry, RegistryConfig
from serve_app.api import make_api
from serve_app.settings import Settings
from tests.fakes import FakeDispatchers, FakeParsers, FakeWorker
from tests.unit.serve_app.known_endpoints import known_dependant
from tests.unit.serve_app.service import MakeService, Service


@pytest.fixture(scope="session", autouse=True)
def endpoints_are_known() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr("fastapi.routing.get_dependant", known_dependant)
        yield


@pytest.fixture
async def make_service(tmp_path: Path) -> AsyncIterator[MakeService]:
    """Makes services with different settings."""
    made: list[Service] = []

    async def make(**changes: Any) -> Service:
        settings = Settings(state_dir=str(tmp_path), **changes)
        registry = await asyncio.to_thread(
            JobRegistry,
            RegistryConfig(
                database_url=settings.database_url,
                max_queued_jobs=settings.max_queued_jobs,
                max_queued_bytes=settings.max_queued_bytes,
                max_queued_jobs_of_owner=settings.key_max_queued_jobs,
                max_queued_bytes_of_owner=settings.key_max_queued_bytes,
                job_ttl_s=settings.job_ttl_s,
            ),
        )
        blobs, parsers = open_blobs(settings.blob_url), FakeParsers()
        dispatchers = FakeDispatchers(parsers, blobs)
        api = make_api(registry, blobs, parsers, dispatchers, settings)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://docfleet")
        worker = FakeWorker(registry, blobs)
        made.append(Service(http, api, registry, blobs, parsers, dispatchers, worker, settings, tmp_path))
        return made[-1]

    yield make
    for service in made:
        await service.http.aclose()
        await service.registry.close()


@pytest.fixture
def endpoints() -> dict[str, Any]:
    """The model endpoints of the service. Modules that need some have their own fixture of this name."""
    return {}


@pytest.fixture
async def service(make_service: MakeService, endpoints: dict[str, Any]) -> Service:
    return await make_service(model_endpoints=json.dumps(endpoints) if endpoints else "")
