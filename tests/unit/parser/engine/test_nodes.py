from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from docling_core.transforms.serializer.markdown import MarkdownDocSerializer
from docling_core.types.doc.base import BoundingBox, Size
from docling_core.types.doc.common.content_layer import DEFAULT_CONTENT_LAYERS, ContentLayer
from docling_core.types.doc.common.formatting import Formatting
from docling_core.types.doc.common.reference import ProvenanceItem
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.table.table_data import RichTableCell, TableCell, TableData
from docling_core.types.doc.labels import DocItemLabel
from pydantic import AnyUrl

from actors.parser.engine.nodes import cell_texts, nodes_of, records_of
from actors.parser.engine.page_markdown import PageTexts
from tests.unit.parser.files import make_task


def place(page: int) -> ProvenanceItem:
    return ProvenanceItem(page_no=page, bbox=BoundingBox(l=0, t=0, r=1, b=1), charspan=(0, 1))


def table_of(rows: list[list[str]], heads: int = 1) -> TableData:
    cells = [
        TableCell(
            text=text,
            start_row_offset_idx=r,
            end_row_offset_idx=r + 1,
            start_col_offset_idx=c,
            end_col_offset_idx=c + 1,
            column_header=r < heads,
        )
        for r, row in enumerate(rows)
        for c, text in enumerate(row)
    ]
    return TableData(num_rows=len(rows), num_cols=len(rows[0]), table_cells=cells)


def book(pages: int) -> DoclingDocument:
    """Every page: a heading, paragraphs, and a list that runs on to the next page; page 3 is empty."""
    document = DoclingDocument(name="book")
    written = [number for number in range(1, pages + 1) if number != 3]
    for number in range(1, pages + 1):
        document.add_page(page_no=number, size=Size(width=595, height=842))
    for number in written:
        document.add_heading(f"Chapter {number}", prov=place(number))
        document.add_text(label=DocItemLabel.TEXT, text=f"Text_of {number} & more", prov=place(number))
        document.add_text(label=DocItemLabel.TEXT, text=f"Plain text of {number}", prov=place(number))
        document.add_text(label=DocItemLabel.TEXT, text="two\nlines", prov=place(number))
        bold = Formatting(bold=True)
        document.add_text(label=DocItemLabel.TEXT, text="bold", formatting=bold, prov=place(number))
        page = AnyUrl("https://example.com/a_b")
        document.add_text(label=DocItemLabel.TEXT, text="link", hyperlink=page, formatting=bold, prov=place(number))
        script = Path("javascript:alert(1)")
        document.add_text(label=DocItemLabel.TEXT, text="no link", hyperlink=script, prov=place(number))
        document.add_text(label=DocItemLabel.CHECKBOX_SELECTED, text="ticked", prov=place(number))
        group = document.add_list_group()
        document.add_list_item(f"item on {number}", parent=group, prov=place(number))
        if number + 1 in written:
            document.add_list_item(f"item carried over to {number + 1}", parent=group, prov=place(number + 1))
    document.add_table(table_of([["a", "b"], ["1", "2"]]), prov=place(2))
    return document


def test_every_page_has_the_markdown_docling_exports_for_it() -> None:
    document = book(5)
    texts = PageTexts(document, DEFAULT_CONTENT_LAYERS)
    for number in document.pages:
        assert texts.page(number) == document.export_to_markdown(page_no=number)
    assert texts.whole() == document.export_to_markdown()


def test_a_caption_stands_with_its_table_and_furniture_nowhere() -> None:
    document = book(2)
    caption = document.add_text(label=DocItemLabel.TEXT, text="What it holds", prov=place(1))
    document.add_table(table_of([["c"], ["3"]]), prov=place(1), caption=caption)
    document.add_text(label=DocItemLabel.TEXT, text="furniture", prov=place(1), content_layer=ContentLayer.FURNITURE)
    texts = PageTexts(document, DEFAULT_CONTENT_LAYERS)
    assert texts.page(1).count("What it holds") == 1
    assert texts.page(1) == document.export_to_markdown(page_no=1)
    assert texts.whole() == document.export_to_markdown()


def test_a_document_that_places_nothing_on_its_pages_is_one_node() -> None:
    document = DoclingDocument(name="unplaced")
    document.add_page(page_no=1, size=Size(width=512, height=512))
    document.add_text(label=DocItemLabel.TEXT, text="Twelve boats")
    assert [node["text"] for node in nodes_of(document, make_task())] == ["Twelve boats"]


def test_text_goes_to_the_page_it_is_on_and_to_no_other() -> None:
    nodes = {node["metadata"]["page_number"]: node["text"] for node in nodes_of(book(5), make_task())}
    for page, text in nodes.items():
        assert f"Chapter {page}" in text
        assert not any(f"Chapter {other}" in text for other in nodes if other != page)
    assert "item carried over to 2" in nodes[2]
    assert "item carried over" not in nodes[1]


