"""Tiny packages whose parts name each other, overlap, lie, or name files of the machine."""

from __future__ import annotations

import gzip
import json
import struct
import tarfile
import zlib
from collections.abc import Callable
from io import BytesIO

from tests.hostile.markup import docling_json, page
from tests.hostile.offices import docx, epub, ods, repacked, xlsx

SHEET, BOOK, STYLES = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "word/styles.xml"
OLE_HEADER = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)

#: A file of the machine that no caller may read, as the files below name it.
SECRET = "/etc/passwd"


def overlapping(members: int = 900) -> bytes:
    """A ZIP archive whose members are all the same 20 MB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = bytes(20_000_000)
    packed, crc = packer.compress(content) + packer.flush(), zlib.crc32(content)
    sizes = struct.pack("<III", crc, len(packed), len(content))
    out = struct.pack("<IHHHHH", 0x04034B50, 20, 0, 8, 0, 0) + sizes + struct.pack("<HH", 1, 0) + b"a" + packed
    directory = b""
    for name in (b"word/m%d" % number for number in range(members)):
        directory += struct.pack("<IHHHHHH", 0x02014B50, 20, 20, 0, 8, 0, 0) + sizes
        directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, members, members, len(directory), len(out), 0)
    return out + directory + end


def compound_file_that_loops() -> bytes:
    """Each sector is followed by itself."""
    header = OLE_HEADER + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, 1, 1, 0, 0x1000, 1, 1, 0, 0)
    header = header[:76] + struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    table = struct.pack("<128I", 0xFFFFFFFD, 1, *[1] * 126)
    entry = "Root Entry".encode("utf-16le").ljust(64, b"\0") + struct.pack("<HBBIII", 22, 5, 1, 0, 0, 0)
    return header + table + (entry + bytes(36) + struct.pack("<IQ", 1, 1 << 40)).ljust(128, b"\0") * 4


def archive_of_links() -> bytes:
    out = BytesIO()
    members = (("a.xml", tarfile.SYMTYPE), ("b.xml", tarfile.LNKTYPE), ("../../c.xml", tarfile.REGTYPE))
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, kind in (*members, ("d.xml", tarfile.FIFOTYPE), ("e", tarfile.CHRTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, SECRET
            archive.addfile(member)
    return out.getvalue()


def archive_of_many(members: int = 40_000) -> bytes:
    return gzip.compress(tarfile.TarInfo("a").tobuf() * members, 9)


def styles_that_loop() -> bytes:
    style = '<w:style w:type="paragraph" w:styleId="{0}"><w:name w:val="{0}"/><w:basedOn w:val="{1}"/></w:style>'
    loop = (style.format("A", "B") + style.format("B", "A")).encode()
    whole = docx(b'<w:p><w:pPr><w:pStyle w:val="A"/></w:pPr><w:r><w:t>x</w:t></w:r></w:p>')
    return repacked(whole, STYLES, lambda xml: xml.replace(b"</w:styles>", loop + b"</w:styles>"))


def sheet_with(old: bytes, new: bytes, part: str = SHEET) -> bytes:
    return repacked(xlsx("A1"), part, lambda xml: xml.replace(old, new))


def equations(depth: int = 900) -> bytes:
    space = b'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    begin, end = b"<m:rad><m:deg/><m:e>" * depth, b"</m:e></m:rad>" * depth
    return docx(b"<w:p><m:oMath %s>%s<m:r><m:t>x</m:t></m:r>%s</m:oMath></w:p>" % (space, begin, end))


def document_of_far_pages() -> bytes:
    size = {"width": 9, "height": 9}
    return docling_json(pages={"2000000000": {"size": size, "page_no": 2_000_000_000}})


def document_with_a_picture(uri: str) -> bytes:
    size = {"width": 9, "height": 9}
    picture = {"mimetype": "image/png", "dpi": 72, "size": size, "uri": uri}
    return docling_json(pages={"1": {"size": size, "page_no": 1, "image": picture}})


def box_note_with_pictures(uri: str) -> bytes:
    picture = {"type": "image", "attrs": {"src": uri}}
    return json.dumps({"doc": {"type": "doc", "content": [picture] * 9}}).encode()


def naming(file: str) -> dict[str, bytes]:
    """Files that name a file of the machine in each way that their format has."""
    return {
        "names_files.html": page(
            f"x<img src='file://{file}'><img src='{file}'><iframe src='{file}'></iframe>".encode()
        ),
        "names_files.md": f"x\n\n![a](file://{file}) ![b]({file})\n".encode(),
        "names_files.adoc": f"= x\n\ninclude::{file}[]\n\nimage::{file}[]\n".encode(),
        "names_files.tex": f"\\begin{{document}}x\\input{{{file}}}\\includegraphics{{{file}}}".encode(),
        "names_files.epub": epub(f"<p>x<img src='{file}'/><img src='../../../../..{file}'/></p>"),
        "names_files.boxnote": box_note_with_pictures(f"file://{file}"),
        "names_files.json": document_with_a_picture(f"file://{file}"),
        "names_files.eml": f"Subject: x\nContent-Type: text/html\n\n<p>x<img src='file://{file}'></p>".encode(),
    }


CASES: dict[str, Callable[[], bytes]] = {
    **{name: lambda name=name: naming(SECRET)[name] for name in naming(SECRET)},  # type: ignore[misc]
    "overlapping.docx": overlapping,
    "overlapping.epub": overlapping,
    "overlapping.ods": overlapping,
    "loop.msg": compound_file_that_loops,
    "links.tar.gz": archive_of_links,
    "styles_loop.docx": styles_that_loop,
    "equations.docx": equations,
    "controls.docx": lambda: docx(b"<w:sdt><w:sdtContent>" * 900 + b"<w:p/>" + b"</w:sdtContent></w:sdt>" * 900),
    "list_level.docx": lambda: docx(
        b'<w:p><w:pPr><w:pStyle w:val="ListBullet"/><w:numPr><w:ilvl w:val="2000000000"/><w:numId w:val="1"/></w:numPr>'
        b"</w:pPr><w:r><w:t>a</w:t></w:r></w:p>"
    ),
    "columns.xlsx": lambda: sheet_with(
        b"<sheetData>", b"<cols>" + b'<col min="1" max="2000000000" width="9"/>' * 2_000 + b"</cols><sheetData>"
    ),
    "far_row.xlsx": lambda: sheet_with(b'r="A1"', b'r="XFD99999999999"'),
    "digits.xlsx": lambda: sheet_with(b'<c r="A1"', b'<c r="B1" t="n"><v>' + b"9" * 50_000 + b'</v></c><c r="A1"'),
    "names.xlsx": lambda: sheet_with(
        b"</workbook>",
        b"<definedNames><definedName name='n'>A1:XFD1048576</definedName></definedNames></workbook>",
        BOOK,
    ),
    "formulas.xlsx": lambda: sheet_with(
        b"<sheetData>",
        b'<sheetData><row r="2">'
        + b'<c r="A2"><f t="shared" ref="A1:XFD1048576" si="0">SUM(A1:XFD1048576)</f><v>1</v></c>' * 5_000
        + b"</row>",
    ),
    "rules.xlsx": lambda: sheet_with(
        b"</sheetData>",
        b'</sheetData><dataValidations><dataValidation sqref="%s"/></dataValidations>' % (b"A1:XFD1048576 " * 4_000),
    ),
    "members.tar.gz": archive_of_many,
    "covered.ods": lambda: ods(
        '<table:table-row><table:covered-table-cell table:number-columns-repeated="2000000000"/>'
        "<table:table-cell><text:p>x</text:p></table:table-cell></table:table-row>"
    ),
    "far_page.json": document_of_far_pages,
}
