"""Requests that are taken, and those that are refused with nothing left behind."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from actors.messages import Failure
from client.models import ErrorCode
from serve_app.docling_v1.json_strings import SHORT, LongString, split_long_strings
from tests.unit.serve_app.docling_v1.calls import DOCUMENT, converted, finished, source, submitted
from tests.unit.serve_app.service import MakeService, Service, form

FILES = form(DOCUMENT)
ASYNC_JSON = "/v1/convert/source/async"
ASYNC_FORM = "/v1/convert/file/async"


async def received(service: Service) -> list[tuple[str, bytes]]:
    """The names and the bytes of the files of the queued job."""
    [claim] = await service.registry.claim("test", 1, 0.0)
    return [(file.filename, await service.blobs.get(file.blob)) for file in claim.spec.files]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 100, 3 * SHORT // 4, SHORT, 300_001])
async def test_a_file_in_the_body_is_stored_as_its_client_has_it(service: Service, size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    answer = await service.http.post(ASYNC_JSON, json=source("a.bin", data))
    assert answer.status_code == 200, answer.text
    assert await received(service) == [("a.bin", data)]


@pytest.mark.parametrize("step", [1, 3, 1000])
async def test_a_body_may_arrive_in_any_pieces(service: Service, step: int) -> None:
    data = bytes(range(256)) * (2 if step == 1 else 200)
    body = orjson.dumps(source('a \\"b\\".bin', data) | {"options": {"to_formats": ["md"]}}, option=orjson.OPT_INDENT_2)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), step):
            yield body[start : start + step]

    answer = await service.http.post(ASYNC_JSON, content=pieces())
    assert answer.status_code == 200, answer.text
    assert (await received(service))[0][1] == data


@pytest.mark.parametrize("data", [b"\xff" * 100, b"\xff" * 60_000])
async def test_base64_with_line_breaks_and_escaped_slashes_is_read(service: Service, data: bytes) -> None:
    text = b64encode(data).decode()
    lines = "\\r\\n".join(text[start : start + 76] for start in range(0, len(text), 76)).replace("/", "\\/")
    body = '{"sources": [{"filename": "a.bin", "base64_string": "' + lines + '", "kind": "file"}]}'
    answer = await service.http.post(ASYNC_JSON, content=body.encode())
    assert answer.status_code == 200, answer.text
    assert await received(service) == [("a.bin", data)]


async def test_several_files_keep_their_order(service: Service) -> None:
    sent = [("b.md", b"b" * 50_000), ("a.md", b"a"), ("c.md", b"c" * 50_000)]
    sources = [source(*each)["sources"][0] for each in sent]
    await service.http.post(ASYNC_JSON, json={"sources": sources})
    assert await received(service) == sent


async def test_long_strings_are_never_in_memory_as_a_whole() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"a": "'
        for _ in range(100):
            yield b"x" * 10_000
        yield b'", "b": "y"}'

    rest, largest = b"", 0
    async for piece in split_long_strings(body()):
        if isinstance(piece, LongString):
            async for data in piece.data():
                largest = max(largest, len(data))
        else:
            rest += piece
    assert rest == b'{"a": "", "b": "y"}'
    assert largest <= SHORT + 10_000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no json", 400),
        (b'{"sources": [', 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"sources": []}', 422),
        (b'{"sources": [{"kind": "s3", "bucket": "b"}]}', 422),
        (b'{"sources": [{"kind": "file", "filename": "a.md"}]}', 422),
        (b'{"sources": [{"kind": "file", "filename": "a.md", "base64_string": "?"}]}', 422),
        (b'{"sources": [{"kind": "file", "filename": "a.md", "base64_string": "QQ"}]}', 422),
        (b'{"sources": [{"kind": "file", "filename": "a.md", "base64_string": "' + b"?" * 70_000 + b'"}]}', 422),
        (b'{"sources": [{"kind": "file", "filename": "a.md", "base64_string": "QQ=="}], "options": 3}', 422),
        (b'{"sources": [{"kind": "file", "filename": "a.md", "base64_string": "QQ=="}], "target": "zip"}', 422),
    ],
)
async def test_a_body_that_is_no_request_is_refused(service: Service, body: bytes, status: int) -> None:
    answer = await service.http.post(ASYNC_JSON, content=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
    assert service.stored() == []


async def test_callbacks_are_refused(service: Service) -> None:
    as_json = await service.http.post(ASYNC_JSON, json=source(callbacks=[{"url": "http://example.org"}]))
    as_form = await service.http.post(ASYNC_FORM, files=FILES, data={"callbacks": "http://example.org"})
    assert [answer.json()["code"] for answer in (as_json, as_form)] == ["callback_refused"] * 2


@pytest.mark.parametrize("data", [b"x" * 2_000_000, b"\xff" * 1_100_000])
async def test_a_file_above_the_limit_is_refused(make_service: MakeService, data: bytes) -> None:
    service = await make_service(max_file_size_mb=1)
    as_form = await service.http.post(ASYNC_FORM, files=form(("a.pdf", data)))
    as_json = await service.http.post(ASYNC_JSON, json=source("a.pdf", data))
    assert [answer.status_code for answer in (as_form, as_json)] == [413, 413]
    assert service.stored() == []


async def test_a_form_without_files_is_refused(service: Service) -> None:
    answer = await service.http.post(ASYNC_FORM, files=[("file", DOCUMENT)])
    assert (answer.status_code, answer.json()["code"]) == (422, "no_files")


async def test_a_full_queue_is_told_with_a_time_to_come_back(make_service: MakeService) -> None:
    service = await make_service(max_queued_jobs=1)
    await submitted(service)
    answer = await service.http.post(ASYNC_FORM, files=FILES)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")


@pytest.mark.parametrize("key", ["mine", "x" * 255])
async def test_a_repeated_request_with_its_key_is_the_same_task(service: Service, key: str) -> None:
    headers = {"Idempotency-Key": key}
    tasks = [
        (await service.http.post(ASYNC_FORM, files=FILES, data={"to_formats": formats}, headers=headers)).json()
        for formats in (["json", "md"], "md,json")
    ]
    assert len({task["task_id"] for task in tasks}) == 1


@pytest.mark.parametrize("change", [{"do_ocr": "false"}, {"to_formats": "html"}, {"target_type": "zip"}])
async def test_a_key_is_for_one_request(service: Service, change: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "mine"}
    await service.http.post(ASYNC_FORM, files=FILES, headers=headers)
    answer = await service.http.post(ASYNC_FORM, files=FILES, data=change, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


async def test_a_failed_file_is_told_in_the_body_of_a_synchronous_call(service: Service) -> None:
    answer = await converted(service, files=form(("a.md", b"bad")))
    result = answer.json()
    assert (answer.status_code, result["status"], result["document"]["md_content"]) == (200, "failure", None)
    assert [error["error_message"] for error in result["errors"]] == ["The file cannot be parsed"]


@pytest.mark.parametrize(
    ("code", "status"), [(ErrorCode.DEADLINE_EXCEEDED, 504), (ErrorCode.CANCELLED, 409), (ErrorCode.POISON, 500)]
)
async def test_a_failed_job_is_the_error_of_a_synchronous_call(service: Service, code: ErrorCode, status: int) -> None:
    calling = asyncio.create_task(service.http.post("/v1/convert/file", files=FILES))
    while not calling.done():
        await service.worker.work(Failure(code=code, message="It failed"))
        await asyncio.sleep(0)
    answer = await calling
    assert (answer.status_code, answer.json()["detail"]) == (status, "It failed")


async def test_an_unfinished_result_is_not_there_yet(service: Service) -> None:
    task_id = (await submitted(service))["task_id"]
    answer = await service.http.get(f"/v1/result/{task_id}")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("Task result not found")
    assert answer.json()["code"] == "result_not_ready"


async def test_old_tasks_are_cleared_and_native_jobs_are_kept(service: Service) -> None:
    task_id, native = await finished(service), await service.completed(("a.md", b"# A"))
    waiting = (await submitted(service))["task_id"]
    await service.http.get("/v1/clear/results")
    assert (await service.http.get(f"/v1/result/{task_id}")).status_code == 200, "it is not an hour old"
    await service.http.get("/v1/clear/results", params={"older_then": 0})
    assert (await service.http.get(f"/jobs/{task_id}")).status_code in (404, 410)
    assert [(await service.http.get(f"/jobs/{each}")).status_code for each in (waiting, native)] == [200, 200]
