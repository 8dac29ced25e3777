"""Documents that the same caller had parsed before."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from actors.blobs import BlobStore, open_blobs
from actors.dispatcher.budget import Budget
from actors.dispatcher.cache import ResultCache, sweep
from actors.dispatcher.files import Splitting
from actors.dispatcher.jobs import JobLimits, JobRun
from actors.dispatcher.parser_slots import ParserSlots
from actors.endpoints import ModelEndpoint
from actors.errors import FleetUnavailable, StoreUnavailable
from actors.messages import InputFile, JobOutcome, JobSpec
from client.models import FileWarning, ParseOptions, ParseResponse, ParserInfo, WarningCode
from tests.fakes import NO_SOURCES
from tests.memory_parsers import MemoryParsers

DOCUMENT = b"3"  # pages


@dataclass
class Fleet:
    """Runs jobs of one file, one after another."""

    parsers: MemoryParsers
    blobs: BlobStore = field(default_factory=lambda: open_blobs("memory://"))

    def __post_init__(self) -> None:
        self.cache = ResultCache(self.blobs, self.parsers)

    async def run(
        self,
        job_id: str,
        document: bytes = DOCUMENT,
        *,
        filename: str = "a.pdf",
        options: Any = None,
        budget: Budget | None = None,
        **more: Any,
    ) -> JobOutcome:
        key = f"inputs/{job_id}/0"
        await self.blobs.put(key, document)
        digest = hashlib.sha256(document).hexdigest()
        file = InputFile(filename=filename, blob=key, size=len(document), sha256=digest)
        spec = JobSpec(
            job_id=job_id, files=(file,), options=options or ParseOptions(profile="auto"), submitted_at=0.0, **more
        )
        limits = JobLimits(files=1, splitting=Splitting(slots=1, budget=budget or Budget()))
        return await JobRun(spec, self.parsers, self.blobs, ParserSlots(1), limits, NO_SOURCES, self.cache).run()

    async def response(self, job_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.blobs.get(f"results/{job_id}/0/response.json"))
        return answer

    @property
    def parsed(self) -> int:
        return self.parsers.opened.total()


@pytest.fixture
def fleet(parsers: MemoryParsers) -> Fleet:
    return Fleet(parsers)


async def test_a_repeated_document_is_answered_as_if_it_had_been_parsed(fleet: Fleet) -> None:
    await fleet.run("first", metadata={"case": 1, "old": True})
    outcome = await fleet.run("second", metadata={"case": 2})
    assert fleet.parsed == 1
    repeated = await fleet.response("second")
    assert repeated.pop("cached")
    await fleet.run("second", metadata={"case": 2}, options=ParseOptions(profile="auto", cache=False))
    parsed = await fleet.response("second")
    assert fleet.parsed == 2
    assert not parsed.pop("cached")
    assert repeated | {"processing_time_ms": 0} == parsed | {"processing_time_ms": 0}
    assert await fleet.blobs.get("results/second/0/document.json") == b"{}"
    assert outcome.files[0].pages == 3
    assert (outcome.progress.pages_total, outcome.progress.pages_done, outcome.progress.files_done) == (3, 3, 1)


async def test_a_repeated_document_keeps_its_warnings_and_its_lost_words(fleet: Fleet) -> None:
    fleet.parsers.parser = ParserInfo(profile="native", docling="0", words_read=9, words_kept=7)
    warning = FileWarning(code=WarningCode.WORDS_LOST, message="2 words are missing", page_number=3)
    fleet.parsers.warnings = (warning,)
    for job_id in ("first", "second"):
        outcome = await fleet.run(job_id)
        answer = ParseResponse(**await fleet.response(job_id))
        assert answer.cached == (job_id == "second")
        assert answer.warnings == [warning]
        assert (answer.parser and answer.parser.words_read, answer.parser and answer.parser.words_kept) == (9, 7)
        assert outcome.progress.words_lost == 2


@pytest.mark.parametrize(
    "other",
    [{"document": b"2"}, {"filename": "b.pdf"}, {"owner": "somebody else"},
     {"options": ParseOptions(profile="native")}, {"options": ParseOptions(profile="auto", page_range=(1, 2))},
     {"options": ParseOptions(profile="auto", page_chunks=False)}],
    ids=["content", "name", "caller", "profile", "pages", "nodes"],
)  # fmt: skip
async def test_anything_else_is_parsed(fleet: Fleet, other: dict[str, Any]) -> None:
    await fleet.run("first")
    await fleet.run("second", **other)
    assert fleet.parsed == 2
    assert not (await fleet.response("second"))["cached"]


async def test_another_parser_parses_again(fleet: Fleet) -> None:
    await fleet.run("first")
    newer = MemoryParsers(parser=ParserInfo(profile="native", docling="1"))
    await Fleet(newer, fleet.blobs).run("second")
    assert newer.opened.total() == 1


async def test_a_request_can_opt_out_of_the_cache(fleet: Fleet) -> None:
    await fleet.run("first")
    await fleet.run("second", options=ParseOptions(profile="auto", cache=False))
    assert fleet.parsed == 2


async def test_an_encrypted_document_is_never_kept(fleet: Fleet) -> None:
    locked = ParseOptions(profile="auto", password=SecretStr("sesame"))
    await fleet.run("first", options=locked)
    await fleet.run("second", options=locked)
    assert fleet.parsed == 2
    assert await fleet.blobs.unchanged_since("cache", time.time() + 9) == []


async def test_metadata_that_cannot_be_told_from_the_content_is_not_kept(fleet: Fleet) -> None:
    for job_id in ("first", "second"):
        await fleet.run(job_id, metadata={"width": "wide"})
    assert fleet.parsed == 2


async def test_the_parsers_are_asked_once_for_options_that_run_the_same_models(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ParseOptions] = []

    async def describe(options: ParseOptions) -> ParserInfo:
        asked.append(options)
        return fleet.parsers.parser

    monkeypatch.setattr(fleet.parsers, "describe", describe)
    for number in range(1, 4):
        many = ParseOptions(
            profile="auto", encoding=f"cp125{number}", include_images=True, images_scale=1 + number / 10
        )
        await fleet.run(str(number), options=many)
    await fleet.run("other", options=ParseOptions(profile="native"))
    assert [options.profile for options in asked] == ["auto", "native"]
    assert fleet.parsed == 4


async def test_a_document_that_lost_pages_is_parsed_again(fleet: Fleet) -> None:
    fleet.parsers.deadly = {2}
    await fleet.run("first", b"9")
    await fleet.run("second", b"9")
    assert not (await fleet.response("second"))["cached"]


@pytest.mark.parametrize(
    "code", ["picture_not_described", "not_enriched", "ocr_failed", "layout_failed", "table_failed"]
)
async def test_a_document_that_a_model_failed_on_is_parsed_again(fleet: Fleet, code: str) -> None:
    """The model may have been away, or out of memory."""
    fleet.parsers.warnings = (FileWarning(code=WarningCode(code), message="The model failed"),)
    await fleet.run("first")
    fleet.parsers.warnings = ()
    await fleet.run("second")
    answer = await fleet.response("second")
    assert (answer["cached"], answer["warnings"]) == (False, [])


async def test_a_file_that_failed_is_parsed_again(fleet: Fleet) -> None:
    for job_id in ("first", "second"):
        await fleet.run(job_id, b"garbage")
    assert fleet.parsed == 2


async def test_a_repetition_with_metadata_that_makes_its_result_too_large_fails(fleet: Fleet) -> None:
    await fleet.run("first")
    outcome = await fleet.run("second", metadata={"note": "x" * 40}, budget=Budget(max_result_bytes=1000))
    assert not outcome.files[0].success
    assert (await fleet.response("second"))["error_code"] == "result_too_large"


async def test_when_the_results_are_gone_so_is_the_answer(fleet: Fleet) -> None:
    await fleet.run("first")
    await fleet.blobs.delete_prefix("results/first")
    await fleet.run("second")
    await fleet.run("third")
    assert fleet.parsed == 2
    assert (await fleet.response("third"))["cached"]


async def test_a_repetition_outlives_the_first_job(fleet: Fleet) -> None:
    await fleet.run("first")
    await fleet.run("second")
    await fleet.blobs.delete_prefix("results/first")
    await fleet.run("third")
    assert fleet.parsed == 1


@pytest.mark.parametrize("error", [FleetUnavailable("away"), StoreUnavailable("away")])
async def test_a_cache_that_cannot_be_used_changes_nothing(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def describe(options: ParseOptions) -> ParserInfo:
        raise error

    monkeypatch.setattr(fleet.parsers, "describe", describe)
    outcome = await fleet.run("first")
    assert outcome.files[0].success


@pytest.mark.parametrize("entry", [b"", b"{", b"[]", b"{}", b'{"response": 1, "document": 2, "pages": 3}'])
async def test_an_unreadable_entry_is_parsed_and_written_anew(fleet: Fleet, entry: bytes) -> None:
    await fleet.run("first")
    (name,) = await fleet.blobs.unchanged_since("cache", time.time() + 9)
    await fleet.blobs.put(f"cache/{name}/entry.json", entry)
    outcome = await fleet.run("second")
    assert outcome.files[0].success
    await fleet.run("third")
    assert fleet.parsed == 2


@pytest.mark.parametrize("stored", [b"{", b"[]", b"{}", b'{"nodes": [], "parser": {"bad": 1}}', b'{"nodes": [1]}'])
async def test_an_unreadable_result_is_parsed_again(fleet: Fleet, stored: bytes) -> None:
    await fleet.run("first")
    await fleet.blobs.put("results/first/0/response.json", stored)
    outcome = await fleet.run("second")
    assert outcome.files[0].success
    assert fleet.parsed == 2


async def test_entries_older_than_any_result_are_removed(fleet: Fleet) -> None:
    await fleet.run("first")
    await sweep(fleet.blobs, ttl_s=60)
    assert len(await fleet.blobs.unchanged_since("cache", time.time() + 9)) == 1
    await sweep(fleet.blobs, ttl_s=-9)
    assert await fleet.blobs.unchanged_since("cache", time.time() + 9) == []


@pytest.mark.parametrize(
    "changed", [{"model": "granite-2"}, {"prompt": "Read it", "use": ["page"]}, {"url": "http://other/v1"}]
)
async def test_document_is_read_again_by_another_model_of_the_same_name(changed: dict[str, Any]) -> None:
    parsers = MemoryParsers()
    fleet = Fleet(parsers)
    options = ParseOptions(profile="vlm:granite")
    endpoint = {"url": "http://models/v1", "model": "granite-1"}
    for number, settings in enumerate((endpoint, endpoint, endpoint | changed)):
        fleet.cache = ResultCache(fleet.blobs, parsers, {"granite": ModelEndpoint(**settings)})
        await fleet.run(str(number), options=options)
    assert parsers.opened["a.pdf"] == 2
