"""Chunks by docling-serve's routes, and in zip files."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import httpx
import pytest

from tests.unit.serve_app.docling_v1.calls import DOCUMENT, converted, result, source
from tests.unit.serve_app.service import Service, form

FILES = form(DOCUMENT)


async def chunked(service: Service, path: str = "/v1/chunk/hybrid/file", **fields: Any) -> httpx.Response:
    return await converted(service, path, files=FILES, data=fields)


async def test_a_chunk_has_its_text_and_its_places(service: Service) -> None:
    [first, _] = (await chunked(service)).json()["chunks"]
    assert (first["filename"], first["chunk_index"], first["text"], first["raw_text"]) == (
        "report.md",
        0,
        "one ü",
        None,
    )
    assert set(first["metadata"]) == {"id", "items", "pages"}


@pytest.mark.parametrize("prefix", ["chunking_", ""])
async def test_options_reach_the_chunker_with_or_without_their_prefix(service: Service, prefix: str) -> None:
    sent = {
        "use_markdown_tables": "true",
        "max_tokens": "64",
        "merge_peers": "false",
        "tokenizer": "thenlper/gte-small",
    }
    await chunked(service, **{f"{prefix}{name}": value for name, value in sent.items()})
    options = service.parsers.chunked[0].options
    assert options.model_dump() == {
        "chunker": "hybrid", "max_tokens": 64, "tokenizer": "thenlper/gte-small", "merge_peers": False,
        "tables": "markdown",
    }  # fmt: skip


async def test_options_of_a_json_request_reach_both(service: Service) -> None:
    body = source(convert_options={"do_ocr": False}, chunking_options={"max_tokens": 32, "include_raw_text": True})
    calling = await converted(service, "/v1/chunk/hierarchical/source", json=body)
    assert calling.json()["chunks"][0]["raw_text"] == "one ü"
    assert service.parsers.chunked[0].options.max_tokens == 32
    assert service.parsers.chunked[0].options.chunker == "hierarchical"


async def test_convert_options_are_prefixed_in_a_form(service: Service) -> None:
    await service.http.post("/v1/chunk/hybrid/file/async", files=FILES, data={"convert_do_ocr": "false"})
    [claim] = await service.registry.claim("test", 1, 0.0)
    assert claim.spec.options.do_ocr is False


async def test_the_task_is_one_of_chunks(service: Service) -> None:
    answer = await service.http.post("/v1/chunk/hybrid/file/async", files=FILES)
    assert answer.json()["task_type"] == "chunk"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"chunking_tokenizer": "none/such"}, "unknown_tokenizer"),
        ({"chunking_max_tokens": "3"}, "invalid_option"),
        ({"chunking_max_tokens": "many"}, "invalid_option"),
        ({"chunking_use_markdown_images": "true"}, "invalid_option"),
        ({"convert_do_code_enrichment": "true"}, "invalid_option"),
    ],
)
async def test_what_cannot_be_done_is_refused_at_once(service: Service, sent: dict[str, str], code: str) -> None:
    answer = await service.http.post("/v1/chunk/hybrid/file/async", files=FILES, data=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert service.stored() == []


async def test_a_task_whose_files_all_failed_says_why(service: Service) -> None:
    answer = await converted(service, "/v1/chunk/hybrid/file", files=form(("a.md", b"bad")))
    assert answer.json()["failure"]["message"] == "a.md: The file cannot be parsed"


async def test_a_zip_file_has_the_chunks_as_json_lines(service: Service) -> None:
    answer = await chunked(service, target_type="zip", include_converted_doc="true")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["report.json", "report.chunks.jsonl"]
        assert len(archive.read("report.chunks.jsonl").splitlines()) == 2


async def test_chunks_are_a_format_of_zip_files(service: Service) -> None:
    answer = await result(
        service, to_formats=["md", "chunks"], target_type="zip", chunking_options='{"chunker": "hierarchical"}'
    )
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["report.md", "report.chunks.jsonl"]
    assert service.parsers.chunked[0].options.chunker == "hierarchical"


async def test_chunks_are_no_format_of_an_answer_in_json(service: Service) -> None:
    answer = await service.http.post("/v1/convert/file", files=FILES, data={"to_formats": "chunks"})
    assert answer.status_code == 422
    assert "/v1/chunk/hybrid" in answer.json()["detail"]
