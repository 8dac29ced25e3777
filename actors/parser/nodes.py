"""A parsed document as the nodes that clients consume: one per page, or one for a document without pages."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from docling_core.types.doc.common.content_layer import DEFAULT_CONTENT_LAYERS
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.table.table import TableItem

from actors.formats import suffix_of
from actors.messages import FileTask
from actors.parser.pages import PageTexts

Node = dict[str, Any]

#: Node ids are drawn from this namespace and the job, file and page, so that a retry makes the same ids.
_NODE_IDS = uuid.UUID("0e4a2cf5-9c5b-5a3e-8d7e-3f9a51c7b6d2")


def nodes_of(document: DoclingDocument, task: FileTask) -> list[Node]:
    """The nodes of a document, in page order. A page without text or tables has none."""
    texts = PageTexts(document)
    if task.options.page_chunks is False or not document.pages:
        text = texts.whole()
        return [_node(task, text, {"__keys": ["source"]}, page=0)] if text.strip() else []
    return list(_page_nodes(document, texts, task))


def _page_nodes(document: DoclingDocument, texts: PageTexts, task: FileTask) -> Iterator[Node]:
    tables = _tables_by_page(document.tables)
    for number in sorted(document.pages):
        text, on_page = texts.page(number), tables.get(number, [])
        if not text.strip() and not on_page:
            continue
        size = document.pages[number].size
        metadata = {
            "page_number": number,
            "total_pages": len(document.pages),
            "tables_json": json.dumps([records_of(table, document) for table in on_page], ensure_ascii=False),
            "tables_md": "\n\n".join(texts.table(table) for table in on_page),
            "__keys": ["source", "page_number"],
        }
        if size.width and size.height:
            metadata |= {"width": size.width, "height": size.height}
        yield _node(task, text, metadata, page=number)


def _node(task: FileTask, text: str, own: dict[str, Any], *, page: int) -> Node:
    metadata = {
        **task.metadata,
        "file_size": task.size,
        "file_type": suffix_of(task.filename).removeprefix("."),
        "total_length": len(text),
        "document": True,
        **own,
    }
    node_id = str(uuid.uuid5(_NODE_IDS, f"{task.job_id}/{task.index}/{page}"))
    content = text + "|" + json.dumps(metadata, sort_keys=True)
    return {
        "id": node_id,
        "node_type": "DocumentNode",
        "text": text,
        "metadata": metadata,
        "embedding": None,
        "doc_id": node_id,
        "parent_id": None,
        "children_ids": [],
        "next_id": None,
        "previous_id": None,
        "hash": hashlib.md5(content.encode("utf-8"), usedforsecurity=False).hexdigest(),
        "persistent_key": "_".join(str(metadata.get(key, "")) for key in sorted(metadata["__keys"])),
    }


def _tables_by_page(tables: Iterable[TableItem]) -> dict[int, list[TableItem]]:
    by_page: dict[int, list[TableItem]] = {}
    for table in tables:
        if table.prov and table.content_layer in DEFAULT_CONTENT_LAYERS:  # not on a hidden sheet, for one
            by_page.setdefault(table.prov[0].page_no, []).append(table)
    return by_page


def records_of(table: TableItem, document: DoclingDocument) -> list[dict[str, str]]:
    """A table's rows as records. Header rows are joined into column names by dots; a name that is empty or taken
    gets its column's number, so that every column is kept."""
    grid = [[cell._get_text(doc=document) for cell in row] for row in table.data.grid]
    heads = 0
    while heads < len(grid) and any(cell.column_header for cell in table.data.grid[heads]):
        heads += 1
    columns: list[str] = []
    for index in range(table.data.num_cols):
        parts = dict.fromkeys(row[index] for row in grid[:heads] if row[index])  # a cell over several rows once
        name = ".".join(parts) or str(index)
        columns.append(name if name not in columns else _free_name(name, columns))
    return [dict(zip(columns, row, strict=True)) for row in grid[heads:]]


def _free_name(name: str, taken: list[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
