"""What a word is, and which words of a page are missing from its document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from docling.datamodel.base_models import Page, PagePredictions
from docling_core.types.doc.base import BoundingBox, Size
from docling_core.types.doc.common.content_layer import ContentLayer
from docling_core.types.doc.common.reference import ProvenanceItem
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.table.table_data import TableCell, TableData
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.engine.page_text import ReadLayout
from actors.parser.engine.words import count, missing, words_in_figures, words_of
from client.models import FileWarning, WarningCode

if TYPE_CHECKING:
    from docling_core.types.doc.items.node import NodeItem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Two  words", ["Two", "words"]),
        ("“quoted”, (12.50) – and • a dash", ["quoted", "1250", "and", "a", "dash"]),
        ("ﬁne ﬂow", ["fine", "flow"]),
        ("中文文档 測試", ["中文文档", "測試"]),
        ("* — … ·", []),
        ("", []),
    ],
)
def test_a_word_is_a_run_with_letters_or_digits(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def lost(read: str, kept: str) -> list[str]:
    return sorted(missing(words_of(read), words_of(kept)))


def test_the_order_of_words_does_not_matter() -> None:
    assert lost("one two two", "two one two") == []


def test_a_word_that_is_kept_less_often_than_it_was_read_is_missing() -> None:
    assert lost("pay pay later", "later pay") == ["pay"]


def test_words_that_docling_joins_or_splits_are_kept() -> None:
    assert lost("algo- rithms ﬁ eld total:12", "algorithms field total : 12") == []


def test_a_word_does_not_hide_in_another_that_was_read() -> None:
    assert lost("art party", "party") == ["art"]


def document_of(*texts: str) -> tuple[DoclingDocument, ProvenanceItem]:
    document = DoclingDocument(name="letter")
    document.add_page(page_no=1, size=Size(width=1, height=1))
    place = ProvenanceItem(page_no=1, bbox=BoundingBox(l=0, t=0, r=1, b=1), charspan=(0, 1))
    for text in texts:
        document.add_text(label=DocItemLabel.TEXT, text=text, prov=place)
    return document, place


def page_of(text: str) -> Page:
    return Page(page_no=1, predictions=PagePredictions(layout=ReadLayout(read=text)))


def test_every_item_keeps_words_whatever_its_layer() -> None:
    document, place = document_of("body")
    document.add_text(label=DocItemLabel.PAGE_HEADER, text="top", prov=place, content_layer=ContentLayer.FURNITURE)
    picture: NodeItem = document.add_picture(prov=place)
    document.add_text(label=DocItemLabel.TEXT, text="inside", prov=place, parent=picture)
    document.add_list_item("item", marker="1.", prov=place, parent=document.add_list_group())
    document.add_text(label=DocItemLabel.FORMULA, text="", orig="E=mc", prov=place)
    cell = TableCell(
        text="cell", start_row_offset_idx=0, end_row_offset_idx=1, start_col_offset_idx=0, end_col_offset_idx=1
    )
    document.add_table(TableData(num_rows=1, num_cols=1, table_cells=[cell]), prov=place)
    counted = count([page_of("top body inside 1. item E=mc cell")], document)
    assert counted.totals == {"words_read": 7, "words_kept": 7, "words_in_figures": 2}
    assert counted.warnings == []


def test_the_words_of_a_page_need_not_be_read_in_the_order_of_its_document() -> None:
    document, _ = document_of("one two", "three – two")
    counted = count([page_of("three two one two")], document)
    assert counted.totals == {"words_read": 4, "words_kept": 4, "words_in_figures": 0}
    assert counted.warnings == []


def test_a_page_that_lost_words_is_named_with_some_of_them() -> None:
    document, _ = document_of("one two")
    counted = count([page_of("one two " + " ".join("abcdefg"))], document)
    assert counted.totals == {"words_read": 9, "words_kept": 2, "words_in_figures": 0}
    (warning,) = counted.warnings
    assert warning == FileWarning(code=WarningCode.WORDS_LOST, message=warning.message, page_number=1)
    assert "7 of the page's words are not in the document: a, b, c, d, e, …" in warning.message


def test_a_word_that_is_in_two_items_is_told() -> None:
    document, _ = document_of("one two", "two three")
    counted = count([page_of("one two three")], document)
    assert counted.totals == {"words_read": 3, "words_kept": 3, "words_in_figures": 0}
    (warning,) = counted.warnings
    assert (warning.code, warning.page_number) == (WarningCode.WORDS_DOUBLED, 1)
    assert warning.message == "1 of the page's words are in the document more often than on the page: two"


def test_words_that_docling_joins_are_not_doubled() -> None:
    document, _ = document_of("algorithms field", "total : 12")
    assert count([page_of("algo- rithms ﬁ eld total:12")], document).doubled == {}


def test_the_parts_of_a_word_may_be_read_in_any_order() -> None:
    document, _ = document_of("the self-publishing market")
    assert count([page_of("publishing market the self-")], document).doubled == {}


def test_parts_of_a_word_that_stand_for_themselves_are_none_of_a_doubled_word() -> None:
    document, _ = document_of("the self market", "self-publishing")
    assert count([page_of("the self market publishing")], document).doubled == {1: ["selfpublishing"]}


def test_a_caption_is_not_inside_its_figure() -> None:
    document, place = document_of("body")
    caption = document.add_text(label=DocItemLabel.CAPTION, text="Figure one", prov=place)
    picture: NodeItem = document.add_picture(prov=place, caption=caption)
    document.add_text(label=DocItemLabel.TEXT, text="words inside it", prov=place, parent=picture)
    document.add_text(label=DocItemLabel.FORMULA, text="a+b", orig="a b", prov=place)
    assert words_in_figures(document) == 3
