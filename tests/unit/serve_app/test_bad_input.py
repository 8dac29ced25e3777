"""Refused requests: their status, code and message, and that nothing of them is stored."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pytest
from structlog.testing import capture_logs

from actors.errors import DocfleetError, FleetUnavailable, StoreUnavailable
from actors.messages import JobSpec, JobView
from actors.registry_answers import QueueStats
from serve_app.settings import MIB
from serve_app.uploads import MAX_FIELD_BYTES, MAX_PARTS
from tests.unit.serve_app.service import MakeService, Service, form

ROUTES = ["/submit", "/parse"]
GOOD = ("a.md", b"# A")


def assert_problem(answer: httpx.Response, status: int, code: str, detail: str) -> None:
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code), body
    assert detail in body["detail"]
    assert body["request_id"] == answer.headers["X-Request-ID"]


async def assert_nothing_is_kept(service: Service) -> None:
    assert service.stored() == []
    assert await service.registry.list_jobs("", None, 10, None) == ([], None)


async def never_read() -> AsyncIterator[bytes]:
    raise AssertionError("the body was read")
    yield b""


def announcing(size: int) -> dict[str, str]:
    return {"Content-Length": str(size), "Content-Type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "body",
    [{}, {"json": {"files": []}}, {"data": {"task_id": "x"}}],
    ids=["empty", "json", "form without files"],
)
async def test_no_files(service: Service, route: str, body: dict[str, Any]) -> None:
    answer = await service.http.post(route, **body)
    assert_problem(answer, 422, "no_files", "The request has no files")
    await assert_nothing_is_kept(service)


@pytest.mark.parametrize(("kind", "told"), [("text/plain", "The Content-Type is text/plain"), ("", "no Content-Type")])
async def test_a_body_of_another_type_is_told_its_type(service: Service, kind: str, told: str) -> None:
    answer = await service.http.post("/submit", content=b"x", headers={"Content-Type": kind} if kind else {})
    assert_problem(answer, 422, "no_files", told)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("beside", [[], [("files", GOOD)]], ids=["alone", "beside a good one"])
@pytest.mark.parametrize("data", [b"# A", b"%PDF\xff", b"x" * (MAX_FIELD_BYTES + 1)], ids=["text", "binary", "long"])
async def test_a_file_under_another_name_is_told_the_right_one(
    service: Service, route: str, data: bytes, beside: list[Any]
) -> None:
    answer = await service.http.post(route, files=[*beside, ("document", ("a.pdf", data))])
    assert_problem(answer, 422, "no_files", "'a.pdf' was sent as 'document'. Send each file as a part named 'files'")
    await assert_nothing_is_kept(service)


async def test_a_text_field_may_be_read_from_a_file(service: Service) -> None:
    options = ("options", ("options.json", b'{"do_ocr": false}'))
    assert (await service.http.post("/submit", files=[("files", GOOD), options])).status_code == 202


@pytest.mark.parametrize("route", ROUTES)
async def test_a_part_without_a_file_name_is_no_file(service: Service, route: str) -> None:
    answer = await service.http.post(route, files=[("files", GOOD), ("files", (None, b"text"))])
    assert_problem(answer, 422, "no_files", "has no file name")
    await assert_nothing_is_kept(service)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        ("multipart/form-data", b"--x\r\n", "the Content-Type header has no boundary"),
        ("multipart/form-data; boundary=x", b"", "ends before its last boundary"),
        ("multipart/form-data; boundary=x", b"no boundary at all", "malformed"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--", "has no name"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\n# A',
            "ends before its last boundary",
        ),
        ("multipart/form-data; boundary=x", b"--x\r\nX: " + b"y" * 10_000, "header size"),
    ],
    ids=["no boundary", "empty", "text", "nameless part", "truncated", "long header"],
)
async def test_a_malformed_body(service: Service, route: str, content_type: str, body: bytes, reason: str) -> None:
    answer = await service.http.post(route, content=body, headers={"Content-Type": content_type})
    assert_problem(answer, 400, "malformed_request", reason)
    await assert_nothing_is_kept(service)


class Endless:
    """An upload whose only file never ends. `sent` counts the bytes that the server has read."""

    headers = {"Content-Type": "multipart/form-data; boundary=x"}  # noqa: RUF012 - no test changes it

    def __init__(self, filename: str) -> None:
        self._filename = filename.encode()
        self.sent = 0

    async def body(self) -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="' + self._filename + b'"\r\n\r\n'
        while self.sent < 100 * MIB:
            self.sent += 64 * 1024
            yield b"x" * 64 * 1024


async def test_a_file_over_the_limit_is_refused_while_it_is_sent(make_service: MakeService) -> None:
    service = await make_service(max_file_size_mb=1)
    endless = Endless("a.md")
    answer = await service.http.post("/submit", content=endless.body(), headers=endless.headers)
    assert_problem(answer, 413, "file_too_large", "a.md is larger than 1048576 bytes")
    assert endless.sent < 2 * MIB
    await assert_nothing_is_kept(service)


@pytest.mark.parametrize(
    ("route", "filename", "limits"),
    [
        ("/submit", "a.md", {"max_queued_bytes": 2 * MIB}),
        ("/parse", "a.md", {"max_queued_bytes": 2 * MIB}),
        ("/parse", "a.md", {"max_queued_bytes": 2 * MIB, "max_file_size_mb": 1}),
        ("/parse", "b.exe", {"max_queued_bytes": 2 * MIB}),
        ("/submit", "a.md", {"key_max_queued_bytes": 2 * MIB}),
    ],
    ids=["submit", "parse", "a file over its limit", "an unsupported file", "the limit of a key"],
)
async def test_a_request_for_which_there_is_never_room_is_refused_while_it_is_sent(
    make_service: MakeService, route: str, filename: str, limits: dict[str, int]
) -> None:
    service = await make_service(**limits)
    endless = Endless(filename)
    answer = await service.http.post(route, content=endless.body(), headers=endless.headers)
    assert_problem(answer, 413, "file_too_large", "The request is larger than 2097152 bytes")
    assert endless.sent < 3 * MIB
    await assert_nothing_is_kept(service)


async def test_a_file_at_the_limit_is_taken(make_service: MakeService) -> None:
    service = await make_service(max_file_size_mb=1)
    job_id = await service.submit(("a.md", b"x" * MIB), ("b.md", b"x" * MIB))
    assert await service.blobs.size(f"inputs/{job_id}/1") == MIB


@pytest.mark.parametrize("limit", ["max_queued_bytes", "key_max_queued_bytes"])
async def test_a_request_that_says_it_is_too_large_is_refused_unread(make_service: MakeService, limit: str) -> None:
    service = await make_service(**{limit: 1000})
    answer = await service.http.post("/submit", content=never_read(), headers=announcing(1001))
    assert_problem(answer, 413, "file_too_large", "larger than 1000 bytes")


async def test_an_unsupported_format_is_415_on_submit_before_it_is_stored(service: Service) -> None:
    answer = await service.http.post("/submit", files=form(GOOD, ("b.exe", b"MZ")))
    assert_problem(answer, 415, "unsupported_format", "Unsupported file format: b.exe")
    await assert_nothing_is_kept(service)


@pytest.mark.parametrize(
    ("bad", "code", "reason"),
    [
        (("b.exe", b"MZ"), "unsupported_format", "Unsupported file format: b.exe"),
        (("b.md", b"x" * (MIB + 1)), "file_too_large", "File too large: b.md is larger than 1048576 bytes"),
    ],
    ids=["unsupported", "too large"],
)
async def test_a_file_that_cannot_be_taken_is_a_failed_entry_on_parse(
    make_service: MakeService, bad: tuple[str, bytes], code: str, reason: str
) -> None:
    service = await make_service(max_file_size_mb=1)
    before, failed, after = (await service.parse(GOOD, bad, GOOD)).json()["results"]
    assert (failed["success"], failed["error"], failed["error_code"]) == (False, reason, code)
    assert before["success"]
    assert after["success"]


async def test_an_integer_of_64_bits_in_metadata_is_kept_as_it_is(service: Service) -> None:
    job_id = await service.submit(GOOD, metadata='{"least": -9223372036854775808, "most": 18446744073709551615}')
    answer = await service.http.get(f"/jobs/{job_id}")
    assert answer.json()["metadata"] == {"least": -(2**63), "most": 2**64 - 1}


@pytest.mark.parametrize("bad", [("b.exe", b"MZ"), ("b.md", b"x" * (MIB + 1))], ids=["unsupported", "too large"])
async def test_a_rejected_file_leaves_no_bytes(make_service: MakeService, bad: tuple[str, bytes]) -> None:
    service = await make_service(parse_timeout_s=0.01, max_file_size_mb=1)
    answer = await service.http.post("/parse", files=form(bad, GOOD))
    assert service.stored() == [f"inputs/{answer.json()['job_id']}/1"]


async def test_an_empty_file_is_taken_and_left_to_the_parser(service: Service) -> None:
    job_id = await service.submit(("empty.pdf", b""))
    [claim] = await service.registry.claim("test", 1, 0.0)
    assert [(file.size, file.rejected) for file in claim.spec.files] == [(0, None)]
    assert await service.blobs.get(f"inputs/{job_id}/0") == b""


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.md", "/etc/passwd.md", "..\\..\\a.md", "n" * 297 + ".md", "\u65e5\u672c \U0001f600.md", "..md"],
)
async def test_a_file_name_is_a_label_and_never_a_path(service: Service, name: str) -> None:
    job_id = await service.submit((name, b"# A"))
    [claim] = await service.registry.claim("test", 1, 0.0)
    assert [file.filename for file in claim.spec.files] == [name]
    assert service.stored() == [f"inputs/{job_id}/0"]


async def test_a_suffix_is_needed_whatever_the_path_looks_like(service: Service) -> None:
    answer = await service.http.post("/submit", files=form(("../../etc/passwd", b"root")))
    assert_problem(answer, 415, "unsupported_format", "Unsupported file format: ../../etc/passwd")


async def test_control_characters_of_a_file_name_are_replaced(service: Service) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a\x1b[31m\x00.md"\r\n\r\n# A\r\n--x--'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    await service.http.post("/submit", content=part, headers=headers)
    [claim] = await service.registry.claim("test", 1, 0.0)
    assert claim.spec.files[0].filename == "a\ufffd[31m\ufffd.md"


@pytest.mark.parametrize("name", ["filename*=unicode_escape''%5Cud800.md", 'filename="=?utf-7?Q?+2AA-.md?="'])
async def test_half_a_character_of_a_file_name_is_replaced(service: Service, name: str) -> None:
    body = f'--x\r\nContent-Disposition: form-data; name="files"; {name}\r\n\r\n# A\r\n--x--'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    submitted = await service.http.post("/submit", content=body, headers=headers)
    status = await service.http.get(f"/jobs/{submitted.json()['job_id']}")
    assert status.json()["filenames"] == ["?.md"]


@pytest.mark.parametrize("fields", [r'"task_id": "\ud800"', r'"\ud800": 1'], ids=["value", "name"])
async def test_half_a_character_in_json_is_refused(service: Service, fields: str) -> None:
    body = f'{{"sources": [{{"url": "https://example.org/a.md"}}], {fields}}}'
    answer = await service.http.post("/submit", content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, 400, "malformed_request", "half a character")
    await assert_nothing_is_kept(service)


async def test_two_files_of_one_name_are_both_kept_in_order(service: Service) -> None:
    job_id = await service.submit(("a.md", b"first"), ("a.md", b"second"))
    assert [await service.blobs.get(f"inputs/{job_id}/{index}") for index in (0, 1)] == [b"first", b"second"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("field", "value", "code", "detail"),
    [
        ("metadata", "[1]", "invalid_metadata", "metadata must be a JSON object"),
        ("metadata", "{'a': 1}", "invalid_metadata", "metadata is not JSON"),
        ("metadata", '{"a": 18446744073709551616}', "invalid_metadata", "integers above 64 bits"),
        ("metadata", '{"a": [-9223372036854775809]}', "invalid_metadata", "integers above 64 bits"),
        ("metadata", '{"a": 1' + "0" * 30 + "}", "invalid_metadata", "integers above 64 bits"),
        ("metadata", '{"a": "' + "x" * 16384 + '"}', "invalid_metadata", "at most 16384 bytes"),
        ("metadata", '{"a": NaN}', "invalid_metadata", "metadata is not JSON"),
        ("callback_url", "http://xn--a", "callback_refused", "callback_url is not an http or https URL"),
        ("metadata", '{"a":' * 250 + "1" + "}" * 250, "invalid_metadata", "metadata is nested deeper than 100 levels"),
        ("options", '{"do_ocrr": true}', "unknown_option", "Unknown option 'do_ocrr'"),
        ("options", '{"do_ocr": "perhaps"}', "invalid_option", "Invalid option 'do_ocr'"),
        ("options", '{"profile": "best"}', "invalid_option", "Invalid option 'profile'"),
        ("options", '{"content": ["margins"]}', "invalid_option", "Invalid option 'content.0'"),
        ("options", '{"encoding": "utf-64"}', "invalid_option", "unknown encoding; use one of Python's names"),
        ("options", '{"encoding": "base64"}', "invalid_option", "unknown encoding; use one of Python's names"),
        ("options", '{"page_range": [3, 2]}', "invalid_option", "page_range must be [first, last] with first <= last"),
        ("options", '{"images_scale": 2}', "invalid_option", "images_scale needs include_images: true"),
        (
            "do_ocr",
            "false",
            "invalid_option",
            'do_ocr is an option. Send it in the field options, as in options={"do_ocr"',
        ),
        ("options", '{"page_range": [0, 2]}', "invalid_option", "Invalid option 'page_range.0'"),
        ("options", "do_ocr=true", "invalid_option", "Invalid option 'options'"),
        ("options", "[]", "invalid_option", "Invalid option 'options'"),
        ("callback_url", "ftp://example.com/", "callback_refused", "http or https"),
        ("callback_url", "http://", "callback_refused", "http or https"),
        ("callback_url", "http://[::1", "callback_refused", "http or https"),
        ("callback_url", "http://example.com:x/", "callback_refused", "http or https"),
        ("callback_url", "http://example.com/" + "x" * 3000, "callback_refused", "at most"),
        ("callback_content", "pages", "invalid_request", "callback_content must be nodes or chunks"),
        ("callback_content", "chunks", "invalid_request", "callback_content=chunks needs a callback_url"),
        ("task_id", "x" * 256, "invalid_request", "task_id must have at most 255"),
        ("other", "x" * (MAX_FIELD_BYTES + 1), "invalid_request", "'other' must have at most 65536 bytes"),
        ("metadata", b"\xff", "invalid_request", "'metadata' must be UTF-8"),
    ],
)
async def test_a_field_that_does_not_hold_what_it_should(
    service: Service, route: str, field: str, value: str | bytes, code: str, detail: str
) -> None:
    answer = await service.http.post(route, files=form(GOOD), data={field: value})
    assert_problem(answer, 422, code, detail)
    await assert_nothing_is_kept(service)


@pytest.mark.parametrize(
    ("options", "detail"), [("3", "Invalid option 'options': Input"), ('{"profile": "x"}', "must")]
)
async def test_a_refusal_is_in_words_for_people(service: Service, options: str, detail: str) -> None:
    """pydantic's own messages of errors that a validator raises begin with the name of the exception."""
    answer = await service.http.post("/submit", files=form(GOOD), data={"options": options})
    assert_problem(answer, 422, "invalid_option", detail)
    assert "Value error" not in answer.json()["detail"]


