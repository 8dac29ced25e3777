"""Pages parsed apart and assembled equal one conversion by docling itself, key for key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import orjson
import pytest

from actors.derivations import Chunks
from actors.messages import FileTask, PageSpan, ParsedFile, Shard
from actors.parser.engine.confidence import confidence_of
from actors.parser.engine.nodes import nodes_of
from actors.parser.engine.pdf import count_pages
from actors.tokenizer_files import DEFAULT_TOKENIZER
from client.models import DEFAULT_CONTENT, ChunkOptions, Content, ExportFormat
from tests.contract import split_documents
from tests.contract.plain_docling import conversion_by_docling
from tests.corpus import CORPUS
from tests.unit.parser.files import as_document, exported, make_task

if TYPE_CHECKING:
    from docling.datamodel.document import ConversionResult

    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

OPENABLE = [path for path in sorted(CORPUS.glob("*.pdf")) if path.stem not in ("encrypted", "garbage", "truncated")]
#: What docling writes into DocTags. Into the other formats it writes our default.
EVERYTHING = get_args(Content)
#: The formats that a document of docling's writes by a method of its own.
EXPORTS = (
    ExportFormat.JSON, ExportFormat.MARKDOWN, ExportFormat.HTML, ExportFormat.TEXT, ExportFormat.DOCTAGS,
)  # fmt: skip

MakePdf = Callable[[], bytes]


def split(engines: list[Engine], data: bytes, task: FileTask, size: int) -> ParsedFile:
    """By both: what one parsed, the other must be able to assemble."""
    document = as_document(data)
    plan = engines[0].open(document, task, split_above=0)
    assert not isinstance(plan, ParsedFile)
    shards: list[Shard] = []
    for number, first in enumerate(range(plan.pages.first, plan.pages.last + 1, size)):
        span = PageSpan(first, min(first + size - 1, plan.pages.last))
        shards.append(engines[number % 2].parse_pages(document, task, span))
    return engines[1].assemble(document, task, list(reversed(shards)), [])


def unsplit(engines: list[Engine], data: bytes, task: FileTask) -> ParsedFile:
    parsed = engines[0].open(as_document(data), task, split_above=1_000_000)
    assert isinstance(parsed, ParsedFile)
    return parsed


def assert_same(parsed: ParsedFile, whole: ConversionResult, task: FileTask, total_pages: int = 0) -> None:
    document, confidence = whole.document, confidence_of(whole.confidence)
    assert orjson.loads(parsed.document) == document.export_to_dict()
    assert parsed.confidence == confidence
    assert orjson.loads(parsed.nodes) == nodes_of(document.model_copy(deep=True), task, total_pages, confidence)
    assert (parsed.lost, parsed.warnings) == ((), ())


def assert_split_equals_whole(engines: list[Engine], data: bytes, task: FileTask, sizes: Sequence[int]) -> None:
    whole, total_pages = conversion_by_docling(data, task), count_pages(data, None)
    for size in sizes:
        assert_same(split(engines, data, task, size), whole, task, total_pages)


@pytest.mark.parametrize(
    ("make", "sizes"),
    [
        pytest.param(split_documents.flowing, (1, 3), id="text, lists and tables crossing pages, bookmarks"),
        pytest.param(lambda: split_documents.odd(1), (1,), id="one page"),
        pytest.param(lambda: split_documents.odd(2), (1,), id="two pages, one of them empty"),
        pytest.param(lambda: split_documents.odd(7), (2, 7), id="empty, rotated and wide pages"),
        pytest.param(lambda: split_documents.scanned(2), (1,), id="scanned pages"),
    ],
)
def test_a_split_document_equals_the_whole(engines: list[Engine], make: MakePdf, sizes: Sequence[int]) -> None:
    assert_split_equals_whole(engines, make(), make_task("report.pdf"), sizes)


def test_the_frames_of_a_picture_parsed_apart_equal_one_call(engines: list[Engine]) -> None:
    data, task = split_documents.scanned_frames(2, "tiff"), make_task("scan.tiff")
    whole = unsplit(engines, data, task)
    assert "page 2" in whole.nodes.decode()
    assert split(engines, data, task, 1) == whole


def test_a_split_page_range_equals_the_whole(engines: list[Engine]) -> None:
    data, task = split_documents.flowing(), make_task("report.pdf", page_range=(2, 5))
    parsed = split(engines, data, task, 3)
    assert_same(parsed, conversion_by_docling(data, task), task, count_pages(data, None))
    assert [node["metadata"]["page_number"] for node in orjson.loads(parsed.nodes)] == [2, 3, 4, 5]


def test_a_document_parsed_unsplit_and_every_export_of_it_are_docling_s_own(engines: list[Engine]) -> None:
    data, task = split_documents.flowing(), make_task("report.pdf")
    whole, parsed = conversion_by_docling(data, task), unsplit(engines, data, task)
    document = whole.document
    assert_same(parsed, whole, task)
    exports = {form: exported(parsed.document, form, DEFAULT_CONTENT) for form in EXPORTS}
    exports[ExportFormat.DOCTAGS] = exported(parsed.document, ExportFormat.DOCTAGS, EVERYTHING)
    assert exports == {
        ExportFormat.JSON: parsed.document.decode(),
        ExportFormat.MARKDOWN: document.export_to_markdown(),
        ExportFormat.HTML: document.export_to_html(),
        ExportFormat.TEXT: document.export_to_text(),
        ExportFormat.DOCTAGS: document.export_to_doctags(),
    }


def test_a_split_document_with_its_pictures_equals_the_whole(engines: list[Engine]) -> None:
    data, task = split_documents.illustrated(3), make_task("report.pdf", include_images=True)
    assert_split_equals_whole(engines, data, task, (2,))
    parsed = split(engines, data, task, 1)
    assert parsed == unsplit(engines, data, task)
    assert parsed.document.count(b"data:image/png") == 2


def test_a_split_native_document_with_its_pictures_equals_the_whole(engines: list[Engine]) -> None:
    data, task = split_documents.illustrated(3), make_task("report.pdf", profile="native", include_images=True)
    parsed = split(engines, data, task, 2)
    assert parsed == unsplit(engines, data, task)
    assert parsed.document.count(b"data:image/png") == 2


def test_a_split_native_document_equals_the_whole(engines: list[Engine]) -> None:
    data, task = split_documents.flowing(), make_task("report.pdf", profile="native")
    assert split(engines, data, task, 2) == unsplit(engines, data, task)


def test_chunks_of_a_split_document_are_those_of_the_whole(engines: list[Engine]) -> None:
    data, task = split_documents.flowing(), make_task("report.pdf", profile="native")
    options = ChunkOptions(max_tokens=64, tokenizer=DEFAULT_TOKENIZER)
    wanted = Chunks(job_id="j", folder="f", source="s", options=options)
    parsed = (split(engines, data, task, 2), unsplit(engines, data, task))
    of_split, of_whole = (engines[0].derive(as_document(file.document), wanted) for file in parsed)
    assert of_split == of_whole
    assert of_whole[wanted.target].count(b"\n") > 5


def test_pages_assembled_before_the_rest_is_there_make_the_nodes_of_the_end(engines: list[Engine]) -> None:
    """But for the last of them, where a paragraph may go on."""
    data, task = split_documents.flowing(), make_task("report.pdf", metadata={"case": 7})
    document, whole = as_document(data), unsplit(engines, data, task)
    shards = [engines[0].parse_pages(document, task, span) for span in (PageSpan(3, 4), PageSpan(5, 6))]
    part = engines[1].assemble(document, task, shards, [])
    nodes = orjson.loads(part.nodes)
    assert [node["metadata"]["page_number"] for node in nodes] == [3, 4, 5, 6]
    at_the_end = {node["id"]: node for node in orjson.loads(whole.nodes)}
    assert nodes[1:3] == [at_the_end[node["id"]] for node in nodes[1:3]]
    assert {node["id"] for node in nodes} <= set(at_the_end)


@pytest.mark.slow
@pytest.mark.parametrize("make", [split_documents.flowing, lambda: split_documents.odd(40)], ids=["flowing", "odd"])
def test_spans_of_any_size_make_the_same_document(engines: list[Engine], make: MakePdf) -> None:
    assert_split_equals_whole(engines, make(), make_task("report.pdf"), (1, 2, 3, 7))


@pytest.mark.slow
@pytest.mark.parametrize("path", OPENABLE, ids=lambda path: path.stem)
def test_every_pdf_of_the_corpus_split_equals_the_whole(engines: list[Engine], path: Path) -> None:
    assert_split_equals_whole(engines, path.read_bytes(), make_task(path.name), (1, 2, 3, 7))


@pytest.mark.slow
@pytest.mark.parametrize("path", OPENABLE, ids=lambda path: path.stem)
def test_a_page_range_of_every_pdf_of_the_corpus_split_equals_the_whole(engines: list[Engine], path: Path) -> None:
    task = make_task(path.name, page_range=(1, 3))
    assert_split_equals_whole(engines, path.read_bytes(), task, (1, 2))
