"""Labels a block (heading, list item, page header …) from its typography and the detector's opinion."""

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

from docling_core.types.doc.labels import DocItemLabel

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.layout.blocks import Block, Typography
from actors.parser.bundled.layout.detector import Detection, View
from actors.parser.bundled.layout.headings import ALONE, Surroundings, is_heading, stands_over_text

CAPTION = re.compile(
    r"[\[(<]?\s*(?i:fig(ure|\.)?|table|tab\.|chart|abb(ildung|\.)|tabelle|tableau|figura|tabla|tabela|рис(унок|\.)|"
    r"таблица|表|图|図|그림|표)\s*([A-Z]?\d|[A-Z]\b|[IVX]+\b)"
)
#: Well-formed Roman numerals below 400: words such as Civil, Mix and DVD must not match.
ROMAN = r"(?=[ivxlc])c{0,3}(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})"
PAGE_NUMBER = re.compile(
    rf"(?i:page\s+|seite\s+|[-–(]\s*)?(\d{{1,4}}|{ROMAN}|{ROMAN.upper()})(\s*[-–)]|\s*(?i:of|von|/)\s*\d+)?"
)
#: The mark of a footnote: a number or a sign.
NOTE_MARK = re.compile(r"(\d{1,2}|[*†‡§¶]{1,3}|[¹²³⁴-⁹]{1,2})\s*[^\s\d.,)]")
#: Footnotes are smaller than this share of the usual size.
SMALL_PRINT = 0.93
#: The height of the strips for page headers and footers, as a share of the page's longer side.
MARGIN = 0.08


def role_of(
    block: Block, detections: Sequence[Detection], usual: Typography, around: Surroundings = ALONE
) -> DocItemLabel:
    """The label of a block of text, whatever stands at the same place on other pages."""
    view = View(block.box, detections)
    if block.has_leaders and len(block.rows) > 2:
        return DocItemLabel.DOCUMENT_INDEX
    if block.rows[0][0].bullet:
        return DocItemLabel.LIST_ITEM
    if block.fixed_pitch:
        return DocItemLabel.CODE
    if is_caption(block, view, usual):
        return DocItemLabel.CAPTION
    if is_footnote(block, usual, around):
        return DocItemLabel.FOOTNOTE
    if not CAPTION.match(block.text) and is_heading(block, view, usual, around):
        return DocItemLabel.SECTION_HEADER
    # Equations are labelled as text: docling drops a formula's text unless a formula model has read it.
    return DocItemLabel.LIST_ITEM if block.marked else DocItemLabel.TEXT


def edge_role(
    block: Block, detections: Sequence[Detection], usual: Typography, around: Surroundings = ALONE
) -> DocItemLabel:
    """The label of a block at the edge of the page, in case it is not furniture.

    It is a heading only if the detector sees a title or text follows it.
    """
    role = role_of(block, detections, usual, around)
    titled = View(block.box, detections).of("title") >= 0.3 or stands_over_text(block, around, usual)
    return role if titled or role is not DocItemLabel.SECTION_HEADER else DocItemLabel.TEXT


def is_caption(block: Block, view: View, usual: Typography) -> bool:
    captioned = view.of("figure_caption", "table_caption")
    if CAPTION.match(block.text):
        return captioned >= 0.3
    return captioned >= max(0.5, view.of("title", "text")) and block.size < 1.15 * usual.size


def is_footnote(block: Block, usual: Typography, around: Surroundings) -> bool:
    """Small print with a mark, at the end of its column or over more small print."""
    small = SMALL_PRINT * usual.size
    last = around.below is None or around.below.size < small
    return last and block.size < small and NOTE_MARK.match(block.text) is not None and around.above is not None


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
    margin = MARGIN * max(page.width, page.height)
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
