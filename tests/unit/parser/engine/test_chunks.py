"""Chunks of documents that are made here item by item, so that every place and text in them is known."""

from __future__ import annotations

import json
from typing import Any

import pytest
from docling_core.types.doc.base import BoundingBox, CoordOrigin, Size
from docling_core.types.doc.common.content_layer import ContentLayer
from docling_core.types.doc.common.origin import DocumentOrigin
from docling_core.types.doc.common.reference import ProvenanceItem
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.table.table import TableData
from docling_core.types.doc.items.table.table_data import TableCell
from docling_core.types.doc.labels import DocItemLabel

from actors.derivations import Chunks
from actors.messages import PageSpan
from actors.parser.engine.chunks import chunk
from actors.tokenizer_files import find_tokenizer
from client.chunks import Chunk
from client.models import DEFAULT_CONTENT, ChunkOptions, Content

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"]
EVERY_CHUNKER = pytest.mark.parametrize("chunker", ["hybrid", "hierarchical", "page"])


def at(page: int, top: float = 700.0) -> ProvenanceItem:
    """A place of 10 points' height whose upper edge is `top` points above the page's lower edge."""
    box = BoundingBox(l=72, t=top, r=300, b=top - 10, coord_origin=CoordOrigin.BOTTOMLEFT)
    return ProvenanceItem(page_no=page, bbox=box, charspan=(0, 0))


def table_of(rows: int) -> TableData:
    lines = [("Name", "Value"), *((f"row {n}", WORDS[n % len(WORDS)]) for n in range(rows))]
    cells = [
        TableCell(
            text=text,
            start_row_offset_idx=row,
            end_row_offset_idx=row + 1,
            start_col_offset_idx=column,
            end_col_offset_idx=column + 1,
            column_header=row == 0,
        )
        for row, line in enumerate(lines)
        for column, text in enumerate(line)
    ]
    return TableData(table_cells=cells, num_rows=len(lines), num_cols=2)


@pytest.fixture
def report() -> DoclingDocument:
    """Two pages: headings with and without text below them, a list, a table with a caption, a picture, a footnote."""
    origin = DocumentOrigin(filename="report.pdf", mimetype="application/pdf", binary_hash=7)
    document = DoclingDocument(name="report", origin=origin)
    for page in (1, 2):
        document.add_page(page_no=page, size=Size(width=600, height=800))
    document.add_title("Report", prov=at(1, 790))
    document.add_heading("1 Method", level=1, prov=at(1, 750))
    document.add_heading("1.1 Data", level=2, prov=at(1, 730))
    document.add_text(DocItemLabel.TEXT, "We took many samples.", prov=at(1, 700))
    document.add_picture(prov=at(1, 600))
    points = document.add_list_group()
    for n, word in enumerate(WORDS[:3]):
        document.add_list_item(word, parent=points, prov=at(1, 500 - 20 * n))
    document.add_heading("2 Empty", level=1, prov=at(2, 780))
    document.add_heading("3 Results", level=1, prov=at(2, 760))
    caption = document.add_text(DocItemLabel.CAPTION, "Table 1: all values", prov=at(2, 740))
    document.add_table(table_of(40), caption=caption, prov=at(2, 700))
    document.add_text(DocItemLabel.FOOTNOTE, "a note", content_layer=ContentLayer.NOTES, prov=at(2, 40))
    document.add_text(DocItemLabel.PAGE_FOOTER, "page 2", content_layer=ContentLayer.FURNITURE, prov=at(2, 20))
    return document


def cut(
    document: DoclingDocument,
    pages: PageSpan | None = None,
    content: tuple[Content, ...] = DEFAULT_CONTENT,
    **options: Any,
) -> tuple[dict[str, Any], list[Chunk]]:
    """What the first line says about the document, and its chunks."""
    tokenizer = find_tokenizer(None, None)
    if options.get("chunker", "hybrid") == "hybrid":
        options.setdefault("max_tokens", 256)
    asked = ChunkOptions(tokenizer=tokenizer.name, **options)
    wanted = Chunks(job_id="job", folder="f", source="s", pages=pages, options=asked, content=content)
    head, *lines = chunk(document.model_dump_json().encode(), wanted, tokenizer).splitlines()
    return json.loads(head), [Chunk.model_validate_json(line) for line in lines]


