"""Office files that tests write as XML, or with the libraries that docling reads them with."""

from __future__ import annotations

from io import BytesIO

import xlsxwriter

from tests.unit.parser.files import make_zip

_NAMESPACES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "w14": "http://schemas.microsoft.com/office/word/2010/wordml",
}
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TYPES = f'<Types xmlns="{_PACKAGE}/content-types">{{}}</Types>'
_RELATIONS = f'<Relationships xmlns="{_PACKAGE}/relationships">{{}}</Relationships>'
_TO_MAIN = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"


def word_file(body: str, *, part: str = "word/document.xml") -> bytes:
    """A Word file with this XML as its body."""
    spaces = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in _NAMESPACES.items())
    types = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/{part}" ContentType="{_MAIN}"/>'
    )
    members = {
        "[Content_Types].xml": _TYPES.format(types),
        "_rels/.rels": _RELATIONS.format(f'<Relationship Id="r1" Type="{_TO_MAIN}" Target="{part}"/>'),
        part: f"<w:document {spaces}><w:body>{body}</w:body></w:document>",
    }
    return make_zip({name: content.encode() for name, content in members.items()})


def drawing_of_a_sheet(text: str) -> bytes:
    """An Excel file of one cell, with a text box over it."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write(0, 0, "harbour")
    sheet.insert_textbox(2, 2, text)
    book.close()
    return out.getvalue()


def open_document(kind: str, body: str) -> bytes:
    """An OpenDocument file, of a `kind` as its own names go."""
    names = {"office": "office", "text": "text", "table": "table", "draw": "drawing"}
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for short, name in names.items()
    )
    content = (
        f'<office:document-content {spaces} office:version="1.2"><office:body><office:{kind}>'
        f"{body}</office:{kind}></office:body></office:document-content>"
    )
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    return make_zip({"mimetype": mimetype.encode(), "content.xml": content.encode()})