async def test_a_refusal_never_repeats_a_password(service: Service) -> None:
    options = orjson.dumps({"password": "hunter2", "profile": "hunter2", "page_range": ["hunter2"]}).decode()
    answer = await service.http.post("/submit", files=form(GOOD), data={"options": options})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


async def test_a_request_of_too_many_parts(service: Service) -> None:
    answer = await service.http.post("/submit", files=form(GOOD), data={"x": ["y"] * MAX_PARTS})
    assert_problem(answer, 422, "invalid_request", f"at most {MAX_PARTS} parts")
    await assert_nothing_is_kept(service)


async def test_a_full_queue_is_429_with_a_time_to_come_back(make_service: MakeService) -> None:
    service = await make_service(max_queued_jobs=1)
    job_id = await service.submit(GOOD)
    answer = await service.http.post("/submit", files=form(GOOD))
    assert_problem(answer, 429, "queue_full", "The queue is full")
    assert int(answer.headers["Retry-After"]) > 0
    assert service.stored() == [f"inputs/{job_id}/0"]


@pytest.mark.parametrize("route", ROUTES)
async def test_a_large_request_hears_of_a_full_queue_before_it_is_read(make_service: MakeService, route: str) -> None:
    service = await make_service(max_queued_jobs=1)
    await service.submit(GOOD)
    answer = await service.http.post(route, content=never_read(), headers=announcing(MIB))
    assert_problem(answer, 429, "queue_full", "The queue is full")