def chunks_of(document: DoclingDocument, **options: Any) -> list[Chunk]:
    return cut(document, **options)[1]


def refs_of(document: DoclingDocument) -> set[str]:
    layers = {ContentLayer.BODY, ContentLayer.NOTES}
    return {item.self_ref for item, _ in document.iterate_items(included_content_layers=layers)}


@EVERY_CHUNKER
@pytest.mark.parametrize("max_tokens", [16, 40, 256])
def test_no_chunk_has_more_tokens_than_allowed(report: DoclingDocument, chunker: str, max_tokens: int) -> None:
    report.add_text(DocItemLabel.TEXT, " ".join(WORDS * 50), prov=at(2))
    chunks = chunks_of(report, chunker=chunker, max_tokens=max_tokens)
    assert 0 < max(each.num_tokens for each in chunks) <= max_tokens


@EVERY_CHUNKER
@pytest.mark.parametrize("max_tokens", [16, None])
@pytest.mark.parametrize("tables", ["markdown", "triplets"])
def test_every_item_is_in_a_chunk(report: DoclingDocument, chunker: str, max_tokens: int | None, tables: str) -> None:
    limit = {"max_tokens": max_tokens} if max_tokens else {}
    chunks = chunks_of(report, chunker=chunker, tables=tables, **limit)
    assert {item.ref for each in chunks for item in each.items} == refs_of(report)


@EVERY_CHUNKER
@pytest.mark.parametrize("max_tokens", [16, None])
def test_every_word_is_in_a_chunk(report: DoclingDocument, chunker: str, max_tokens: int | None) -> None:
    limit = {"max_tokens": max_tokens} if max_tokens else {}
    text = " ".join(each.text for each in chunks_of(report, chunker=chunker, **limit))
    assert [word for item in report.texts[:-1] for word in item.text.split() if word not in text] == []
    assert "page 2" not in text


@EVERY_CHUNKER
def test_words_inside_figures_are_in_the_chunks_of_jobs_that_ask_for_them(
    report: DoclingDocument, chunker: str
) -> None:
    label = report.add_text(DocItemLabel.TEXT, "samples per year", parent=report.pictures[0], prov=at(1, 580))
    usual = chunks_of(report, chunker=chunker)
    assert "per year" not in " ".join(each.text for each in usual)
    assert label.self_ref not in {item.ref for each in usual for item in each.items}
    with_figures = chunks_of(report, chunker=chunker, content=("body", "notes", "figures"))
    (shown,) = [each for each in with_figures if "samples per year" in each.raw_text]
    assert label.self_ref in {item.ref for item in shown.items}


def test_text_stands_under_the_headings_above_it(report: DoclingDocument) -> None:
    (data,) = [each for each in chunks_of(report) if "samples" in each.raw_text]
    assert data.headings == ["Report", "1 Method", "1.1 Data"]
    assert data.text == f"Report\n1 Method\n1.1 Data\n{data.raw_text}"
    assert data.raw_text.startswith("We took many samples.\n")


def test_heading_comes_with_the_first_chunk_below_it_and_the_picture_with_the_text_before_it(
    report: DoclingDocument,
) -> None:
    (data,) = [each for each in chunks_of(report) if "samples" in each.raw_text]
    labels = [item.label for item in data.items]
    assert labels == ["title", "section_header", "section_header", "text", "picture", *["list_item"] * 3]


def test_heading_without_text_below_it_is_a_chunk(report: DoclingDocument) -> None:
    (empty,) = [each for each in chunks_of(report) if "2 Empty" in each.headings]
    assert (empty.text, empty.raw_text) == ("Report\n2 Empty", "")


def test_heading_too_long_to_stand_above_every_chunk_is_a_chunk_before_them() -> None:
    document = DoclingDocument(name="long")
    document.add_heading(" ".join(WORDS * 4), level=1)
    document.add_text(DocItemLabel.TEXT, "below it")
    *heading, last = chunks_of(document, max_tokens=24)
    assert " ".join(each.raw_text.strip() for each in heading) == " ".join(WORDS * 4)
    assert (last.raw_text, last.headings) == ("below it", [])


