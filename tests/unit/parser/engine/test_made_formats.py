"""A tiny file of every format that is a few lines long: its text comes out. None of them needs a model but pictures."""

from __future__ import annotations

import json
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel
from PIL import Image, ImageDraw, ImageFont

from actors.messages import ParsedFile
from tests.unit.parser.files import as_document, make_task, make_zip
from tests.unit.parser.office import open_document

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

TEXT = "Twelve boats"


def sheet() -> str:
    cell = f'<table:table-cell office:value-type="string"><text:p>{TEXT}</text:p></table:table-cell>'
    return f'<table:table table:name="harbour"><table:table-row>{cell * 2}</table:table-row></table:table>'


def slide() -> str:
    return f"<draw:page><draw:frame><draw:text-box><text:p>{TEXT}</text:p></draw:text-box></draw:frame></draw:page>"


def book() -> bytes:
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
        '<rootfile full-path="b.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><manifest>'
        '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    chapter = f'<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{TEXT}</p></body></html>'
    members = {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "b.opf": package}
    return make_zip({name: content.encode() for name, content in (members | {"c.xhtml": chapter}).items()})


def saved_page() -> bytes:
    lines = (
        'MIME-Version: 1.0\nContent-Type: multipart/related; type="text/html"; boundary="b"\n\n--b\n'
        f"Content-Type: text/html; charset=utf-8\n\n<html><body><p>{TEXT}</p></body></html>\n--b--\n"
    )
    return lines.replace("\n", "\r\n").encode()


def document() -> DoclingDocument:
    made = DoclingDocument(name="made")
    made.add_text(label=DocItemLabel.TEXT, text=TEXT)
    return made


def doclang_archive() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.dclx"
        document().save_as_doclang_archive(path)
        return path.read_bytes()


def article() -> bytes:
    doctype = '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS Journal Archiving DTD v1.2//EN" "JATS-archivearticle1.dtd">'
    title = "<title-group><article-title>Harbour</article-title></title-group>"
    text = f"<body><sec><title>Kiel</title><p>{TEXT}</p></sec></body>"
    return f"{doctype}<article><front><article-meta>{title}</article-meta></front>{text}</article>".encode()


def patent() -> bytes:
    doctype = '<!DOCTYPE us-patent-grant SYSTEM "us-patent-grant-v45-2014-04-03.dtd" [ ]>'
    title = '<invention-title id="t">Harbour</invention-title>'
    return (
        f'<?xml version="1.0"?>\n{doctype}\n<us-patent-grant><us-bibliographic-data-grant>{title}'
        f'</us-bibliographic-data-grant><abstract id="a"><p id="p">{TEXT}</p></abstract></us-patent-grant>'
    ).encode()


def box_note() -> bytes:
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": TEXT}]}
    return json.dumps({"doc": {"type": "doc", "content": [paragraph]}}).encode()


def print_stream() -> bytes:
    """AFP: a document of one page with one run of text, in IBM's letters."""

    def field(kind: str, data: bytes = b"") -> bytes:
        return b"\x5a" + (8 + len(data)).to_bytes(2, "big") + bytes.fromhex(kind) + bytes(3) + data

    letters = TEXT.encode("cp500")
    run = bytes([0x2B, 0xD3, len(letters) + 2, 0xDA]) + letters
    inner = field("d3a8af") + field("d3a89b") + field("d3ee9b", run) + field("d3a99b") + field("d3a9af")
    return field("d3a8a8") + inner + field("d3a9a8")


MADE = [
    ("a.odt", open_document("text", f"<text:p>{TEXT}</text:p>")),
    ("a.ods", open_document("spreadsheet", sheet())),
    ("a.odp", open_document("presentation", slide())),
    ("a.epub", book()),
    ("a.mhtml", saved_page()),
    ("a.json", document().model_dump_json().encode()),
    ("a.dclg", document().export_to_doclang().encode()),
    ("a.dclg.xml", document().export_to_doclang().encode()),
    ("a.dclx", doclang_archive()),
    ("a.xml", article()),
    ("a.nxml", article()),
    ("patent.xml", patent()),
    ("patent.txt", f"PATN\nWKU  039305848\nTTL  Harbour\nABST\nPAL  {TEXT}\n".encode()),
    ("a.boxnote", box_note()),
    ("a.afp", print_stream()),
]


