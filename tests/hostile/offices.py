"""Tiny office files and archives that declare, nest, repeat or expand without end."""

from __future__ import annotations

import gzip
import re
import struct
import tarfile
from collections.abc import Callable
from io import BytesIO
from itertools import pairwise
from zipfile import ZipFile

from docx import Document
from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from pptx import Presentation

from tests.unit.parser.files import make_zip

ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
)
ENTITIES = "".join(["<!ENTITY a 'hahahaha'>"] + [f"<!ENTITY {b} '{f'&{a};' * 20}'>" for a, b in pairwise("abcdefghi")])
LAUGHS = f"<!DOCTYPE x [{ENTITIES}]>"
DEPTH = 3_000


def odf(kind: str, body: str, doctype: str = "") -> bytes:
    content = f'<?xml version="1.0"?>{doctype}<office:document-content {ODF} office:version="1.2"><office:body>'
    content += f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mimetype}"/></manifest:manifest>'
    )
    members = {"mimetype": mimetype, "META-INF/manifest.xml": manifest, "content.xml": content}
    return make_zip({name: text.encode() for name, text in members.items()})


def ods(cells: str) -> bytes:
    return odf("spreadsheet", f'<table:table table:name="A">{cells}</table:table>')


def repeated_cells(rows: int, columns: int, text: str = "<text:p>x</text:p>") -> str:
    cell = f'<table:table-cell table:number-columns-repeated="{columns}">{text}</table:table-cell>'
    return f'<table:table-row table:number-rows-repeated="{rows}">{cell}</table:table-row>'


def repacked(archive: bytes, member: str, change: Callable[[bytes], bytes]) -> bytes:
    with ZipFile(BytesIO(archive)) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    return make_zip(members | {member: change(members[member])})


def docx(body: bytes, before: bytes = b"") -> bytes:
    """A Word file whose body begins with other XML, and whose document with other declarations."""
    out = BytesIO()
    document = Document()
    document.add_paragraph("A paragraph.")
    document.save(out)

    def change(xml: bytes) -> bytes:
        return xml.replace(b"<w:body>", b"<w:body>" + body).replace(b"<w:document", before + b"<w:document", 1)

    return repacked(out.getvalue(), "word/document.xml", change)


def nested_word_tables(depth: int) -> bytes:
    begin = b'<w:tbl><w:tblPr/><w:tblGrid><w:gridCol w:w="9"/></w:tblGrid><w:tr><w:tc>'
    return docx(begin * depth + b"<w:p/>" + b"</w:tc></w:tr></w:tbl>" * depth)


def wide_word_table(columns: int) -> bytes:
    cell = b'<w:tc><w:tcPr><w:gridSpan w:val="%d"/></w:tcPr><w:p/></w:tc>' % columns
    return docx(b'<w:tbl><w:tblPr/><w:tblGrid><w:gridCol w:w="9"/></w:tblGrid><w:tr>%s</w:tr></w:tbl>' % cell)


def xlsx(*cells: str) -> bytes:
    out, book = BytesIO(), Workbook()
    for cell in cells:
        book.active[cell] = "x"
    book.save(out)
    return out.getvalue()


def rows_far_apart(rows: int) -> list[str]:
    """Cells at both edges of a sheet."""
    return [f"{column}{row}" for row in range(1, rows * 2, 2) for column in ("A", "XFD")]


def staircase(steps: int) -> list[str]:
    """Neighbouring cells from one corner to the other: one table, nearly empty."""
    columns = [get_column_letter(column) for column in range(1, steps + 2)]
    return [f"{columns[step + side]}{step + 1}" for step in range(steps) for side in (0, 1)]


def wide_rows_of_word(columns: int, rows: int) -> bytes:
    row = b"<w:tr><w:tc><w:p/></w:tc></w:tr>"
    grid = b"<w:tbl><w:tblPr/><w:tblGrid>%s</w:tblGrid>%s</w:tbl>"
    return docx(grid % (b'<w:gridCol w:w="9"/>' * columns, row * rows))


def merged_sheet() -> bytes:
    merge = b'<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    add = lambda xml: xml.replace(b"</sheetData>", b"</sheetData>" + merge)  # noqa: E731
    return repacked(xlsx("A1"), "xl/worksheets/sheet1.xml", add)


