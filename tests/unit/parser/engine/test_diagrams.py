"""Diagrams of slides and Word files, and shapes with a variant for older programs."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from docling_core.types.doc.document import DoclingDocument
from docx import Document
from docx.opc.packuri import PackURI as WordPartName
from docx.opc.part import Part as WordPart
from docx.oxml import parse_xml as word_xml
from pptx import Presentation
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.util import Inches

from actors.parser.engine.diagrams import paragraphs_of, text_of
from tests.unit.parser.files import parsed

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

SPACES = " ".join(
    f'xmlns:{prefix}="http://schemas.openxmlformats.org/{name}"'
    for prefix, name in {
        "a": "drawingml/2006/main",
        "dgm": "drawingml/2006/diagram",
        "mc": "markup-compatibility/2006",
        "p": "presentationml/2006/main",
        "r": "officeDocument/2006/relationships",
        "w": "wordprocessingml/2006/main",
        "wp": "drawingml/2006/wordprocessingDrawing",
    }.items()
)
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/diagramData"
TYPE = "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml"


def point(name: str, text: str = "", kind: str = "node") -> str:
    written = f"<dgm:t><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t>" if text else ""
    return f'<dgm:pt modelId="{name}" type="{kind}">{written}</dgm:pt>'


def connection(above: str, below: str, order: int) -> str:
    return f'<dgm:cxn modelId="{above}{below}" srcId="{above}" destId="{below}" srcOrd="{order}"/>'


#: The points of this diagram are stored from the last to the first, and one is not connected.
POINTS = (
    point("c", "Kiel"),
    point("b", "Bergen"),
    point("a", "Harbours"),
    point("x", "Oslo"),
    point("d", "", "doc"),
)
DIAGRAM = (
    f"<dgm:dataModel {SPACES}><dgm:ptLst>{''.join(POINTS)}</dgm:ptLst><dgm:cxnLst>{connection('d', 'a', 0)}"
    f"{connection('a', 'c', 1)}{connection('a', 'b', 0)}</dgm:cxnLst></dgm:dataModel>"
).encode()


def test_the_text_of_a_diagram_goes_from_the_top_of_its_tree() -> None:
    assert [text_of(paragraph) for paragraph in paragraphs_of(DIAGRAM)] == ["Harbours", "Bergen", "Kiel", "Oslo"]


def test_points_that_lead_back_to_each_other_are_read_once() -> None:
    circle = DIAGRAM.replace(b"</dgm:cxnLst>", connection("c", "a", 0).encode() + b"</dgm:cxnLst>")
    assert [text_of(paragraph) for paragraph in paragraphs_of(circle)] == ["Harbours", "Bergen", "Kiel", "Oslo"]


def test_a_diagram_that_is_no_xml_has_no_text() -> None:
    assert paragraphs_of(b"<dgm:dataModel") == []


def deck(shape: str, **parts: bytes | str) -> bytes:
    """A deck of one slide with this shape. `parts` are diagrams, or where they are, by their names in the shape."""
    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[6])
    for name, data in parts.items():
        linked = isinstance(data, str)
        part = data if linked else Part(PackURI("/ppt/diagrams/data1.xml"), TYPE, made.part.package, data)
        shape = shape.replace(name, slide.part.relate_to(part, KIND, is_external=linked))
    slide.shapes.element.append(parse_xml(shape))
    out = BytesIO()
    made.save(out)
    return out.getvalue()


def document(engine: Engine, filename: str, data: bytes) -> DoclingDocument:
    file = parsed(engine, filename, data)
    assert not file.warnings
    return DoclingDocument.model_validate_json(file.document)


FRAME = (
    f"<p:graphicFrame {SPACES}>"
    '<p:nvGraphicFramePr><p:cNvPr id="9" name="d"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr>'
    f'<p:xfrm><a:off x="{Inches(1)}" y="{Inches(2)}"/><a:ext cx="{Inches(3)}" cy="{Inches(1)}"/></p:xfrm>'
    '<a:graphic><a:graphicData uri="u"><dgm:relIds r:dm="DIAGRAM"/></a:graphicData></a:graphic></p:graphicFrame>'
)


def test_the_diagram_of_a_slide_is_read_at_its_place(engine: Engine) -> None:
    made = document(engine, "a.pptx", deck(FRAME, DIAGRAM=DIAGRAM))
    assert [item.text for item in made.texts] == ["Harbours", "Bergen", "Kiel", "Oslo"]
    (place,) = made.texts[0].prov
    assert (place.page_no, place.bbox.l, place.bbox.width) == (1, Inches(1), Inches(3))


def test_a_slide_whose_diagram_is_missing_or_elsewhere_is_read(engine: Engine) -> None:
    assert document(engine, "a.pptx", deck(FRAME)).texts == []
    assert document(engine, "a.pptx", deck(FRAME, DIAGRAM="http://127.0.0.1/data1.xml")).texts == []


def variant(text: str) -> str:
    return (
        '<p:sp><p:nvSpPr><p:cNvPr id="7" name="v"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr/>'
        f"<p:txBody><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )


def test_of_a_shape_with_variants_the_newer_one_is_read(engine: Engine) -> None:
    shape = (
        f'<mc:AlternateContent {SPACES}><mc:Choice xmlns:x="urn:x" Requires="x">{variant("Kiel")}</mc:Choice>'
        f"<mc:Fallback>{variant('update your program')}</mc:Fallback></mc:AlternateContent>"
    )
    assert [item.text for item in document(engine, "a.pptx", deck(shape)).texts] == ["Kiel"]


def word_file_with(diagram: bytes) -> bytes:
    made: Any = Document()
    part = WordPart(WordPartName("/word/diagrams/data1.xml"), TYPE, diagram, made.part.package)
    name = made.part.relate_to(part, KIND)
    made.add_paragraph("Before").add_run()._r.append(
        word_xml(
            f'<w:drawing {SPACES}><wp:inline><a:graphic><a:graphicData uri="u"><dgm:relIds r:dm="{name}"/>'
            "</a:graphicData></a:graphic></wp:inline></w:drawing>"
        )
    )
    made.add_paragraph("After")
    out = BytesIO()
    made.save(out)
    return out.getvalue()


def test_the_diagram_of_a_word_file_is_read_below_its_paragraph(engine: Engine) -> None:
    made = document(engine, "a.docx", word_file_with(DIAGRAM))
    assert [item.text for item in made.texts] == ["Before", "Harbours", "Bergen", "Kiel", "Oslo", "After"]
