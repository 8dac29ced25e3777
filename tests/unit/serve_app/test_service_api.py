"""The state and description of the service, and request ids."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from actors.errors import FleetUnavailable
from actors.messages import JobView
from actors.registry_answers import QueueStats
from client.models import ErrorCode, HealthResponse, ServiceInfo
from serve_app.problems import STATUS
from serve_app.uploads import TEXT_FIELDS
from tests.fakes import PARSER
from tests.unit.serve_app.service import MakeService, Service


async def test_the_index_names_formats_and_endpoints(service: Service) -> None:
    info = ServiceInfo.model_validate((await service.http.get("/")).json())
    assert {".pdf", ".docx", ".md", ".html", ".xls"} <= set(info.supported_formats)
    described = (await service.http.get("/openapi.json")).json()["paths"]
    assert set(info.endpoints.values()) - {"/docs"} <= set(described)
    assert (await service.http.get("/docs")).status_code == 200


async def test_health_of_a_service_at_work(make_service: MakeService) -> None:
    service = await make_service(max_file_size_mb=7, max_concurrent_requests=10)
    await service.submit(("a.md", b"# A"))
    health = HealthResponse.model_validate((await service.http.get("/health")).json())
    assert (health.status, health.parser, health.replicas, health.queued, health.running) == (
        "healthy", PARSER, 1, 1, 0,
    )  # fmt: skip
    assert health.config == {
        "max_concurrent_requests": 10,
        "max_concurrent_files": 4,
        "max_file_size_mb": 7,
        "page_chunks": True,
        "do_ocr": True,
        "do_table_structure": True,
        "profile": "auto",
    }


async def test_a_service_whose_parsers_still_load_is_initializing_and_not_ready(service: Service) -> None:
    service.parsers.ready = False
    assert (await service.http.get("/health")).json()["status"] == "initializing"
    answer = await service.http.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (await service.http.get("/livez")).status_code == 200
    service.parsers.ready = True
    assert (await service.http.get("/health")).json()["status"] == "healthy"
    assert (await service.http.get("/readyz")).status_code == 200


async def test_a_parser_that_was_seen_once_is_not_asked_again(service: Service) -> None:
    await service.http.get("/health")
    service.parsers.busy = True
    health = (await service.http.get("/health")).json()
    assert (health["status"], health["parser"]) == ("healthy", PARSER.model_dump())


async def test_a_service_whose_parsers_are_all_gone_is_initializing_and_not_ready(service: Service) -> None:
    await service.http.get("/health")
    service.parsers.ready = False
    assert (await service.http.get("/health")).json()["status"] == "initializing"
    assert (await service.http.get("/readyz")).status_code == 503


async def test_a_fleet_that_may_shrink_to_nothing_is_ready_without_a_parser(make_service: MakeService) -> None:
    service = await make_service(parser_min_replicas=0)
    service.parsers.ready = False
    assert (await service.http.get("/readyz")).status_code == 200
    assert (await service.http.get("/health")).json()["status"] == "healthy"


async def test_health_names_the_profile_whenever_a_parser_runs_and_starts_none_to_ask(
    make_service: MakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await make_service(parser_min_replicas=0)
    describe = service.parsers.describe
    monkeypatch.setattr(service.parsers, "describe", lambda: pytest.fail("a parser was started"))
    service.parsers.ready = False
    assert (await service.http.get("/health")).json()["parser"] is None
    monkeypatch.setattr(service.parsers, "describe", describe)
    service.parsers.ready = True
    assert (await service.http.get("/health")).json()["parser"] == PARSER.model_dump()


async def test_without_its_registry_a_service_is_not_ready_but_answers(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stats() -> QueueStats:
        raise FleetUnavailable("The job registry does not answer")

    monkeypatch.setattr(service.registry, "stats", stats)
    assert (await service.http.get("/readyz")).status_code == 503
    health = await service.http.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "initializing")


async def test_a_parser_that_never_answers_does_not_hold_up_health(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve_app.health.PATIENCE_S", 0.01)
    monkeypatch.setattr(service.parsers, "describe", asyncio.Event().wait)
    assert (await service.http.get("/health")).json()["status"] == "initializing"


@pytest.mark.parametrize("sent", ["abc-1.2:3_Z", "a" * 128])
async def test_a_callers_request_id_comes_back(service: Service, sent: str) -> None:
    answer = await service.http.get("/livez", headers={"X-Request-ID": sent})
    assert answer.headers["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", [None, "", "a b", "a" * 129, "é", '{"a":1}'])
async def test_a_request_id_that_is_no_plain_word_is_replaced(service: Service, sent: str | None) -> None:
    headers = {} if sent is None else {b"X-Request-ID": sent.encode()}
    answers = [await service.http.get("/livez", headers=headers) for _ in range(2)]
    ids = {answer.headers["X-Request-ID"] for answer in answers}
    assert len(ids) == 2
    assert all(len(made) == 32 for made in ids)


async def test_a_jobs_request_id_is_its_requests(service: Service) -> None:
    await service.http.post("/submit", files=[("files", ("a.md", b"# A"))], headers={"X-Request-ID": "mine"})
    [claim] = await service.registry.claim("test", 1, 0.0)
    assert claim.spec.request_id == "mine"


@pytest.mark.parametrize("path", ["/submit", "/parse"])
async def test_a_callers_trace_goes_with_the_job(make_service: MakeService, path: str) -> None:
    service = await make_service(parse_timeout_s=0.01)
    sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for headers in ({"traceparent": sent}, {"traceparent": sent.upper()}, {}):
        await service.http.post(path, files=[("files", ("a.md", b"# A"))], headers=headers)
    claims = await service.registry.claim("test", 3, 0.0)
    assert [claim.spec.traceparent for claim in claims] == [sent, "", ""]


async def test_a_bug_is_logged_with_its_traceback(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(job_id: str) -> JobView:
        raise ZeroDivisionError

    monkeypatch.setattr(service.registry, "get", fail)
    with capture_logs() as logs:
        await service.http.get("/jobs/x")
    assert [(entry["event"], entry["path"]) for entry in logs] == [("request_failed", "/jobs/x")]
    assert logs[0]["exc_info"]


async def test_every_operation_has_an_id_of_its_own_and_describes_its_errors(service: Service) -> None:
    document = (await service.http.get("/openapi.json")).json()
    operations = [(path, operation) for path, methods in document["paths"].items() for operation in methods.values()]
    ids = [operation["operationId"] for _, operation in operations]
    assert sorted(ids) == sorted(set(ids))
    for path, operation in operations:
        # The errors of docling-serve's routes also have a list as `detail`.
        is_doclings = path.startswith("/v1/") or path in ("/ready", "/version")
        problem = "DoclingProblem" if is_doclings else "Problem"
        for status, response in operation["responses"].items():
            assert "X-Request-ID" in response["headers"]
            if int(status) >= 400:
                assert response["content"] == {
                    "application/problem+json": {"schema": {"$ref": f"#/components/schemas/{problem}"}}
                }


@pytest.mark.parametrize("path", ["/submit", "/parse"])
async def test_the_upload_form_is_described(service: Service, path: str) -> None:
    document = (await service.http.get("/openapi.json")).json()
    body = document["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert body["anyOf"] == [{"required": ["files"]}, {"required": ["sources"]}]
    assert set(body["properties"]) == {"files", "sources", *TEXT_FIELDS}
    assert {"options", "metadata", "task_id", "callback_url", "callback_content", "webhook_url"} == TEXT_FIELDS


def test_every_code_of_a_request_has_a_status() -> None:
    of_files = {
        ErrorCode.EMPTY_FILE, ErrorCode.INVALID_FILE, ErrorCode.CONTENT_MISMATCH, ErrorCode.PASSWORD_REQUIRED,
        ErrorCode.WRONG_PASSWORD, ErrorCode.NO_PAGES, ErrorCode.PAGE_RANGE_OUTSIDE, ErrorCode.DECOMPRESSION_BOMB,
        ErrorCode.TOO_LARGE_TO_PARSE,
        ErrorCode.PAGES_LOST, ErrorCode.TOO_MANY_PAGES, ErrorCode.RESULT_TOO_LARGE, ErrorCode.MODEL_UNAVAILABLE,
        ErrorCode.SOURCE_NOT_FOUND, ErrorCode.SOURCE_DENIED, ErrorCode.SOURCE_FAILED,
    }  # fmt: skip
    assert set(STATUS) == set(ErrorCode) - of_files


@pytest.mark.parametrize("path", ["/", "/health", "/jobs", "/jobs/{id}", "/jobs/{id}/results", "/jobs/none"])
async def test_what_changes_is_kept_by_no_cache(service: Service, path: str) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    answer = await service.http.get(path.replace("{id}", job_id))
    assert answer.headers["Cache-Control"] == "no-store"


async def test_results_are_kept_by_their_owner_alone_and_asked_for_again(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results")
    assert answer.headers["Cache-Control"] == "private, no-cache"