def test_each_part_of_a_long_table_has_its_header(report: DoclingDocument) -> None:
    parts = [each.raw_text for each in chunks_of(report, max_tokens=64) if "row " in each.raw_text]
    assert len(parts) > 2
    assert all("| Name | Value |\n| - | - |\n" in part for part in parts)
    assert sum(part.count("| row ") for part in parts) == 40


def test_caption_is_told_with_the_table(report: DoclingDocument) -> None:
    (first, *_) = [each for each in chunks_of(report) if "| row 0 |" in each.raw_text]
    assert first.captions == ["Table 1: all values"]
    assert first.raw_text.count("Table 1: all values") == 1


def test_tables_are_written_as_triplets_on_request(report: DoclingDocument) -> None:
    text = " ".join(each.text for each in chunks_of(report, tables="triplets"))
    assert "row 0, Value = alpha" in text
    assert "|" not in text


def test_small_neighbours_are_joined_unless_told_otherwise() -> None:
    document = DoclingDocument(name="small")
    for word in WORDS:
        document.add_text(DocItemLabel.TEXT, word)
    assert len(chunks_of(document)) == 1
    assert len(chunks_of(document, merge_peers=False)) == len(WORDS)


def test_boxes_are_points_from_the_top_left_corner_of_their_page(report: DoclingDocument) -> None:
    head, chunks = cut(report)
    (item,) = [item for each in chunks for item in each.items if item.label == "text"]
    (box,) = item.boxes
    assert (box.page, box.bbox, box.origin) == (1, (72.0, 100.0, 300.0, 110.0), "top-left")
    assert head["pages"] == {str(page): {"width": 600.0, "height": 800.0} for page in (1, 2)}


def test_chunk_says_its_pages_and_their_sizes(report: DoclingDocument) -> None:
    for each in chunks_of(report):
        assert each.page_numbers == sorted({box.page for item in each.items for box in item.boxes})
        assert [int(page) for page in each.pages] == each.page_numbers


def test_page_chunker_makes_one_chunk_of_each_page(report: DoclingDocument) -> None:
    chunks = chunks_of(report, chunker="page")
    assert [each.page_numbers for each in chunks] == [[1], [2]]
    assert "## 1 Method" in chunks[0].text


def test_hierarchical_chunker_makes_one_chunk_of_each_paragraph_list_and_table(report: DoclingDocument) -> None:
    texts = [each.raw_text for each in chunks_of(report, chunker="hierarchical")]
    assert texts[:2] == ["We took many samples.", "- alpha\n- beta\n- gamma"]


@EVERY_CHUNKER
def test_document_without_pages_has_chunks_without_places(chunker: str) -> None:
    document = DoclingDocument(name="plain")
    document.add_heading("Title", level=1)
    document.add_text(DocItemLabel.TEXT, "some text")
    head, (only,) = cut(document, chunker=chunker)
    assert (head["pages"], only.page_numbers, only.pages) == ({}, [], {})
    assert [item.boxes for item in only.items] == [[], []]


@EVERY_CHUNKER
def test_document_without_text_has_no_chunks(chunker: str) -> None:
    document = DoclingDocument(name="picture")
    document.add_page(page_no=1, size=Size(width=600, height=800))
    document.add_picture(prov=at(1))
    assert chunks_of(document, chunker=chunker) == []


def test_ids_are_the_same_again_and_differ_within_a_document_and_between_documents(report: DoclingDocument) -> None:
    ids = [each.id for each in chunks_of(report)]
    assert ids == [each.id for each in chunks_of(report)]
    assert len(set(ids)) == len(ids)
    assert report.origin
    report.origin.binary_hash = 8
    assert not set(ids) & {each.id for each in chunks_of(report)}


def test_chunks_of_some_pages_are_the_same_chunks_as_among_all(report: DoclingDocument) -> None:
    some = chunks_of(report, pages=PageSpan(2, 2))
    assert some == [each for each in chunks_of(report) if 2 in each.page_numbers]
    assert 0 < len(some) < len(chunks_of(report))


def test_first_line_says_how_the_document_was_cut(report: DoclingDocument) -> None:
    head, _ = cut(report, chunker="page")
    assert (head["chunker"], head["tokenizer"], head["max_tokens"]) == (
        "page",
        "sentence-transformers/all-MiniLM-L6-v2",
        None,
    )