def laughing_sheet() -> bytes:
    add = lambda xml: xml.replace(b"<worksheet", LAUGHS.encode() + b"<worksheet").replace(b">x<", b">&i;<")  # noqa: E731
    return repacked(xlsx("A1"), "xl/worksheets/sheet1.xml", add)


def pptx_of_groups(depth: int) -> bytes:
    out, deck = BytesIO(), Presentation()
    deck.slides.add_slide(deck.slide_layouts[6])
    deck.save(out)
    begin = b'<p:grpSp><p:nvGrpSpPr><p:cNvPr id="9" name="g"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    groups = begin * depth + b"</p:grpSp>" * depth
    change = lambda xml: xml.replace(b"</p:spTree>", groups + b"</p:spTree>")  # noqa: E731
    return repacked(out.getvalue(), "ppt/slides/slide1.xml", change)


def epub(body: str, chapters: int = 1) -> bytes:
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="c.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    spine = '<itemref idref="a"/>' * chapters
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="i">1</dc:identifier><dc:title>T</dc:title>'
        '<dc:language>en</dc:language></metadata><manifest><item id="a" href="a.xhtml" '
        f'media-type="application/xhtml+xml"/></manifest><spine>{spine}</spine></package>'
    )
    chapter = f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
    members = {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "c.opf": package}
    return make_zip({name: text.encode() for name, text in (members | {"a.xhtml": chapter}).items()})


def dclx(document: str, **files: bytes) -> bytes:
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    return make_zip({"[Content_Types].xml": types.encode(), "document.xml": document.encode(), **files})


def tar_gz(size: int, name: str = "a.xml", content: bytes = b"") -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    return gzip.compress(member.tobuf() + content, 9)


def iwork(declared: int) -> bytes:
    """An archive whose one part declares its unpacked size in Snappy's way."""
    varint = bytes((declared >> shift & 0x7F) | 0x80 for shift in (0, 7, 14, 21)) + bytes([declared >> 28])
    chunk = varint + b"\xfe" * 64
    part = b"\0" + struct.pack("<I", len(chunk))[:3] + chunk
    return make_zip({"Index/Document.iwa": part, "Metadata/Properties.plist": b"<plist/>"})


def deck_with(change: Callable[[bytes], bytes], part: str = "ppt/slides/slide1.xml") -> bytes:
    """A presentation of one slide, with a change to one of its parts."""
    out, deck = BytesIO(), Presentation()
    deck.slides.add_slide(deck.slide_layouts[6])
    deck.save(out)
    return repacked(out.getvalue(), part, change)


def repeated_slide(times: int) -> bytes:
    slide = re.compile(rb'(<p:sldId [^>]*?id=")256("[^>]*/>)')
    return deck_with(
        lambda xml: slide.sub(lambda m: b"".join(m[1] + b"%d" % (256 + n) + m[2] for n in range(times)), xml),
        "ppt/presentation.xml",
    )


def wide_slide_table() -> bytes:
    cell = b'<a:tc gridSpan="2000000000" rowSpan="2000000000"><a:txBody><a:bodyPr/><a:p/></a:txBody><a:tcPr/></a:tc>'
    table = b'<a:tbl><a:tblPr/><a:tblGrid><a:gridCol w="9"/></a:tblGrid><a:tr h="9">%s</a:tr></a:tbl>' % cell
    frame = (
        b'<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="9" name="t"/><p:cNvGraphicFramePr/><p:nvPr/>'
        b'</p:nvGraphicFramePr><p:xfrm><a:off x="0" y="0"/><a:ext cx="9" cy="9"/></p:xfrm><a:graphic>'
        b'<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/table">%s</a:graphicData></a:graphic>'
        b"</p:graphicFrame>" % table
    )
    return deck_with(lambda xml: xml.replace(b"</p:spTree>", frame + b"</p:spTree>"))


def numbering_that_loops() -> bytes:
    out, document = BytesIO(), Document()
    document.add_paragraph("a", style="List Bullet")
    document.save(out)
    link = b'<w:numStyleLink w:val="ListBullet"/><w:styleLink w:val="ListBullet"/>'
    loop = b'<w:abstractNum w:abstractNumId="77">%s</w:abstractNum>' % link * 400
    return repacked(
        out.getvalue(), "word/numbering.xml", lambda xml: xml.replace(b"<w:abstractNum ", loop + b"<w:abstractNum ", 1)
    )