@pytest.mark.parametrize(("filename", "data"), MADE)
def test_a_tiny_file_of_a_format_has_its_text(engine: Engine, filename: str, data: bytes) -> None:
    file = engine.open(as_document(data), make_task(filename), split_above=9)
    assert isinstance(file, ParsedFile)
    (node,) = orjson.loads(file.nodes)
    assert TEXT in node["text"]


#: Files whose kind their suffix tells, and text files that docling looks into.
NAMED = [
    *((f"a.{suffix}", TEXT.encode()) for suffix in ("md", "markdown", "qmd", "rmd", "adoc", "asciidoc", "asc")),
    *((f"a.{suffix}", f"<html><body>{TEXT}</body></html>".encode()) for suffix in ("html", "htm", "xhtml", "md")),
    ("a.csv", b"harbour,boats\nKiel,12\n"),
    ("a.tex", b"\\documentclass{article}"),
    ("a.vtt", b"WEBVTT\n"),
    ("a.eml", b"From: a@b.c\n\nTwelve boats\n"),
    ("a.pdf", b"%PDF-1.7\n"),
    ("article.txt", article()),
    ("article.txt", b'<?xml version="1.0"?>\n' + article()),
    ("patent.txt", patent()),
    ("a.dclg.xml", article()),
    ("plain.txt", TEXT.encode()),
    ("plain.text", TEXT.encode()),
]


#: docling tells an EPUB by its first member alone, which must not be compressed; the one made here is.
TOLD_BY_DOCLING = [made for made in (*MADE, *NAMED) if made[0] != "a.epub"]


@pytest.mark.parametrize(("filename", "data"), TOLD_BY_DOCLING)
def test_the_kind_of_a_file_is_the_one_that_docling_finds(filename: str, data: bytes) -> None:
    from docling.datamodel.base_models import DocumentStream
    from docling.datamodel.document import _DocumentConversionInput

    from actors.parser.engine.sniffing import sniff

    stream = DocumentStream(name=filename, stream=BytesIO(data))
    theirs = _DocumentConversionInput(path_or_stream_iterator=[])._guess_format(stream)
    assert sniff(as_document(data), filename).format is theirs


def picture(form: str, **options: Any) -> bytes:
    page, out = Image.new("RGB", (500, 120), "white"), BytesIO()
    ImageDraw.Draw(page).text((40, 30), TEXT, fill="black", font=ImageFont.load_default(48))
    page.save(out, form, **options)
    return out.getvalue()


def scanned_book() -> bytes:
    """METS: a scanned page, the text that was read from it with its places, and how the two belong together."""
    files = "".join(
        f'<fileGrp USE="{use}"><file ID="{use}" MIMETYPE="{kind}"><FLocat LOCTYPE="URL" xlink:href="{path}"/></file>'
        "</fileGrp>"
        for use, kind, path in (("image", "image/png", "1.png"), ("coordOCR", "text/html", "1.html"))
    )
    page = '<div TYPE="page" ORDER="1"><fptr FILEID="image"/><fptr FILEID="coordOCR"/></div>'
    mets = (
        '<mets xmlns="http://www.loc.gov/METS/" xmlns:xlink="http://www.w3.org/1999/xlink" PROFILE="gbs">'
        f"<fileSec>{files}</fileSec><structMap>{page}</structMap></mets>"
    )
    words = zip(TEXT.split(), ("40 40 200 80", "215 40 330 80"), strict=True)
    spans = "".join(f'<span class="ocrx_word" title="bbox {box};x_wconf 99">{word}</span>' for word, box in words)
    line = f'<span class="ocr_line" title="bbox 40 40 330 80">{spans}</span>'
    read = f'<html><body><div class="ocr_page" title="bbox 0 0 500 120">{line}</div></body></html>'
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in (("book.xml", mets.encode()), ("1.png", picture("png")), ("1.html", read.encode())):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        *((form, picture(form)) for form in ("bmp", "gif", "jpeg", "png", "tiff", "webp")),
        ("tif", picture("tiff", big_tiff=True)),
        ("tar.gz", scanned_book()),
    ],
)
def test_a_picture_of_any_kind_is_read(engines: list[Engine], suffix: str, data: bytes) -> None:
    file = engines[0].open(as_document(data), make_task(f"a.{suffix}"), split_above=9)
    assert isinstance(file, ParsedFile)
    (node,) = orjson.loads(file.nodes)
    assert TEXT.replace(" ", "") in node["text"].replace(" ", "")
