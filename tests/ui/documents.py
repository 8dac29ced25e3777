"""Documents as docling writes them, made by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from actors.derivations import Chunks, Derivation, Export
from actors.errors import FileError
from client.models import ErrorCode, ExportFormat

WIDTH, HEIGHT = 595.0, 842.0


@dataclass
class Document:
    """What a parser made of a file, and the exports of it by format."""

    name: str
    json: dict[str, Any]
    nodes: list[dict[str, Any]]
    exports: dict[str, str] = field(default_factory=dict)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    pages_failed: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[int, bytes] = field(default_factory=dict)
    has_pictures: bool = True
    confidence: dict[str, Any] | None = None

    def response(self) -> dict[str, Any]:
        return {
            "filename": self.name,
            "success": True,
            "nodes": self.nodes,
            "error": None,
            "error_code": None,
            "num_nodes": len(self.nodes),
            "processing_time_ms": 812.5,
            "pages_failed": self.pages_failed,
            "warnings": self.warnings,
            "parser": {"profile": "bundled", "docling": "2.143.0", "models": {"layout": "rapid"}},
            "confidence": self.confidence,
            "cached": False,
        }

    def derived(self, wanted: Derivation) -> bytes | None:
        if isinstance(wanted, Chunks):
            return b"".join(orjson.dumps(chunk) + b"\n" for chunk in self._chunks())
        if not isinstance(wanted, Export):
            return None
        if wanted.form is ExportFormat.MARKDOWN:
            return "\n\n".join(node["text"] for node in self.nodes).encode()
        return self.exports.get(wanted.form, "<p>exported</p>").encode()

    def picture(self, page: int) -> bytes | None:
        """The picture of a page, if there is one. Raises FileError for a document whose pages cannot be drawn."""
        if not self.has_pictures:
            raise FileError(ErrorCode.NO_PAGE_PICTURE, "No page can be drawn of this file")
        return self.pictures.get(page)

    def _chunks(self) -> Iterator[dict[str, Any]]:
        """What a parser writes: a line about the whole, and then one for each chunk. Each text is a chunk."""
        yield {"chunker": "hybrid", "tokenizer": "words", "max_tokens": 256}
        for index, text in enumerate(self.json["texts"]):
            yield {
                "id": f"chunk-{index}", "index": index, "text": text["text"], "raw_text": text["text"],
                "num_tokens": len(text["text"].split()), "headings": ["Chapter"], "captions": [],
                "page_numbers": [place["page_no"] for place in text["prov"]],
                "items": [{"ref": text["self_ref"], "label": text["label"], "boxes": []}],
            }  # fmt: skip


@dataclass
class Maker:
    """Collects the parts of a docling document."""

    name: str
    texts: list[dict[str, Any]] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)
    body: list[dict[str, str]] = field(default_factory=list)

    def add(self, text: str, page: int, top: float, *, label: str = "text", height: float = 20.0) -> None:
        """A piece of text, `top` points below the upper edge of its page."""
        reference = f"#/texts/{len(self.texts)}"
        piece = {"self_ref": reference, "label": label, "text": text, "prov": [_placed(page, top, height)]}
        self.texts.append(piece | ({"level": 1} if label == "section_header" else {}))
        self.body.append({"$ref": reference})

    def add_table(self, rows: Sequence[Sequence[str]], page: int, top: float) -> None:
        """A table whose first row is its head."""
        reference = f"#/tables/{len(self.tables)}"
        cells = [
            {
                "text": text, "row_span": 1, "col_span": 1, "start_row_offset_idx": row, "end_row_offset_idx": row + 1,
                "start_col_offset_idx": column, "end_col_offset_idx": column + 1, "column_header": row == 0,
            }
            for row, texts in enumerate(rows)
            for column, text in enumerate(texts)
        ]  # fmt: skip
        data = {"table_cells": cells, "num_rows": len(rows), "num_cols": len(rows[0])}
        placed = [_placed(page, top, 20.0 * len(rows))]
        self.tables.append({"self_ref": reference, "label": "table", "prov": placed, "data": data})
        self.body.append({"$ref": reference})

    def document(self, pages: int) -> Document:
        sizes = {str(n): {"page_no": n, "size": {"width": WIDTH, "height": HEIGHT}} for n in range(1, pages + 1)}
        body = {"self_ref": "#/body", "children": self.body}
        parts = {"name": self.name, "texts": self.texts, "tables": self.tables, "body": body, "pages": sizes}
        nodes = [self._node(page, pages) for page in range(1, pages + 1)]
        return Document(self.name, parts, nodes)

    def _node(self, page: int, pages: int) -> dict[str, Any]:
        texts = [text["text"] for text in self.texts if text["prov"][0]["page_no"] == page]
        return {"text": "\n\n".join(texts), "metadata": {"page_number": page, "total_pages": pages}}


def _placed(page: int, top: float, height: float) -> dict[str, Any]:
    """As docling says where something stands: in points from the lower edge."""
    bounds = {"l": 72.0, "r": 523.0, "t": HEIGHT - top, "b": HEIGHT - top - height, "coord_origin": "BOTTOMLEFT"}
    return {"page_no": page, "bbox": bounds, "charspan": [0, 0]}


def paged(name: str, pages: int = 3) -> Document:
    """A heading, two paragraphs and a table on each page."""
    maker = Maker(name)
    for page in range(1, pages + 1):
        maker.add(f"Chapter {page}", page, 60, label="section_header")
        maker.add(f"First paragraph of page {page}.", page, 100)
        maker.add(f"Second paragraph of page {page}.", page, 140)
        maker.add_table([["Year", "Share"], ["2026", f"{page} %"]], page, 200)
    return maker.document(pages)


def unpaged(name: str, texts: Sequence[str]) -> Document:
    """A document of a format without pages."""
    pieces = [{"self_ref": f"#/texts/{n}", "label": "text", "text": text, "prov": []} for n, text in enumerate(texts)]
    body = {"self_ref": "#/body", "children": [{"$ref": piece["self_ref"]} for piece in pieces]}
    json = {"name": name, "texts": pieces, "tables": [], "body": body, "pages": {}}
    return Document(name, json, [{"text": "\n\n".join(texts), "metadata": {}}])
