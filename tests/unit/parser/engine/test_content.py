"""What of a document its nodes and exports hold: the body, and furniture and notes as the option `content` says."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import orjson
import pytest
from docling_core.types.doc.base import BoundingBox, Size
from docling_core.types.doc.common.reference import ProvenanceItem
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel
from docx import Document as WordDocument
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from openpyxl import Workbook
from openpyxl.comments import Comment
from pptx import Presentation

from actors.messages import ParsedFile
from actors.parser.engine.nodes import nodes_of
from client.models import DEFAULT_CONTENT, Content, ExportFormat
from client.options import CONTENT
from tests.unit.parser.files import exported, make_task, make_zip, parsed

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

EVERYTHING: list[Content] = [*CONTENT]
TEXTS = (ExportFormat.MARKDOWN, ExportFormat.HTML, ExportFormat.TEXT)
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def node_text(file: ParsedFile) -> str:
    return "\n".join(node["text"] for node in orjson.loads(file.nodes))


def word_file() -> bytes:
    """A page header, a line of text with a comment, a footnote and an endnote."""
    document = WordDocument()
    document.sections[0].header.paragraphs[0].text = "PAGEHEADER"
    run = document.add_paragraph().add_run("BODYTEXT")
    document.add_comment([run], text="COMMENTTEXT", author="A")
    for kind, relationship in (("footnote", RELATIONSHIP_TYPE.FOOTNOTES), ("endnote", RELATIONSHIP_TYPE.ENDNOTES)):
        note = f'<w:{kind} w:id="2"><w:p><w:r><w:t>{kind.upper()}TEXT</w:t></w:r></w:p></w:{kind}>'
        xml = f'<?xml version="1.0"?><w:{kind}s xmlns:w="{WORD}">{note}</w:{kind}s>'
        part = Part(PackURI(f"/word/{kind}s.xml"), f"application/{kind}s+xml", xml.encode(), document.part.package)
        document.part.relate_to(part, relationship)
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def slides() -> bytes:
    made, out = Presentation(), BytesIO()
    for number in (1, 2):
        slide = made.slides.add_slide(made.slide_layouts[0])
        slide.shapes.title.text = f"SLIDE {number}"
        slide.notes_slide.notes_text_frame.text = f"SPOKEN {number}"
    made.save(out)
    return out.getvalue()


def workbook() -> bytes:
    book, out = Workbook(), BytesIO()
    for sheet, number in ((book.active, 1), (book.create_sheet(), 2)):
        sheet["A1"] = f"CELL {number}"
        sheet["A1"].comment = Comment(f"REMARK {number}", "A")
    book.save(out)
    return out.getvalue()


def open_text() -> bytes:
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text"))
    body = "<text:note-body><text:p>FOOTNOTETEXT</text:p></text:note-body>"
    note = f'<text:note text:note-class="footnote">{body}</text:note>'
    content = (
        f'<office:document-content {spaces} office:version="1.2"><office:body><office:text>'
        f"<text:p>BODYTEXT{note}</text:p></office:text></office:body></office:document-content>"
    )
    return make_zip({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": content.encode()})


def page(head: str = "") -> bytes:
    body = "<p>INTROPARA</p><table><tr><td>INTROTABLE</td></tr></table><h1>HEADING</h1><p>BODYTEXT</p>"
    return f"<html><head>{head}</head><body>{body}<footer>FOOTERTEXT</footer></body></html>".encode()


@pytest.mark.parametrize(
    ("filename", "data", "notes"),
    [
        ("a.docx", word_file(), {"FOOTNOTETEXT", "ENDNOTETEXT", "COMMENTTEXT"}),
        ("a.odt", open_text(), {"FOOTNOTETEXT"}),
        ("a.pptx", slides(), {"SPOKEN 1", "SPOKEN 2"}),
        ("a.xlsx", workbook(), {"REMARK 1", "REMARK 2"}),
    ],
)
@pytest.mark.parametrize("page_chunks", [True, False])
def test_notes_are_in_nodes_and_exports_unless_they_are_not_asked_for(
    engine: Engine, filename: str, data: bytes, notes: set[str], page_chunks: bool
) -> None:
    for content, shown in ((None, True), (["notes"], True), (["body"], False), (["furniture"], False)):
        file = parsed(engine, filename, data, content=content, page_chunks=page_chunks)
        chosen = tuple(content or ["body", "notes"])
        texts = [exported(file.document, form, chosen) for form in TEXTS]
        for text in (node_text(file), *texts):
            assert {note for note in notes if note in text} == (notes if shown else set())
        assert all(note.encode() in file.document for note in notes)


def test_the_notes_of_a_slide_are_in_the_node_of_its_slide(engine: Engine) -> None:
    nodes = orjson.loads(parsed(engine, "a.pptx", slides()).nodes)
    assert [("SPOKEN 1" in node["text"], "SPOKEN 2" in node["text"]) for node in nodes] == [
        (True, False), (False, True),
    ]  # fmt: skip


def test_the_remarks_of_a_sheet_are_in_the_node_of_its_sheet(engine: Engine) -> None:
    nodes = orjson.loads(parsed(engine, "a.xlsx", workbook()).nodes)
    assert [("REMARK 1" in node["text"], "REMARK 2" in node["text"]) for node in nodes] == [
        (True, False), (False, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("filename", "data", "furniture"),
    [
        ("a.docx", word_file(), {"PAGEHEADER"}),
        ("a.html", page("<title>PAGETITLE</title>"), {"FOOTERTEXT", "PAGETITLE"}),
    ],
)
def test_furniture_is_in_nodes_and_exports_when_it_is_asked_for(
    engine: Engine, filename: str, data: bytes, furniture: set[str]
) -> None:
    for content in (None, EVERYTHING):
        file = parsed(engine, filename, data, content=content)
        chosen = tuple(content or ["body", "notes"])
        texts = [exported(file.document, form, chosen) for form in TEXTS]
        for text in (node_text(file), *texts):
            body = text.partition("<body>")[2] or text  # the title of an HTML export names the file
            assert {word for word in furniture if word in body} == (furniture if content else set())


@pytest.mark.parametrize("filename", ["a.html", "a.mhtml"])
def test_what_stands_before_the_first_heading_of_a_web_page_is_body(engine: Engine, filename: str) -> None:
    data = page()
    if filename == "a.mhtml":
        data = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + data
    file = parsed(engine, filename, data, content=["body"])
    texts = [exported(file.document, form, ("body",)) for form in TEXTS]
    for text in (node_text(file), *texts):
        assert "INTROPARA" in text
        assert "INTROTABLE" in text


def figure() -> DoclingDocument:
    """A page with a figure: its caption, and a label inside it."""
    document = DoclingDocument(name="figure")
    document.add_page(page_no=1, size=Size(width=1, height=1))
    place = ProvenanceItem(page_no=1, bbox=BoundingBox(l=0, t=0, r=1, b=1), charspan=(0, 1))
    caption = document.add_text(label=DocItemLabel.CAPTION, text="FIGURECAPTION", prov=place)
    picture = document.add_picture(prov=place, caption=caption)
    document.add_text(label=DocItemLabel.TEXT, text="INSIDETEXT", prov=place, parent=picture)
    return document


@pytest.mark.parametrize("page_chunks", [True, False])
def test_words_inside_a_figure_are_in_nodes_and_exports_when_they_are_asked_for(page_chunks: bool) -> None:
    chosen: tuple[Content, ...]
    for chosen, shown in ((DEFAULT_CONTENT, False), ((*DEFAULT_CONTENT, "figures"), True)):
        data = figure().model_dump_json().encode()
        (node,) = nodes_of(figure(), make_task(content=chosen, page_chunks=page_chunks))
        texts = [exported(data, form, chosen) for form in (*TEXTS, ExportFormat.DOCTAGS)]
        for text in (node["text"], *texts):
            assert ("INSIDETEXT" in text, text.count("FIGURECAPTION")) == (shown, 1)


def test_exports_without_figures_are_docling_s_own() -> None:
    document = figure()
    data = document.model_dump_json().encode()
    assert exported(data, ExportFormat.MARKDOWN, DEFAULT_CONTENT) == document.export_to_markdown()
    assert exported(data, ExportFormat.HTML, DEFAULT_CONTENT) == document.export_to_html()
    assert exported(data, ExportFormat.TEXT, DEFAULT_CONTENT) == document.export_to_text()