async def test_a_large_request_hears_of_a_registry_that_is_away_before_it_is_read(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stats() -> QueueStats:
        raise FleetUnavailable("The job registry does not answer")

    monkeypatch.setattr(service.registry, "stats", stats)
    answer = await service.http.post("/submit", content=never_read(), headers=announcing(MIB))
    assert_problem(answer, 503, "unavailable", "does not answer")
    assert answer.headers["Retry-After"] == "2"


@pytest.mark.parametrize("first", ROUTES)
async def test_the_same_key_and_files_are_the_same_job_whatever_the_route(
    make_service: MakeService, first: str
) -> None:
    service = await make_service(parse_timeout_s=0.01)
    key = {"Idempotency-Key": "k"}
    answers = [await service.http.post(route, files=form(GOOD), headers=key) for route in (first, *ROUTES)]
    [job_id] = {answer.json()["job_id"] for answer in answers}
    assert service.stored() == [f"inputs/{job_id}/0"]


@pytest.mark.parametrize(
    ("files", "fields"),
    [
        ([("a.md", b"other")], {}),
        ([("b.md", b"# A")], {}),
        ([GOOD, GOOD], {}),
        ([GOOD], {"metadata": '{"a": 1}'}),
        ([GOOD], {"options": '{"do_ocr": true}'}),
        ([GOOD], {"options": '{"password": "1111"}'}),
    ],
    ids=["content", "name", "count", "metadata", "option", "password"],
)
async def test_the_same_key_for_something_else_is_422(
    service: Service, files: list[tuple[str, bytes]], fields: dict[str, str]
) -> None:
    key = {"Idempotency-Key": "k"}
    first = await service.http.post("/submit", files=form(GOOD), headers=key)
    answer = await service.http.post("/submit", files=form(*files), data=fields, headers=key)
    assert_problem(answer, 422, "idempotency_mismatch", "")
    assert service.stored() == [f"inputs/{first.json()['job_id']}/0"]


async def test_what_is_kept_to_know_a_request_again_does_not_tell_its_password(service: Service) -> None:
    key = {"Idempotency-Key": "k"}
    jobs = set()
    for password in ("1111", "2222"):
        fields = {"options": f'{{"password": "{password}"}}'}
        answer = await service.http.post("/submit", files=form(GOOD), data=fields, headers=key)
        jobs.add(answer.json()["job_id"])
    assert len(jobs) == 1


@pytest.mark.parametrize(("key", "bound"), [("", "at least 1 character"), ("k" * 256, "at most 255 characters")])
async def test_an_empty_or_long_idempotency_key_is_refused(service: Service, key: str, bound: str) -> None:
    answer = await service.http.post("/submit", files=form(GOOD), headers={"Idempotency-Key": key})
    assert_problem(answer, 422, "invalid_request", f"idempotency-key: String should have {bound}")
    await assert_nothing_is_kept(service)


async def test_a_blob_store_that_is_away_is_503(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(key: str) -> None:
        raise StoreUnavailable("The blob store cannot be reached")

    monkeypatch.setattr(service.blobs, "writer", refuse)
    answer = await service.http.post("/submit", files=form(GOOD))
    assert_problem(answer, 503, "store_unavailable", "The blob store cannot be reached")
    assert answer.headers["Retry-After"] == "5"
    await assert_nothing_is_kept(service)


async def test_why_a_store_is_away_is_for_the_log_alone_and_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(key: str) -> None:
        raise StoreUnavailable("The blob store cannot be reached") from PermissionError("403 at 10.1.2.3")

    monkeypatch.setattr(service.blobs, "writer", refuse)
    with capture_logs() as logs:
        answers = [await service.http.post("/submit", files=form(GOOD)) for _ in range(3)]
    assert not any("10.1.2.3" in answer.text for answer in answers)
    assert [(line["event"], line["reason"]) for line in logs] == [("store_unavailable", "403 at 10.1.2.3")]


async def test_a_refusal_stays_what_it_is_when_its_upload_cannot_be_removed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(prefix: str) -> int:
        raise StoreUnavailable("The blob store cannot be reached")

    monkeypatch.setattr(service.blobs, "delete_prefix", refuse)
    with capture_logs() as logs:
        answer = await service.http.post("/submit", files=form(GOOD), data={"metadata": "[]"})
    assert_problem(answer, 422, "invalid_metadata", "")
    assert [entry["event"] for entry in logs] == ["upload_left_behind"]


async def test_a_refusal_does_not_wait_for_a_slow_removal(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    answered, removed = threading.Event(), threading.Event()
    in_time: list[bool] = []
    rmtree = shutil.rmtree

    def remove(folder: Path) -> None:
        in_time.append(answered.wait(30))
        rmtree(folder)
        removed.set()

    monkeypatch.setattr("actors.blobs.local.shutil", SimpleNamespace(rmtree=remove))
    monkeypatch.setattr("actors.submission.REMOVE_WITHIN_S", 0.01)
    with capture_logs() as logs:
        answer = await service.http.post("/submit", files=form(GOOD), data={"metadata": "[]"})
    answered.set()
    assert_problem(answer, 422, "invalid_metadata", "")
    assert [entry["event"] for entry in logs] == ["upload_left_behind"]
    assert await asyncio.to_thread(removed.wait, 30)
    assert in_time == [True]
    assert service.stored("inputs") == []


@pytest.mark.parametrize(
    ("error", "code", "retry_after"),
    [(FleetUnavailable, "unavailable", "2"), (StoreUnavailable, "store_unavailable", "5")],
)
async def test_the_files_of_a_job_that_may_have_been_taken_are_kept(
    service: Service, monkeypatch: pytest.MonkeyPatch, error: type[DocfleetError], code: str, retry_after: str
) -> None:
    """The commit may have reached the journal although its answer was lost."""

    async def fall_silent(spec: JobSpec) -> JobView:
        raise error("nothing is known")

    monkeypatch.setattr(service.registry, "submit", fall_silent)
    answer = await service.http.post("/submit", files=form(GOOD))
    assert_problem(answer, 503, code, "nothing is known")
    assert answer.headers["Retry-After"] == retry_after
    assert len(service.stored("inputs")) == 1


async def test_no_such_route_is_a_problem_too(service: Service) -> None:
    assert_problem(
        await service.http.get("/nowhere"), 404, "not_found", "There is no route GET /nowhere; GET /docs describes"
    )


async def test_a_wrong_method_says_which_is_right(service: Service) -> None:
    answer = await service.http.get("/submit")
    assert_problem(answer, 405, "method_not_allowed", "GET is not a method of /submit; the Allow header")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("path", "methods"), [("/jobs", "GET, HEAD"), ("/jobs/a", "DELETE, GET, HEAD"), ("/jobs/a/results", "GET, HEAD")]
)
async def test_allow_names_every_method_of_a_path(service: Service, path: str, methods: str) -> None:
    assert (await service.http.patch(path)).headers["Allow"] == methods


async def test_a_bug_is_500_without_its_details(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(job_id: str) -> JobView:
        raise ZeroDivisionError("internals")

    monkeypatch.setattr(service.registry, "get", fail)
    answer = await service.http.get("/jobs/x")
    assert_problem(answer, 500, "internal", "Internal server error. The server's log has details under this request id")
    assert "internals" not in answer.text


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/jobs/a?wiat=30", "wait"),
        ("/jobs/a/results?page=1-3", "pages"),
        ("/jobs/a/results?format=chunks&max_token=64", "max_tokens"),
        ("/jobs?limits=3", "limit"),
        ("/jobs/a/files/0/pages/1.png?scal=2", "scale"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_misspelt_query_parameter_is_refused(service: Service, method: str, path: str, meant: str) -> None:
    answer = await service.http.request(method, path)
    assert answer.status_code == 422
    if method == "GET":
        assert_problem(answer, 422, "invalid_request", f"did you mean '{meant}'?")


@pytest.mark.parametrize("query", ["format=html&format=json", "file=0&file=1", "format=html&wait=0&wait=0"])
async def test_a_query_parameter_that_is_sent_twice_is_refused(service: Service, query: str) -> None:
    answer = await service.http.get(f"/jobs/a/results?{query}")
    assert_problem(answer, 422, "invalid_request", "is sent twice. Send it once")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("query", "code", "detail"),
    [
        ("force_ocr=true", "invalid_option", "force_ocr is an option. Send it in the field options"),
        ('options={"do_ocr":false}', "invalid_request", "options is a field of the body. Send it in the form or the"),
        ("webhook_url=https://a.test/", "invalid_request", "webhook_url is a field of the body"),
        ("sources=[]", "invalid_request", "sources is a field of the body"),
        ("focre_ocr=true", "invalid_request", "Unknown query parameter 'focre_ocr'; did you mean 'force_ocr'?"),
        ("task-id=7", "invalid_request", "Unknown query parameter 'task-id'; did you mean 'task_id'?"),
    ],
    ids=["option", "options", "field", "sources", "misspelt option", "misspelt field"],
)
async def test_what_belongs_into_the_body_is_refused_in_the_query(
    service: Service, route: str, query: str, code: str, detail: str
) -> None:
    answer = await service.http.post(f"{route}?{query}", files=form(GOOD))
    assert_problem(answer, 422, code, detail)
    await assert_nothing_is_kept(service)


async def test_other_query_parameters_of_a_submit_are_ignored(service: Service) -> None:
    assert (await service.http.post("/submit?utm_source=mail&_=17329", files=form(GOOD))).status_code == 202


@pytest.mark.parametrize("name", ["optoins", "option", "metdata", "callbackurl"])
async def test_a_misspelt_field_is_refused(service: Service, name: str) -> None:
    answer = await service.http.post("/submit", files=form(GOOD), data={name: "{}"})
    assert_problem(answer, 422, "invalid_request", f"Unknown field '{name}'; did you mean '")
    await assert_nothing_is_kept(service)


async def test_unknown_fields_are_ignored(service: Service) -> None:
    assert (await service.http.post("/submit", files=form(GOOD), data={"tenant": "a"})).status_code == 202


@pytest.mark.parametrize("name", ["options", "metadata", "task_id"])
async def test_a_field_that_is_sent_twice_is_refused(service: Service, name: str) -> None:
    answer = await service.http.post("/submit", files=form(GOOD), data={name: ["{}", '{"do_ocr": false}']})
    assert_problem(answer, 422, "invalid_request", f"The field '{name}' is sent twice. Send it once")
    await assert_nothing_is_kept(service)


async def test_an_option_beside_options_is_refused_in_json(service: Service) -> None:
    answer = await service.http.post("/submit", json={"sources": [{"job_id": "a"}], "force_ocr": True})
    assert_problem(answer, 422, "invalid_option", "force_ocr is an option. Send it in the field options")


@pytest.mark.parametrize(
    "query",
    ["_=1732900000", "utm_source=mail", "wait=0&debug=1", f"{'wait' * 5000}=1"],
    ids=["time", "campaign", "beside one of the route's", "long"],
)
async def test_query_parameters_that_others_add_are_ignored(service: Service, query: str) -> None:
    job_id = await service.submit(GOOD)
    assert (await service.http.get(f"/jobs/{job_id}?{query}")).status_code == 200


async def test_docling_serve_s_clients_may_send_any_query_parameter(service: Service) -> None:
    assert (await service.http.get("/v1/status/poll/a?wiat=1")).status_code == 404
    assert (await service.http.post("/v1/convert/file/async?force_ocr=true", files=form(GOOD))).status_code == 200
