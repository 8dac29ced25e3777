"""Requests with URLs in place of files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from actors.egress.guard import AddressGuard, Hosts
from actors.errors import FileError
from actors.messages import InputFile
from actors.sources import Source
from client.models import UrlSource
from serve_app.uploads import MAX_SOURCES_BYTES
from serve_app.url_sources import MAX_HEADERS, MAX_SOURCES, MAX_URL, driver_file
from tests.unit.serve_app.service import PATIENCE_S, MakeService, Service
from tests.unit.serve_app.test_bad_input import GOOD, assert_nothing_is_kept, assert_problem

URL = "https://web.test/papers/one.pdf?token=sesame"


def as_form(*sources: dict[str, Any]) -> dict[str, Any]:
    """A request with these sources in the field of a form."""
    return {"files": [("sources", (None, json.dumps(sources)))]}


def as_json(*sources: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"json": {"sources": sources, **fields}}


WAYS = pytest.mark.parametrize("way", [as_form, as_json], ids=["form", "json"])


async def submitted(service: Service, request: dict[str, Any]) -> Sequence[InputFile]:
    """The files of the job that the request makes."""
    answer = await service.http.post("/submit", **request)
    assert answer.status_code == 202, answer.text
    assert "sesame" not in answer.text
    (claim,) = await service.registry.claim("test", 1, 0.0)
    assert claim.spec.job_id == answer.json()["job_id"]
    return claim.spec.files


@WAYS
async def test_a_source_becomes_a_file_that_is_to_be_fetched(service: Service, way: Any) -> None:
    source = {"url": URL, "headers": {"Authorization": " Bearer sesame"}, "filename": "mine.pdf"}
    first, second = await submitted(service, way(source, {"url": "http://web.test:8080"}))
    assert first.remote
    assert (first.filename, first.size, first.sha256) == ("mine.pdf", 0, "")
    assert first.source == Source(url=URL, headers={"Authorization": "Bearer sesame"}, is_named=True)
    assert (second.filename, second.source) == ("web.test", Source(url="http://web.test:8080"))
    assert (first.blob[-2:], second.blob[-2:]) == ("/0", "/1")
    assert service.stored() == []


async def test_files_and_sources_keep_the_order_in_which_they_are_sent(service: Service) -> None:
    parts = [("sources", (None, json.dumps([{"url": URL}]))), ("files", GOOD), *as_form({"url": URL})["files"]]
    files = await submitted(service, {"files": parts})
    assert [file.filename for file in files] == ["one.pdf", "a.md", "one.pdf"]
    assert [file.remote for file in files] == [True, False, True]


async def test_the_fields_of_a_json_request_are_those_of_the_form(service: Service) -> None:
    fields = {"options": {"do_ocr": False}, "metadata": {"case": 17}, "task_id": "mine", "callback_url": None}
    await service.http.post("/submit", **as_json({"url": URL}, **fields))
    (claim,) = await service.registry.claim("test", 1, 0.0)
    spec = claim.spec
    assert (spec.options.do_ocr, spec.metadata, spec.task_id, spec.callback_url) == (False, {"case": 17}, "mine", None)


async def test_parse_answers_with_the_entry_of_a_source(service: Service) -> None:
    parsing = asyncio.create_task(service.http.post("/parse", **as_json({"url": URL})))
    async with asyncio.timeout(PATIENCE_S):
        while not parsing.done():
            await service.worker.work()
            await asyncio.sleep(0)
    answer = await parsing
    assert answer.status_code == 200
    assert [entry["filename"] for entry in answer.json()["results"]] == ["one.pdf"]


@pytest.mark.parametrize(("route", "way"), [("/submit", as_form), ("/parse", as_json)], ids=["form", "json"])
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"url": "ftp://web.test/a.pdf"}, "sources.0.url is not an http or https URL"),
        ({"url": "file:///etc/passwd"}, "sources.0.url is not an http or https URL"),
        ({"url": "https:///a.pdf"}, "sources.0.url is not an http or https URL"),
        ({"url": ""}, "sources.0.url is not an http or https URL"),
        ({"url": "https://me:sesame@web.test/a.pdf"}, "sources.0.url must not hold a user name or password"),
        ({"url": f"https://web.test/{'a' * MAX_URL}"}, f"sources.0.url must have at most {MAX_URL} characters"),
        ({}, "sources.0.url: Field required"),
        (URL, "sources.0: Input should be an object; the fields are url, headers, filename"),
        ({"url": 7}, "sources.0.url: Input should be a valid string"),
        ({"url": URL, "header": {}}, "sources.0.header: Extra inputs are not permitted; the fields are url, headers"),
        ({"url": URL, "headers": {"A": 7}}, "sources.0.headers.A"),
        ({"url": URL, "headers": {"A b": "sesame"}}, "has a name that is no header name"),
        ({"url": URL, "headers": {"": "sesame"}}, "has a name that is no header name"),
        ({"url": URL, "headers": {"hOst": "sesame"}}, "must not have hOst"),
        ({"url": URL, "headers": {"Content-Length": "sesame"}}, "must not have Content-Length"),
        ({"url": URL, "headers": {"A": "sesame\r\nB: c"}}, "The value of A in sources.0.headers must be"),
        ({"url": URL, "headers": {"A": "sésame"}}, "The value of A in sources.0.headers must be"),
        ({"url": URL, "headers": {f"A{n}": "" for n in range(MAX_HEADERS + 1)}}, f"at most {MAX_HEADERS}"),
    ],
    ids=range(18),
)
async def test_an_invalid_source_is_refused_with_its_reason(
    service: Service, route: str, way: Any, source: dict[str, Any], reason: str
) -> None:
    with capture_logs() as logs:
        answer = await service.http.post(route, **way(source))
    assert_problem(answer, 422, "invalid_source", reason)
    assert "sesame" not in f"{answer.text} {logs}"
    await assert_nothing_is_kept(service)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest/", "http://0x7f.1/"]
)
@WAYS
async def test_an_address_that_is_not_public_is_refused_at_once(service: Service, way: Any, url: str) -> None:
    answer = await service.http.post("/submit", **way({"url": URL}, {"url": url}))
    assert_problem(answer, 422, "source_refused", "sources.1.url leads to")
    await assert_nothing_is_kept(service)


async def test_the_operator_says_which_hosts_sources_may_have(make_service: MakeService) -> None:
    service = await make_service(sources_allow="10.0.0.0/8, 93.184.216.34", sources_deny="10.1.0.0/16, evil.test, *")
    answers = {
        url: (await service.http.post("/submit", **as_json({"url": f"http://{url}/"}))).status_code
        for url in ("10.0.0.1", "10.1.0.1", "93.184.216.34", "93.184.216.35", "evil.test", "EVIL.test.", "web.test")
    }
    assert answers == {
        "10.0.0.1": 202,
        "10.1.0.1": 422,
        "93.184.216.34": 202,
        "93.184.216.35": 422,
        "evil.test": 422,
        "EVIL.test.": 422,
        "web.test": 202,  # its address is checked when it is fetched
    }


@WAYS
async def test_too_many_sources_are_refused(service: Service, way: Any) -> None:
    answer = await service.http.post("/submit", **way(*[{"url": URL}] * (MAX_SOURCES + 1)))
    assert_problem(answer, 422, "invalid_source", f"at most {MAX_SOURCES} files and sources")
    assert len(await submitted(service, way(*[{"url": URL}] * MAX_SOURCES))) == MAX_SOURCES


@WAYS
async def test_an_empty_list_of_sources_is_no_file(service: Service, way: Any) -> None:
    assert_problem(await service.http.post("/submit", **way()), 422, "no_files", "The request has no files")


@pytest.mark.parametrize(
    ("body", "status", "code", "reason"),
    [
        (b"{", 400, "malformed_request", "not JSON"),
        (b"[" * 100_000, 400, "malformed_request", "not JSON"),
        (b"[]", 422, "invalid_request", "must be a JSON object"),
        (b'{"sources": "x"}', 422, "invalid_source", "sources: Input should be a valid array"),
        (b'{"sources": [{"url": "https://web.test"}], "file": 1}', 422, "invalid_request", "Unknown field 'file'"),
        (
            b'{"sources": [{"url": "https://web.test"}], "task_id": 1}',
            422,
            "invalid_request",
            "task_id must be a string",
        ),
        (
            b'{"sources": [{"url": "https://web.test"}], "options": []}',
            422,
            "invalid_option",
            "Invalid option 'options'",
        ),
        (
            b'{"sources": [{"url": "https://web.test"}], "metadata": []}',
            422,
            "invalid_metadata",
            "must be a JSON object",
        ),
        (b" " * (MAX_SOURCES_BYTES + 1), 413, "file_too_large", "larger than"),
    ],
    ids=range(9),
)
async def test_a_json_request_that_is_not_one_is_refused(
    service: Service, body: bytes, status: int, code: str, reason: str
) -> None:
    answer = await service.http.post(
        "/submit", content=body, headers={"Content-Type": "application/json; charset=utf-8"}
    )
    assert_problem(answer, status, code, reason)
    await assert_nothing_is_kept(service)


@pytest.mark.parametrize("text", ["", "{", "{}", '[{"url": "https://web.test"'])
async def test_a_field_that_holds_no_sources_is_refused(service: Service, text: str) -> None:
    answer = await service.http.post("/submit", files=[("files", GOOD), ("sources", (None, text))])
    assert_problem(answer, 422, "invalid_source", "sources: ")
    await assert_nothing_is_kept(service)


# -- requests that are repeated -------------------------------------------------------------------------------------


async def repeated(service: Service, first: dict[str, Any], second: dict[str, Any]) -> tuple[httpx.Response, ...]:
    key = {"Idempotency-Key": "k"}
    return tuple([await service.http.post("/submit", **as_json(each), headers=key) for each in (first, second)])


async def test_a_source_with_other_credentials_is_the_same_source(service: Service) -> None:
    first, second = await repeated(
        service, {"url": URL, "headers": {"A": "sesame"}}, {"url": URL, "headers": {"A": "other"}}
    )
    assert first.json()["job_id"] == second.json()["job_id"]


@pytest.mark.parametrize(
    "other", [{"url": f"{URL}1"}, {"url": URL, "filename": "b.pdf"}, {"url": URL, "headers": {"A": "b"}}], ids=range(3)
)
async def test_another_source_under_the_same_key_is_refused(service: Service, other: dict[str, Any]) -> None:
    _, second = await repeated(service, {"url": URL}, other)
    assert_problem(second, 422, "idempotency_mismatch", "already used")


async def test_what_is_kept_of_a_request_does_not_tell_a_header(service: Service) -> None:
    prints = []
    for value in ("sesame", "other"):
        request = as_json({"url": URL, "headers": {"A": value}})
        await service.http.post("/submit", **request, headers={"Idempotency-Key": value})
        (claim,) = await service.registry.claim("test", 1, 0.0)
        prints.append(claim.spec.fingerprint)
    assert prints[0] == prints[1] != ""


def test_a_source_of_a_driver_is_checked_as_one_of_a_request() -> None:
    guard = AddressGuard(Hosts.parse(""))
    file = driver_file(UrlSource(url="https://example.com/a.pdf"), guard, "inputs/j/0")
    assert (file.filename, file.remote, file.source and file.source.url) == ("a.pdf", True, "https://example.com/a.pdf")
    for url, code in (("ftp://example.com/a.pdf", "invalid_source"), ("http://127.0.0.1/a.pdf", "source_refused")):
        with pytest.raises(FileError) as error:
            driver_file(UrlSource(url=url), guard, "inputs/j/0")
        assert error.value.file_code == code
