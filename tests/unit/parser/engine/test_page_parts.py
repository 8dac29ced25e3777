"""Paragraphs that docling joins over pages, cut by page again."""

from __future__ import annotations

from docling_core.types.doc.base import BoundingBox, Size
from docling_core.types.doc.common.reference import ProvenanceItem
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.text import TextItem
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.engine.nodes import nodes_of
from actors.parser.engine.page_parts import parts_of
from tests.unit.parser.files import make_task

BOX = BoundingBox(l=0, t=0, r=1, b=1)


def joined(*parts: tuple[int, str]) -> tuple[DoclingDocument, TextItem]:
    """One paragraph of these parts by page, joined as docling joins them: the hyphen of a word goes, its spans stay."""
    document = DoclingDocument(name="story")
    for page in dict(parts):
        document.add_page(page_no=page, size=Size(width=100, height=100))
    (page, text), *others = parts
    place = ProvenanceItem(page_no=page, bbox=BOX, charspan=(0, len(text)))
    item = document.add_text(label=DocItemLabel.TEXT, text=text, prov=place)
    for page, more in others:
        span = (len(item.text) + 1, len(item.text) + 1 + len(more))
        item.prov.append(ProvenanceItem(page_no=page, bbox=BOX, charspan=span))
        item.text = f"{item.text[:-1]}{more}" if item.text.endswith("-") else f"{item.text} {more}"
    return document, item


def test_a_paragraph_is_cut_where_its_page_ends() -> None:
    _, item = joined((1, "It began"), (2, "and went on"), (3, "to the end."))
    assert item.text == "It began and went on to the end."
    assert parts_of(item) == {1: "It began", 2: "and went on", 3: "to the end."}


def test_a_word_that_runs_over_two_pages_gets_its_hyphen_back() -> None:
    _, item = joined((1, "A long algo-"), (2, "rithm that is short-"), (3, "lived."))
    assert item.text == "A long algorithm that is shortlived."
    assert parts_of(item) == {1: "A long algo-", 2: "rithm that is short-", 3: "lived."}


def test_columns_of_one_page_are_one_part() -> None:
    _, item = joined((1, "left column"), (1, "right column"), (2, "next page"))
    assert parts_of(item) == {1: "left column right column", 2: "next page"}


def test_an_item_whose_places_do_not_add_up_to_its_text_stands_on_its_first_page() -> None:
    _, item = joined((4, "one"), (5, "two"))
    item.prov[1].charspan = (0, 3)
    assert parts_of(item) == {4: "one two"}


def test_a_node_holds_the_text_of_its_page_and_the_document_the_whole_sentence() -> None:
    document, _ = joined((1, "It began"), (2, "and went_on"))
    assert [node["text"] for node in nodes_of(document, make_task())] == ["It began", "and went\\_on"]
    assert document.export_to_markdown() == "It began and went\\_on"
    (whole,) = nodes_of(document, make_task(page_chunks=False))
    assert whole["text"] == "It began and went\\_on"