CASES: dict[str, Callable[[], bytes]] = {
    "spaces.odt": lambda: odf("text", '<text:p>a<text:s text:c="2000000000"/>b</text:p>'),
    "nested_lists.odt": lambda: odf(
        "text", "<text:list><text:list-item>" * DEPTH + "<text:p>x</text:p>" + "</text:list-item></text:list>" * DEPTH
    ),
    "nested_sections.odt": lambda: odf(
        "text", "<text:section>" * DEPTH + "<text:p>x</text:p>" + "</text:section>" * DEPTH
    ),
    "entities.odt": lambda: odf("text", "<text:p>&i;</text:p>", LAUGHS),
    "table.odt": lambda: odf("text", f"<table:table>{repeated_cells(30_000, 30_000)}</table:table>"),
    "repeated.ods": lambda: ods(repeated_cells(1_000_000, 16_000)),
    "repeated_empty.ods": lambda: ods(repeated_cells(1_000_000, 16_000, "") + repeated_cells(1, 1)),
    "repeated_columns.ods": lambda: ods(repeated_cells(1, 2_000_000_000)),
    "spanned.ods": lambda: ods(
        '<table:table-row><table:table-cell table:number-columns-spanned="1000000" table:number-rows-spanned="1000000">'
        "<text:p>x</text:p></table:table-cell></table:table-row>"
    ),
    "padded.ods": lambda: ods(repeated_cells(1, 1) + repeated_cells(1_048_575, 16_384, "")),
    "texts.ods": lambda: ods(repeated_cells(30_000, 1, f"<text:p>{'long ' * 9_000}</text:p>")),
    "spaces.ods": lambda: ods(repeated_cells(3_000, 1, '<text:p><text:s text:c="1000000"/></text:p>')),
    "spaces.odp": lambda: odf(
        "presentation",
        '<draw:page><draw:frame><draw:text-box><text:p><text:s text:c="2000000000"/></text:p>'
        "</draw:text-box></draw:frame></draw:page>",
    ),
    "nested_tables.docx": lambda: nested_word_tables(DEPTH),
    "wide_table.docx": lambda: wide_word_table(100_000_000),
    "wide_rows.docx": lambda: wide_rows_of_word(5_000, 2_000),
    "entities.docx": lambda: docx(b"<w:p><w:r><w:t>&i;</w:t></w:r></w:p>", LAUGHS.encode()),
    "paragraphs.docx": lambda: docx(b"<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 120_000),
    "nested_groups.pptx": lambda: pptx_of_groups(DEPTH),
    "sparse.xlsx": lambda: xlsx("A1", "XFD1048576"),
    "diagonal.xlsx": lambda: xlsx(*(f"{column}{row}" for row, column in enumerate(["A", "Z", "AAA", "XFD"] * 90, 1))),
    "far_apart.xlsx": lambda: xlsx(*rows_far_apart(400)),
    "staircase.xlsx": lambda: xlsx(*staircase(1_500)),
    "merged.xlsx": merged_sheet,
    "entities.xlsx": laughing_sheet,
    "numbering_loop.docx": numbering_that_loops,
    "insertions.docx": lambda: docx(
        b"<w:p>"
        + b"<w:ins><w:hyperlink>" * 400
        + b"<w:r><w:t>x</w:t></w:r>"
        + b"</w:hyperlink></w:ins>" * 400
        + b"</w:p>"
    ),
    "slide_repeated.pptx": lambda: repeated_slide(1_000),
    "wide_table.pptx": wide_slide_table,
    "untyped.ods": lambda: ods(
        "<table:table-row><table:table-cell><text:p>x</text:p></table:table-cell></table:table-row>" * 300
    ),
    "chapters.epub": lambda: epub("<p>x</p>", 200_000),
    "nested.epub": lambda: epub("<div>" * DEPTH + "x" + "</div>" * DEPTH),
    "unpacked.dclx": lambda: dclx("<doclang/>", a=bytes(60_000_000)),
    "entities.dclx": lambda: dclx(f"{LAUGHS}<doclang>&i;</doclang>"),
    "declared.tar.gz": lambda: tar_gz(1 << 40),
    "zeros.tar.gz": lambda: tar_gz(60_000_000, content=bytes(60_000_000)),
    "declared.pages": lambda: iwork((1 << 32) - 1),
    "declared.numbers": lambda: iwork((1 << 32) - 1),
    "declared.key": lambda: iwork((1 << 32) - 1),
}
