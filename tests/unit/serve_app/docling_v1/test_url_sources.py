"""Sources of the kind `http`: they become remote files of the job, which a dispatcher fetches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.serve_app.docling_v1.calls import source
from tests.unit.serve_app.service import Service

ASYNC = "/v1/convert/source/async"


def http_source(url: str = "https://example.org/pdf/1706.03762", **more: Any) -> dict[str, Any]:
    return {"kind": "http", "url": url, **more}


async def test_each_source_has_its_own_headers(service: Service) -> None:
    sources = [http_source(headers={"Authorization": "mine"}), http_source("https://example.net/b.md")]
    answer = await service.http.post(ASYNC, json={"sources": sources})
    assert answer.status_code == 200
    [claim] = await service.registry.claim("test", 1, 0.0)
    assert [(file.source.url, dict(file.source.headers)) for file in claim.spec.files if file.source] == [
        ("https://example.org/pdf/1706.03762", {"Authorization": "mine"}),
        ("https://example.net/b.md", {}),
    ]
    assert [file.filename for file in claim.spec.files] == ["1706.03762", "b.md"]


async def test_sources_and_files_are_stored_apart(service: Service) -> None:
    sources = [source()["sources"][0], http_source(), source("c.md", b"c" * 50_000)["sources"][0]]
    await service.http.post(ASYNC, json={"sources": sources})
    [claim] = await service.registry.claim("test", 1, 0.0)
    blobs = [file.blob for file in claim.spec.files]
    assert len(set(blobs)) == 3
    assert [file.remote for file in claim.spec.files] == [False, True, False]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (http_source("http://127.0.0.1/a.pdf"), "source_refused"),
        (http_source("ftp://example.org/a.pdf"), "invalid_source"),
        (http_source(headers={"Host": "example.net"}), "invalid_source"),
        ({"kind": "http"}, "invalid_option"),
    ],
)
async def test_a_source_that_may_not_be_fetched_is_refused(service: Service, sent: dict[str, Any], code: str) -> None:
    answer = await service.http.post(ASYNC, json={"sources": [sent]})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text


async def test_a_header_of_a_source_is_in_no_error(service: Service) -> None:
    answer = await service.http.post(ASYNC, json={"sources": [http_source(headers={"X-Key": "a\nsecret"})]})
    assert answer.status_code == 422
    assert "secret" not in answer.text


async def test_a_repeated_request_for_a_url_is_the_same_task(service: Service) -> None:
    body, headers = {"sources": [http_source()]}, {"Idempotency-Key": "mine"}
    ids = {(await service.http.post(ASYNC, json=body, headers=headers)).json()["task_id"] for _ in range(2)}
    assert len(ids) == 1
