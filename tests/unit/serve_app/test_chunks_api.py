"""The chunks of a job: their two formats, what is made and kept, and refused requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from actors.messages import Failure, PageSpan
from client.chunks import Chunk, ChunkedFile
from client.models import ChunkOptions, ErrorCode
from serve_app.results import HELD_BYTES
from tests.unit.serve_app.service import MakeService, Service

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
BOTH_FORMATS = pytest.mark.parametrize("form", ["chunks", "chunks.jsonl"])


async def get(service: Service, job_id: str, form: str = "chunks", **params: Any) -> httpx.Response:
    return await service.http.get(f"/jobs/{job_id}/results", params={"format": form} | params)


def lines_of(answer: httpx.Response) -> list[Chunk]:
    return [Chunk.model_validate_json(line) for line in answer.text.splitlines()]


async def test_chunks_of_one_file_are_an_object(service: Service) -> None:
    job_id = await service.completed(("ä.md", b"# A"))
    answer = await get(service, job_id)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    body = ChunkedFile.model_validate_json(answer.content)
    assert (body.file, body.filename, body.chunker, body.tokenizer, body.max_tokens) == (
        0,
        "ä.md",
        "hybrid",
        MINILM,
        256,
    )
    assert [chunk.text for chunk in body.chunks] == ["one ü", "two"]


async def test_document_without_chunks_has_an_empty_list(service: Service) -> None:
    service.parsers.chunk_texts = ()
    job_id = await service.completed(("a.md", b"# A"))
    assert (await get(service, job_id)).json()["chunks"] == []
    assert (await get(service, job_id, "chunks.jsonl")).text == ""


async def test_chunks_as_json_lines_each_name_their_file(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("bad.md", b"bad"), ("b.md", b"# B"))
    answer = await get(service, job_id, "chunks.jsonl")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-ndjson")
    assert answer.text.endswith("}\n")
    named = [(chunk.file, chunk.filename, chunk.index, chunk.text) for chunk in lines_of(answer)]
    assert named == [(0, "a.md", 0, "one ü"), (0, "a.md", 1, "two"), (2, "b.md", 0, "one ü"), (2, "b.md", 1, "two")]


async def test_chunks_of_several_files_are_an_object_with_all_of_them(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("bad.md", b"bad"))
    body = (await get(service, job_id)).json()
    assert (body["job_id"], body["status"], body["error"]) == (job_id, "completed", None)
    good, bad = body["results"]
    assert (good["filename"], good["success"], good["content"]["file"]) == ("a.md", True, 0)
    assert (bad["filename"], bad["success"], bad["content"]) == ("bad.md", False, None)


@BOTH_FORMATS
async def test_one_file_of_several_can_be_named(service: Service, form: str) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("b.md", b"# B"))
    answer = await get(service, job_id, form, file=1)
    chunks = lines_of(answer) if form == "chunks.jsonl" else answer.json()["chunks"]
    assert len(chunks) == 2
    assert "b.md" in answer.text
    assert "a.md" not in answer.text


@BOTH_FORMATS
async def test_many_chunks_are_streamed_whole(service: Service, form: str) -> None:
    texts = ["x" * 1000 + str(number) for number in range(HELD_BYTES // 400)]
    service.parsers.chunk_texts = texts
    job_id = await service.completed(("a.md", b"# A"))
    answer = await get(service, job_id, form)
    assert "Content-Length" not in answer.headers
    chunks = lines_of(answer) if form == "chunks.jsonl" else ChunkedFile.model_validate_json(answer.content).chunks
    assert [chunk.text for chunk in chunks] == texts


async def test_chunks_are_made_once_for_both_formats_and_anew_for_other_options(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    for form in ("chunks", "chunks.jsonl", "chunks"):
        await get(service, job_id, form)
    await get(service, job_id, max_tokens=256, tokenizer=MINILM, chunker="hybrid")  # the defaults
    assert len(service.parsers.chunked) == 1
    await get(service, job_id, max_tokens=64)
    assert len(service.parsers.chunked) == 2


async def test_options_reach_the_chunker(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    given = {"chunker": "page", "max_tokens": 99, "merge_peers": "false", "tables": "triplets", "pages": "2-3"}
    assert (await get(service, job_id, **given)).status_code == 200
    [wanted] = service.parsers.chunked
    assert wanted.options == ChunkOptions(
        chunker="page", max_tokens=99, tokenizer=MINILM, merge_peers=False, tables="triplets"
    )
    assert wanted.pages == PageSpan(2, 3)


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ({}, 256),
        ({"tokenizer": "BAAI/bge-base-en-v1.5"}, 512),
        ({"chunker": "hierarchical"}, None),
        ({"chunker": "page"}, None),
        ({"chunker": "page", "max_tokens": 100}, 100),
    ],
)
async def test_limit_is_the_length_of_the_model_for_hybrid_and_none_for_others(
    service: Service, given: dict[str, Any], limit: int | None
) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    assert (await get(service, job_id, **given)).json()["max_tokens"] == limit


async def test_tokenizer_of_the_operator_can_be_named(make_service: MakeService, tmp_path: Path) -> None:
    folder = tmp_path / "tokenizers" / "acme" / "tok"
    folder.mkdir(parents=True)
    (folder / "tokenizer.json").write_text("{}")
    service = await make_service(tokenizers_dir=str(tmp_path / "tokenizers"))
    job_id = await service.completed(("a.md", b"# A"))
    answer = (await get(service, job_id, tokenizer="acme/tok")).json()
    assert (answer["tokenizer"], answer["max_tokens"]) == ("acme/tok", 512)


async def test_content_of_the_job_is_that_of_its_chunks(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"), options='{"content": ["furniture"]}')
    await get(service, job_id)
    assert service.parsers.chunked[0].content == ("body", "furniture")


async def test_unchanged_chunks_are_not_sent_again(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    etag = (await get(service, job_id)).headers["ETag"]
    params = {"format": "chunks"}
    again = await service.http.get(f"/jobs/{job_id}/results", params=params, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


@BOTH_FORMATS
async def test_unknown_tokenizer_is_refused_with_a_list(service: Service, form: str) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await get(service, job_id, form, tokenizer="gpt-9")
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_tokenizer")
    assert "'gpt-9'" in answer.json()["detail"]
    assert MINILM in answer.json()["detail"]


@pytest.mark.parametrize(
    ("given", "listed"),
    [
        ({"chunker": "magic"}, "'hybrid', 'hierarchical' or 'page'"),
        ({"tables": "html"}, "'markdown' or 'triplets'"),
        ({"max_tokens": 15}, "greater than or equal to 16"),
        ({"max_tokens": 100_001}, "less than or equal to 100000"),
        ({"max_tokens": "many"}, "valid integer"),
        ({"merge_peers": "perhaps"}, "valid boolean"),
        ({"pages": "0"}, "pages count from 1"),
        ({"form": "chunk"}, "'chunks', 'chunks.jsonl'"),
    ],
)
async def test_impossible_value_is_refused_with_what_is_possible(
    service: Service, given: dict[str, Any], listed: str
) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await get(service, job_id, **given)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert listed in answer.json()["detail"]


@pytest.mark.parametrize("form", ["nodes", "markdown", "zip"])
async def test_options_of_chunks_go_with_chunks_only(service: Service, form: str) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await get(service, job_id, form, max_tokens=64, chunker="page")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["detail"] == "chunker, max_tokens only with format=chunks or format=chunks.jsonl"


@BOTH_FORMATS
async def test_job_that_has_not_ended_has_no_chunks_yet(service: Service, form: str) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    answer = await get(service, job_id, form)
    assert (answer.status_code, answer.json()["code"]) == (409, "result_not_ready")


@BOTH_FORMATS
async def test_failed_job_has_no_chunks(service: Service, form: str) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    await service.worker.work(Failure(code=ErrorCode.POISON, message="It broke every parser"))
    answer = await get(service, job_id, form)
    assert (answer.status_code, answer.json()["code"]) == (409, "export_unavailable")


@BOTH_FORMATS
@pytest.mark.parametrize("names_file", [True, False])
async def test_failed_file_has_no_chunks(service: Service, form: str, names_file: bool) -> None:
    job_id = await service.completed(("a.md", b"bad"))
    answer = await get(service, job_id, form, **({"file": 0} if names_file else {}))
    assert (answer.status_code, answer.json()["code"]) == (409, "export_unavailable")


@BOTH_FORMATS
async def test_file_that_is_not_in_the_job_has_no_chunks(service: Service, form: str) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await get(service, job_id, form, file=1)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@BOTH_FORMATS
async def test_results_that_are_gone_have_no_chunks(service: Service, form: str) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    await service.blobs.delete_prefix(f"results/{job_id}")
    answer = await get(service, job_id, form)
    assert (answer.status_code, answer.json()["code"]) == (410, "job_expired")


@BOTH_FORMATS
async def test_unknown_job_has_no_chunks(service: Service, form: str) -> None:
    answer = await get(service, "nobody-knows", form)
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    assert json.loads(answer.text)["detail"]


async def test_option_of_the_submit_is_as_complete_as_that_of_a_later_request(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    await get(service, job_id, max_tokens=64)
    submitted = await submitted_options(service, {"max_tokens": 64})
    assert service.parsers.chunked[0].options == submitted


async def test_callback_of_chunks_has_the_options_of_the_submit_or_the_default_ones(service: Service) -> None:
    callback = {"callback_url": "https://example.com/", "callback_content": "chunks"}
    await service.submit(("a.md", b"# A"), **callback, options=json.dumps({"chunks": {"max_tokens": 64}}))
    await service.submit(("a.md", b"# A"), **callback)
    named, usual = [claim.spec for claim in await service.registry.claim("worker", 2, 0.0)]
    assert named.callback_content == usual.callback_content == "chunks"
    assert named.options.chunks == ChunkOptions(max_tokens=64, tokenizer=MINILM)
    assert usual.options.chunks == ChunkOptions(max_tokens=256, tokenizer=MINILM)


async def submitted_options(service: Service, chunks: dict[str, Any]) -> ChunkOptions | None:
    await service.submit(("a.md", b"# A"), options=json.dumps({"chunks": chunks}))
    [claim] = await service.registry.claim("worker", 1, 0.0)
    return claim.spec.options.chunks


@pytest.mark.parametrize(
    ("chunks", "code", "reason"),
    [
        ({"tokenizer": "gpt-9"}, "unknown_tokenizer", MINILM),
        ({"max_tokens": 3}, "invalid_option", "greater than or equal to 16"),
        ({"chunker": "magic"}, "invalid_option", "'hybrid', 'hierarchical' or 'page'"),
        ({"size": 3}, "unknown_option", "Unknown option 'chunks.size'; the options are chunker, max_tokens, tokenizer"),
    ],
)
async def test_impossible_chunks_are_refused_at_the_submit(
    service: Service, chunks: dict[str, Any], code: str, reason: str
) -> None:
    data = {"options": json.dumps({"chunks": chunks})}
    answer = await service.http.post("/submit", files={"files": ("a.md", b"# A")}, data=data)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert reason in answer.json()["detail"]
    assert service.stored() == []
