"""The committed description of the API is true: requests made from it are answered as it says, and never with a bug."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import client.models
from actors.blobs import open_blobs
from actors.registry.registry import JobRegistry, RegistryConfig
from serve_app.api import make_api
from serve_app.openapi_examples import EXAMPLES
from serve_app.settings import Settings
from tests.fakes import FakeDispatchers, FakeParsers, FakeWorker

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
EXAMPLES_EACH = 25
ENDLESS = {"events"}  # a stream; tests/unit/serve_app/test_owner_events.py reads it
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

schema = schemathesis.openapi.from_path(str(DOCUMENT))
#: Operations that hold a request until its job has ended.
HELD = ("v1_convert_file", "v1_convert_source", "v1_chunk_file", "v1_chunk_source")
OPERATIONS = {result.ok().definition.raw["operationId"]: result.ok() for result in schema.get_all_operations()}


class Server:
    """The ingress on a socket, over a real registry; its jobs end when `ended_job` is called."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._started.wait()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        wanted = Settings(state_dir=str(self._folder), parse_timeout_s=0.05, api_keys_file="", api_keys="")
        config = RegistryConfig(
            database_url=wanted.database_url, max_queued_jobs=10_000, max_queued_bytes=2**40, job_ttl_s=3600.0
        )
        self._registry = await asyncio.to_thread(JobRegistry, config)
        blobs = open_blobs(wanted.blob_url)
        self._worker = FakeWorker(self._registry, blobs, pages=3)
        parsers = FakeParsers()
        api = make_api(self._registry, blobs, parsers, FakeDispatchers(parsers, blobs), wanted)
        listening = socket.create_server(("127.0.0.1", 0))  # takes connections before it is served
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(api, log_config=None, lifespan="off"))
        self._started.set()
        await self._server.serve(sockets=[listening])
        await self._registry.close()

    def ended_job(self) -> str:
        """The id of a job of a good and a bad file."""
        files = [("files", ("a.pdf", b"# A")), ("files", ("b.md", b"bad"))]
        job_id = str(httpx.post(f"{self.url}/submit", files=files).json()["job_id"])
        asyncio.run_coroutine_threadsafe(self._worker.work(), self._loop).result()
        return job_id

    @contextmanager
    def working(self) -> Iterator[None]:
        """In this context, jobs are ended as soon as they come."""
        working = asyncio.run_coroutine_threadsafe(self._work(), self._loop)
        yield
        working.cancel()

    async def _work(self) -> None:
        while True:
            await self._worker.work()
            await asyncio.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("state"))
    yield running
    running.stop()


@pytest.mark.parametrize("operation_id", [name for name in OPERATIONS if name not in ENDLESS])
def test_requests_made_from_the_description_are_answered_as_it_says(server: Server, operation_id: str) -> None:
    operation = OPERATIONS[operation_id]

    @settings(
        max_examples=EXAMPLES_EACH,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), is_real=st.booleans())
    def holds(case: Any, is_real: bool) -> None:
        for name in {"job_id", "task_id"} & set(case.path_parameters or ()):
            if is_real:
                case.path_parameters[name] = server.ended_job()
        case.call_and_validate(base_url=server.url, checks=CHECKS)

    with server.working() if operation_id in HELD else nullcontext():
        holds()


def test_operations_keep_their_ids() -> None:
    """Generated clients name their methods by them."""
    assert set(OPERATIONS) == {
        "index", "health", "livez", "readyz", "submit", "parse", "list_jobs", "job_status", "job_events", "job_results",
        "cancel_job", "list_deliveries", "redeliver", "delete_job", "events", "page_picture", "artifact", "options",
        "v1_convert_file", "v1_convert_source", "v1_submit_file", "v1_submit_source", "v1_poll", "v1_result",
        "v1_chunk_file", "v1_chunk_source", "v1_submit_chunk_file", "v1_submit_chunk_source",
        "v1_clear_converters", "v1_clear_results", "v1_ready", "v1_version", "v1_capabilities",
    }  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_its_model_would_send(name: str) -> None:
    example = EXAMPLES[name]
    assert json.loads(getattr(client.models, name).model_validate(example).model_dump_json()) == example


def test_every_operation_says_who_may_ask() -> None:
    document = json.loads(DOCUMENT.read_text())
    schemes = [{"bearer": []}, {"apiKey": []}, {}]
    guarded = {path for path, methods in document["paths"].items() for one in methods.values() if "security" in one}
    assert guarded == set(document["paths"]) - {"/health", "/livez", "/readyz", "/ready", "/version"}
    for path in guarded:
        for operation in document["paths"][path].values():
            assert operation["security"] == schemes
            assert {"401", "429"} <= set(operation["responses"])
