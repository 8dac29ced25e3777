"""The Markdown of pages is docling's own, whatever the document is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from docling_core.types.doc.base import BoundingBox, Size
from docling_core.types.doc.common.content_layer import ContentLayer
from docling_core.types.doc.common.reference import ProvenanceItem
from docling_core.types.doc.document import DEFAULT_CONTENT_LAYERS, DoclingDocument
from docling_core.types.doc.items.node import DocItem
from docling_core.types.doc.items.table.table_data import TableData
from docling_core.types.doc.items.text import Formatting
from docling_core.types.doc.labels import DocItemLabel
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.parser.engine.content import items_below
from actors.parser.engine.exports import dump
from actors.parser.engine.page_markdown import PageTexts

PAGES = 3
MARKUP = st.text(alphabet="ab *_&<>#-1.\n|`[]()!\\~$é", min_size=1, max_size=9).filter(lambda text: bool(text.strip()))
TEXTS = st.just("plain words") | MARKUP


def place(page: int) -> ProvenanceItem:
    return ProvenanceItem(page_no=page, bbox=BoundingBox(l=1, t=1, r=2, b=2), charspan=(0, 0))


@dataclass(frozen=True)
class Piece:
    """Something of a document, and its page."""

    page: int
    text: str
    other: str
    label: DocItemLabel
    layer: ContentLayer | None
    formatting: Formatting | None
    hyperlink: str | None


def add_text(document: DoclingDocument, piece: Piece) -> None:
    document.add_text(
        label=piece.label,
        text=piece.text,
        prov=place(piece.page),
        content_layer=piece.layer,
        formatting=piece.formatting,
        hyperlink=piece.hyperlink,
    )


def add_list(document: DoclingDocument, piece: Piece) -> None:
    item = document.add_list_item(piece.text, parent=document.add_list_group(), prov=place(piece.page))
    document.add_text(label=DocItemLabel.TEXT, text=piece.other, parent=item, prov=place(piece.page))


def add_inline(document: DoclingDocument, piece: Piece) -> None:
    group = document.add_inline_group()
    for text in (piece.text, piece.other):
        document.add_text(label=DocItemLabel.TEXT, text=text, parent=group, prov=place(piece.page))


def add_table(document: DoclingDocument, piece: Piece) -> None:
    caption = document.add_text(label=DocItemLabel.TEXT, text=piece.text, prov=place(piece.page))
    document.add_table(TableData(num_rows=0, num_cols=0), caption=caption, prov=place(piece.page))


def add_picture(document: DoclingDocument, piece: Piece) -> None:
    picture = document.add_picture(prov=place(piece.page))
    document.add_text(label=DocItemLabel.TEXT, text=piece.text, parent=picture, prov=place(piece.page))


def add_code(document: DoclingDocument, piece: Piece) -> None:
    document.add_code(piece.text, prov=place(piece.page))


def add_heading(document: DoclingDocument, piece: Piece) -> None:
    document.add_heading(piece.text, prov=place(piece.page))


LABELS = [DocItemLabel.TEXT, DocItemLabel.CHECKBOX_SELECTED, DocItemLabel.REFERENCE]
PIECES = st.builds(
    Piece,
    page=st.integers(1, PAGES),
    text=TEXTS,
    other=TEXTS,
    label=st.sampled_from(LABELS),
    layer=st.sampled_from([None, ContentLayer.FURNITURE]),
    formatting=st.sampled_from([None, Formatting(bold=True)]),
    hyperlink=st.sampled_from([None, "https://example.org/a_b"]),
)
ADD = st.sampled_from([add_text, add_text, add_list, add_inline, add_table, add_picture, add_code, add_heading])


def document_of(made: list[tuple[Piece, Callable[[DoclingDocument, Piece], None]]]) -> DoclingDocument:
    document = DoclingDocument(name="made")
    for number in range(1, PAGES + 1):
        document.add_page(page_no=number, size=Size(width=10, height=10))
    for piece, add in sorted(made, key=lambda each: each[0].page):
        add(document, piece)
    return document


DOCUMENTS = st.builds(document_of, st.lists(st.tuples(PIECES, ADD), min_size=1, max_size=8))


@settings(max_examples=40)
@given(DOCUMENTS)
def test_the_items_and_the_json_of_a_document_are_doclings_own(document: DoclingDocument) -> None:
    walk = document.iterate_items(traverse_pictures=True, included_content_layers=set(ContentLayer))
    assert list(items_below(document, document.body)) == [item for item, _ in walk if isinstance(item, DocItem)]
    assert dump(document).decode() == document.model_dump_json(by_alias=True, exclude_none=True)


@settings(max_examples=40)
@given(DOCUMENTS)
def test_the_markdown_of_pages_is_doclings_own(document: DoclingDocument) -> None:
    texts = PageTexts(document, DEFAULT_CONTENT_LAYERS)
    assert texts.whole() == document.export_to_markdown()
    for number in range(1, PAGES + 1):
        assert texts.page(number) == document.export_to_markdown(page_no=number)
