"""Labels a block (heading, list item, page header …) from its typography and the detector's opinion."""

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

from docling_core.types.doc.labels import DocItemLabel

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.layout.blocks import Block, Typography
from actors.parser.bundled.layout.detector import Detection

CAPTION = re.compile(
    r"[\[(<]?\s*(?i:fig(ure|\.)?|table|tab\.|chart|abb(ildung|\.)|tabelle|tableau|figura|tabla|tabela|рис(унок|\.)|"
    r"таблица|表|图|図|그림|표)\s*([A-Z]?\d|[A-Z]\b|[IVX]+\b)"
)
#: Well-formed Roman numerals below 400: words such as Civil, Mix and DVD must not match.
ROMAN = r"(?=[ivxlc])c{0,3}(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})"
PAGE_NUMBER = re.compile(
    rf"(?i:page\s+|seite\s+|[-–(]\s*)?(\d{{1,4}}|{ROMAN}|{ROMAN.upper()})(\s*[-–)]|\s*(?i:of|von|/)\s*\d+)?"
)
#: The share of the page's height at its top and bottom where running headers and footers stand.
MARGIN = 0.08


class View:
    """The detector's opinion of a block: for each label, the best score of a box around the block.

    `alone` counts only boxes with little else in them: a box around a paragraph says nothing about its first line.
    """

    def __init__(self, box: Box, detections: Sequence[Detection]) -> None:
        self._around = [found for found in detections if box.inside(found.box) > 0.5]
        self._alone = [found for found in self._around if found.box.inside(box) > 0.4]

    def of(self, *labels: str) -> float:
        return _best(self._around, labels)

    def alone(self, *labels: str) -> float:
        return _best(self._alone, labels)


def _best(detections: Sequence[Detection], labels: Sequence[str]) -> float:
    return max((found.score for found in detections if found.label in labels), default=0.0)


def role_of(block: Block, detections: Sequence[Detection], usual: Typography) -> DocItemLabel:
    view = View(block.box, detections)
    if block.has_leaders and len(block.rows) > 2:
        return DocItemLabel.DOCUMENT_INDEX
    if block.rows[0][0].bullet:
        return DocItemLabel.LIST_ITEM
    if block.fixed_pitch:
        return DocItemLabel.CODE
    if is_caption(block, view, usual):
        return DocItemLabel.CAPTION
    if is_heading(block, view, usual):
        return DocItemLabel.SECTION_HEADER
    # Equations are labelled as text: docling drops a formula's text unless a formula model has read it.
    return DocItemLabel.LIST_ITEM if block.marked else DocItemLabel.TEXT


def edge_role(block: Block, detections: Sequence[Detection], usual: Typography) -> DocItemLabel:
    """The label of a block that may be furniture and turns out not to be: a heading only where a title is seen."""
    role = role_of(block, detections, usual)
    titled = View(block.box, detections).of("title") >= 0.3
    return role if titled or role is not DocItemLabel.SECTION_HEADER else DocItemLabel.TEXT


def is_caption(block: Block, view: View, usual: Typography) -> bool:
    captioned = view.of("figure_caption", "table_caption")
    if CAPTION.match(block.text):
        return captioned >= 0.3
    return captioned >= max(0.5, view.of("title", "text")) and block.size < 1.15 * usual.size


def is_heading(block: Block, view: View, usual: Typography) -> bool:
    """A few lines, larger or heavier than the usual text, unless the detector is sure of another label."""
    if not block.reads_as_title:
        return False
    titled = view.of("title")
    larger = block.size / usual.size
    if larger > 1.3:
        return True
    if block.text[-1] in ".,;:":
        return False
    if block.heavy and not usual.heavy and larger > 0.9:
        return titled >= 0.3 or view.alone("text", "reference", "header") < 0.6
    if larger > 1.1:
        return titled >= 0.3
    return titled > max(0.5, view.alone("text", "reference")) and larger > 0.95


def furniture(blocks: Sequence[Block], detections: Sequence[Detection], page: Box) -> dict[Block, DocItemLabel]:
    """The blocks that may be running headers or footers: those at the edge of the page, outside its body.

    One page is no proof. Other pages must have the same text in the same place.
    """
    found = _edge(blocks, detections, page, DocItemLabel.PAGE_HEADER)
    return found | _edge(blocks, detections, page, DocItemLabel.PAGE_FOOTER)


def _edge(
    blocks: Sequence[Block], detections: Sequence[Detection], page: Box, label: DocItemLabel
) -> dict[Block, DocItemLabel]:
    top = label is DocItemLabel.PAGE_HEADER
    margin = MARGIN * page.height
    kind = "header" if top else "footer"
    seen = [item.box for item in detections if item.label == kind and item.score >= 0.3]
    inwards = sorted(blocks, key=lambda block: block.box.top if top else -block.box.bottom)

    def at_edge(block: Block) -> bool:
        outside = block.box.bottom < page.top + margin if top else block.box.top > page.bottom - margin
        return outside and len(block.rows) <= 2

    rows = takewhile(
        lambda row: any(_is_furniture(block, seen) for block in row), _rows_of(takewhile(at_edge, inwards))
    )
    return {block: label for row in rows for block in row}


def _rows_of(blocks: Iterable[Block]) -> list[list[Block]]:
    rows: list[list[Block]] = []
    for block in blocks:
        if rows and rows[-1][0].box.beside(block.box) > 0.3:
            rows[-1].append(block)
        else:
            rows.append([block])
    return rows


def _is_furniture(block: Block, seen: Sequence[Box]) -> bool:
    return PAGE_NUMBER.fullmatch(block.text) is not None or any(block.box.beside(box) > 0.5 for box in seen)
