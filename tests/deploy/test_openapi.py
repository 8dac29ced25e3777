"""The committed description of the API is true: requests made from it are answered as it says, and never with a bug."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import client.models
from serve_app.openapi_examples import EXAMPLES
from serve_app.settings import Settings
from tests.fakes import FakeDispatchers, FakeWorker
from tests.served_api import ServedApi

if TYPE_CHECKING:
    from schemathesis.specs.openapi.schemas import OpenApiSchema

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
OPERATIONS = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
EXAMPLES_EACH = 25
ENDLESS = {"events"}  # a stream; tests/unit/serve_app/test_owner_events.py reads it
#: Operations that hold a request until its job has ended.
HELD = ("v1_convert_file", "v1_convert_source", "v1_chunk_file", "v1_chunk_source")


class Server(ServedApi):
    """Its jobs end when `ended_job` is called."""

    def __init__(self, folder: Path) -> None:
        wanted = Settings(state_dir=str(folder), parse_timeout_s=0.05, api_keys_file="", api_keys="")
        super().__init__(wanted, FakeDispatchers)
        self._worker = FakeWorker(self.registry, self.blobs, pages=3)

    def ended_job(self) -> str:
        """The id of a job of a good and a bad file."""
        job_id = self.submit({"a.pdf": b"# A", "b.md": b"bad"})
        self.call(self._worker.work())
        return job_id

    @contextmanager
    def working(self) -> Iterator[None]:
        """In this context, jobs are ended as soon as they come."""
        working = self.launch(self._work())
        yield
        working.cancel()

    async def _work(self) -> None:
        while True:
            await self._worker.work()
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("state"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def schema() -> OpenApiSchema:
    import schemathesis  # takes seconds

    return schemathesis.openapi.from_dict(DOCUMENT)


@pytest.mark.parametrize("operation_id", [name for name in OPERATIONS if name not in ENDLESS])
def test_requests_made_from_the_description_are_answered_as_it_says(
    server: Server, schema: OpenApiSchema, operation_id: str
) -> None:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    told = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]

    @settings(
        max_examples=EXAMPLES_EACH,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema.find_operation_by_id(operation_id).as_strategy(), is_real=st.booleans())
    def holds(case: Any, is_real: bool) -> None:
        for name in {"job_id", "task_id"} & set(case.path_parameters or ()):
            if is_real:
                case.path_parameters[name] = server.ended_job()
        case.call_and_validate(base_url=server.url, checks=told)

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
    schemes = [{"bearer": []}, {"apiKey": []}, {}]
    guarded = {path for path, methods in DOCUMENT["paths"].items() for one in methods.values() if "security" in one}
    assert guarded == set(DOCUMENT["paths"]) - {"/health", "/livez", "/readyz", "/ready", "/version"}
    for path in guarded:
        for operation in DOCUMENT["paths"][path].values():
            assert operation["security"] == schemes
            assert {"401", "429"} <= set(operation["responses"])
