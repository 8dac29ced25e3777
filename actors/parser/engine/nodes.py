"""Makes the nodes of a parsed document: one per page, or one for a document without pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from docling_core.transforms.serializer.markdown import MarkdownDocSerializer
from docling_core.types.doc.common.content_layer import ContentLayer
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.table.table import TableItem
from docling_core.types.doc.items.table.table_data import RichTableCell, TableCell

from actors.messages import FileTask
from actors.nodes import Node, make_node
from actors.parser.engine.content import layers_of, shows_figures
from actors.parser.engine.page_markdown import PageTexts
from client.confidence import Confidence, FileConfidence


def nodes_of(
    document: DoclingDocument, task: FileTask, total_pages: int = 0, confidence: FileConfidence | None = None
) -> list[Node]:
    """The nodes of a document, in page order. A page without text or tables has none.

    `total_pages` is how many pages the file has, if the document holds only some of them. Some formats (DocLang) name
    a page and place nothing on it. Such a document is one node, too.
    """
    layers = layers_of(task.options.content)
    texts = PageTexts(document, layers, figures=shows_figures(task.options.content))
    if task.options.page_chunks is False or not document.pages or not texts.placed:
        text = texts.whole()
        return [make_node(task, text, {"__keys": ["source"]}, page=0)] if text.strip() else []
    total = max(total_pages, len(document.pages))
    scores = confidence.pages if confidence else {}
    return list(_page_nodes(document, texts, task, layers, total, scores))


def _page_nodes(
    document: DoclingDocument,
    texts: PageTexts,
    task: FileTask,
    layers: set[ContentLayer],
    total_pages: int,
    confidence: Mapping[str, Confidence],
) -> Iterator[Node]:
    tables, text_of = _tables_by_page(document.tables, layers), cell_texts(document)
    for number in sorted(document.pages):
        text, on_page = texts.page(number), tables.get(number, [])
        if not text.strip() and not on_page:
            continue
        size = document.pages[number].size
        metadata = {
            "page_number": number,
            "total_pages": total_pages,
            "tables_json": json.dumps([records_of(table, text_of) for table in on_page], ensure_ascii=False),
            "tables_md": "\n\n".join(texts.table(table) for table in on_page),
            "__keys": ["source", "page_number"],
        }
        if size.width and size.height:
            metadata |= {"width": size.width, "height": size.height}
        if scores := confidence.get(str(number)):
            metadata["confidence"] = scores.model_dump()
        yield make_node(task, text, metadata, page=number)


def _tables_by_page(tables: Iterable[TableItem], layers: set[ContentLayer]) -> dict[int, list[TableItem]]:
    by_page: dict[int, list[TableItem]] = {}
    for table in tables:
        if table.prov and table.content_layer in layers:  # a table on a hidden sheet is not
            by_page.setdefault(table.prov[0].page_no, []).append(table)
    return by_page


def cell_texts(document: DoclingDocument) -> Callable[[TableCell], str]:
    """A function that gives the text of a cell.

    A cell that holds more than text needs a serializer, which looks at the whole document. All cells share one.
    """
    serializer = cache(lambda: MarkdownDocSerializer(doc=document))

    def text_of(cell: TableCell) -> str:
        if isinstance(cell, RichTableCell):
            return cell._get_text(doc=document, doc_serializer=serializer())
        return cell.text

    return text_of


def records_of(table: TableItem, text_of: Callable[[TableCell], str]) -> list[dict[str, str]]:
    """A table's rows as records. Dots join the header rows into column names.

    An empty or repeated name gets a number, so that every column is kept.
    """
    grid = [[text_of(cell) for cell in row] for row in table.data.grid]
    heads = 0
    while heads < len(grid) and any(cell.column_header for cell in table.data.grid[heads]):
        heads += 1
    columns: list[str] = []
    for index in range(table.data.num_cols):
        parts = dict.fromkeys(row[index] for row in grid[:heads] if row[index])  # spanned rows once
        name = ".".join(parts) or str(index)
        columns.append(name if name not in columns else _free_name(name, columns))
    return [dict(zip(columns, row, strict=True)) for row in grid[heads:]]


def _free_name(name: str, taken: list[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
