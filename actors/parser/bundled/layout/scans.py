"""Pages and parts of pages that are pictures of text: where OCR has to look, so that nothing comes out empty.

docling reads with OCR where a region holds a bitmap or no text of its own; a region that nobody proposes is never
read. Whatever OCR finds inside a figure belongs to the figure and is left out of the exports.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from docling.datamodel.base_models import Page
from docling_core.types.doc.labels import DocItemLabel
from PIL import Image

from actors.parser.bundled.geometry import Box, around
from actors.parser.bundled.layout.detector import RENDER_SCALE, Detection
from actors.parser.bundled.layout.figures import Region
from actors.parser.bundled.layout.lines import Line

#: Bitmaps smaller than this share of the page are icons and rules.
WORTH_READING = 0.03
#: A bitmap that covers this share of the page is its paper.
PAPER = 0.7
#: Points between bitmaps that were cut from one picture.
TOUCH = 1.0
#: How much darker than the page's paper a pixel may be and still be paper, of 255.
SHADE = 40


def bitmaps_of(page: Page) -> list[Box]:
    """Where the page's bitmaps are, in points; none where its content wasn't parsed, as OCR reads all of it then."""
    rects = page._backend.get_bitmap_rects() if page._backend and page.parsed_page else ()
    return without_cuts([Box(rect.l, rect.t, rect.r, rect.b) for rect in rects])


def without_cuts(bitmaps: Iterable[Box]) -> list[Box]:
    """The bitmaps, those as one that a scanner cut into strips or tiles."""
    columns = _stacked(bitmaps)
    return [_turned(row) for row in _stacked(_turned(column) for column in columns)]


def _stacked(boxes: Iterable[Box]) -> list[Box]:
    """The boxes, those as one that have the same sides and touch each other's top and bottom."""
    stacks: list[Box] = []
    for box in sorted(boxes, key=lambda box: (_sides(box), box.top)):
        if stacks and _sides(box) == _sides(stacks[-1]) and box.top < stacks[-1].bottom + TOUCH:
            stacks[-1] = around((stacks[-1], box))
        else:
            stacks.append(box)
    return stacks


def _sides(box: Box) -> tuple[int, int]:
    return round(box.left), round(box.right)


def _turned(box: Box) -> Box:
    return Box(box.top, box.left, box.bottom, box.right)


def is_scan(lines: Sequence[Line], bitmaps: Iterable[Box], page: Box) -> bool:
    """Whether the page is a picture of a page: no text of its own, or a bitmap for paper."""
    return not lines or any(bitmap.shared(page).area > PAPER * page.area for bitmap in bitmaps)


def without_printed_figures(detections: Iterable[Detection], image: Image.Image) -> list[Detection]:
    """The detections less the figures that are mostly paper: in a scan these may as well be a table or a form."""
    grey = np.asarray(image.convert("L"))
    paper = float(np.percentile(grey, 90))
    return [found for found in detections if found.label != "figure" or not _is_printed(grey, found.box, paper)]


def _is_printed(grey: "np.ndarray[tuple[int, int], np.dtype[np.uint8]]", box: Box, paper: float) -> bool:
    left, top, right, bottom = (round(side) for side in box.scaled(RENDER_SCALE))
    part = grey[top:bottom, left:right]
    return bool(part.size) and float((part > paper - SHADE).mean()) > 0.5


def unseen(bitmaps: Sequence[Box], regions: Sequence[Region], lines: Sequence[Line], page: Box) -> Iterator[Region]:
    """Bitmaps outside all regions, as pictures; all of the page where it has no text of its own.

    docling drops a picture as large as the page, after OCR has read it: its text comes out as text of the page.
    """
    if not lines:
        if bitmaps or regions:
            yield Region(DocItemLabel.PICTURE, page, 0.0)
        return
    for bitmap in bitmaps:
        shown = bitmap.shared(page)
        covered = sum(region.box.shared(shown).area for region in regions)
        if shown.area < WORTH_READING * page.area or covered > 0.5 * shown.area:
            continue
        if shown.area > PAPER * page.area:
            yield Region(DocItemLabel.PICTURE, page, 0.0)
        elif not any(line.box.inside(shown) > 0.5 for line in lines):  # else it's the ground the text stands on
            yield Region(DocItemLabel.PICTURE, shown, 0.0)
