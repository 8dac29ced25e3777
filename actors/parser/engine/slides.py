"""PowerPoint files with shapes that docling passes over: those with a variant for older programs, and diagrams."""

from __future__ import annotations

from copy import deepcopy
from io import BytesIO
from pathlib import Path

from docling.backend.mspowerpoint_backend import MsPowerpointDocumentBackend
from docling.datamodel.backend_options import MsPowerpointBackendOptions
from docling.datamodel.document import InputDocument
from lxml import etree
from pptx.oxml import parse_xml
from pptx.slide import Slide

from actors.parser.engine.diagrams import PLACE, RELATION, paragraphs_of

_MAIN = "http://schemas.openxmlformats.org/drawingml/2006/main"
_PRESENTATION = "http://schemas.openxmlformats.org/presentationml/2006/main"
_A, _P = f"{{{_MAIN}}}", f"{{{_PRESENTATION}}}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

_HOLDS_SHAPES = (f"{_P}spTree", f"{_P}grpSp")

_TEXT_BOX = f"""
<p:sp xmlns:p="{_PRESENTATION}" xmlns:a="{_MAIN}">
  <p:nvSpPr><p:cNvPr id="0" name=""/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr>
  <p:spPr><a:xfrm/><a:prstGeom prst="rect"/></p:spPr>
  <p:txBody><a:bodyPr/></p:txBody>
</p:sp>"""


class Slides(MsPowerpointDocumentBackend):
    """docling's reader, for slides with plain shapes."""

    def __init__(
        self, in_doc: InputDocument, path_or_stream: BytesIO | Path, options: MsPowerpointBackendOptions | None = None
    ) -> None:
        super().__init__(in_doc, path_or_stream, options)
        for slide in self.pptx_obj.slides if self.pptx_obj else ():
            _choose_variants(slide.element)
            _write_diagrams(slide)


def _choose_variants(slide: etree._Element) -> None:
    """Replace shapes with variants by the one for newer programs, if it has text."""
    for variants in [*slide.iter(f"{_MC}AlternateContent")]:
        parent = variants.getparent()
        newer = variants.find(f"{_MC}Choice")
        if parent is None or parent.tag not in _HOLDS_SHAPES or newer is None:
            continue
        if any(text.text for text in newer.iter(f"{_A}t")):
            for shape in [*newer]:
                variants.addprevious(shape)
            parent.remove(variants)


def _write_diagrams(slide: Slide) -> None:
    """Put a text box with the text of each diagram into its place."""
    for place in [*slide.element.iter(PLACE)]:
        frame = next(place.iterancestors(f"{_P}graphicFrame"), None)
        relation = slide.part.rels.get(place.get(RELATION, ""))
        if frame is None or relation is None or relation.is_external:
            continue
        if paragraphs := paragraphs_of(relation.target_part.blob):
            frame.addprevious(_text_box(frame, paragraphs))


def _text_box(frame: etree._Element, paragraphs: list[etree._Element]) -> etree._Element:
    box = parse_xml(_TEXT_BOX)
    place = box.find(f"{_P}spPr/{_A}xfrm")
    for side in frame.iterfind(f"{_P}xfrm/*"):
        place.append(deepcopy(side))
    text = box.find(f"{_P}txBody")
    for paragraph in paragraphs:
        text.append(parse_xml(etree.tostring(paragraph)))
    return box