def test_a_page_without_text_or_tables_yields_no_node() -> None:
    pages = [node["metadata"]["page_number"] for node in nodes_of(book(5), make_task())]
    assert pages == [1, 2, 4, 5]


def test_a_page_node_says_where_it_is_from() -> None:
    node = nodes_of(book(2), make_task("My.Report.PDF", metadata={"source": "s3", "file_size": -1}))[1]
    assert node["metadata"] == {
        "source": "s3",
        "file_size": 123,
        "file_type": "pdf",
        "total_length": len(node["text"]),
        "document": True,
        "page_number": 2,
        "total_pages": 2,
        "tables_json": '[[{"a": "1", "b": "2"}]]',
        "tables_md": "|   a |   b |\n|-----|-----|\n|   1 |   2 |",
        "width": 595.0,
        "height": 842.0,
        "__keys": ["source", "page_number"],
    }
    assert node["persistent_key"] == "2_s3"
    content = node["text"] + "|" + json.dumps(node["metadata"], sort_keys=True)
    assert node["hash"] == hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()


def test_a_node_has_the_shape_its_consumers_validate() -> None:
    node = nodes_of(book(1), make_task())[0]
    assert node["node_type"] == "DocumentNode"
    assert node["doc_id"] == node["id"]
    assert (node["embedding"], node["parent_id"], node["next_id"], node["previous_id"]) == (None,) * 4
    assert node["children_ids"] == []


def test_a_document_without_pages_is_one_node() -> None:
    document = DoclingDocument(name="notes")
    document.add_text(label=DocItemLabel.TEXT, text="Only text")
    (node,) = nodes_of(document, make_task("notes.md"))
    assert node["text"] == "Only text"
    assert node["metadata"]["__keys"] == ["source"]
    assert "page_number" not in node["metadata"]
    assert node["persistent_key"] == ""


def test_without_page_chunks_a_document_with_pages_is_one_node() -> None:
    document = book(4)
    (node,) = nodes_of(document, make_task(page_chunks=False))
    assert node["text"] == document.export_to_markdown()


def test_an_empty_document_yields_no_node() -> None:
    assert nodes_of(DoclingDocument(name="nothing"), make_task("nothing.md")) == []


def test_a_retry_makes_the_same_node_ids_and_no_two_are_alike() -> None:
    first, second = (nodes_of(book(5), make_task()) for _ in range(2))
    assert first == second
    assert len({node["id"] for node in first}) == len(first)


def test_a_table_on_a_hidden_layer_is_not_on_its_page() -> None:
    document = DoclingDocument(name="book")
    document.add_page(page_no=1, size=Size(width=595, height=842))
    document.add_table(table_of([["a"], ["1"]]), prov=place(1), content_layer=ContentLayer.INVISIBLE)
    assert nodes_of(document, make_task("book.xlsx")) == []


def test_columns_of_one_name_are_all_kept() -> None:
    document = DoclingDocument(name="tables")
    table = document.add_table(table_of([["x", "x", "", "x"], ["1", "2", "3", "4"]]))
    assert records_of(table, cell_texts(document)) == [{"x": "1", "x_2": "2", "2": "3", "x_3": "4"}]


def test_a_made_up_column_name_never_takes_the_name_of_a_later_column() -> None:
    document = DoclingDocument(name="tables")
    table = document.add_table(table_of([["x", "x", "x_2"], ["1", "2", "3"]]))
    assert sorted(records_of(table, cell_texts(document))[0].values()) == ["1", "2", "3"]


def test_header_rows_are_joined_into_one_name() -> None:
    document = DoclingDocument(name="tables")
    table = document.add_table(table_of([["size", "size"], ["min", "max"], ["1", "2"]], heads=2))
    assert records_of(table, cell_texts(document)) == [{"size.min": "1", "size.max": "2"}]


def test_a_table_without_a_header_names_its_columns_by_number() -> None:
    document = DoclingDocument(name="tables")
    table = document.add_table(table_of([["1", "2"]], heads=0))
    assert records_of(table, cell_texts(document)) == [{"0": "1", "1": "2"}]


def test_cells_that_hold_more_than_text_do_not_look_at_the_whole_document_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[DoclingDocument] = []
    look = MarkdownDocSerializer.__init__
    monkeypatch.setattr(
        MarkdownDocSerializer, "__init__", lambda self, **fields: (looks.append(fields["doc"]), look(self, **fields))[1]
    )
    document = DoclingDocument(name="tables")
    table = document.add_table(table_of([["x", "y"], ["", ""], ["plain", ""]]))
    for number, cell in enumerate(table.data.table_cells):
        if not cell.text:
            inside = document.add_text(DocItemLabel.TEXT, f"rich {number}", parent=table)
            table.data.table_cells[number] = RichTableCell(**cell.model_dump(), ref=inside.get_ref())
    records = records_of(table, cell_texts(document))
    assert records == [{"x": "rich 2", "y": "rich 3"}, {"x": "plain", "y": "rich 5"}]
    assert len(looks) == 1
