"""Finds pages, and parts of pages, that are pictures of text, so that OCR reads them.

docling runs OCR on regions with a bitmap or without text; outside the proposed regions it never looks. Text that OCR
finds inside a figure belongs to the figure, and exports leave it out.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from docling.datamodel.base_models import Page
from docling_core.types.doc.labels import DocItemLabel
from numpy.typing import NDArray
from PIL import Image

from actors.parser.bundled.geometry import Box, around
from actors.parser.bundled.layout.detector import RENDER_SCALE, Detection
from actors.parser.bundled.layout.figures import Region
from actors.parser.bundled.layout.lines import Line

#: Bitmaps that cover less than this share of the page are icons and rules.
WORTH_READING = 0.03
#: A bitmap that covers more than this share of the page is the scanned paper.
PAPER = 0.7
#: The largest gap, in points, between two bitmaps of one cut-up picture.
TOUCH = 1.0
#: How much darker than the paper a pixel may be and still count as paper, in grey levels of 255.
SHADE = 40
#: A column of prose is wider than this share of the page.
PROSE_COLUMN = 0.25
#: A column of labels is narrower than this share of the page.
WIDE = 0.6
#: Lines and areas of a drawing cover at least this share of it.
DRAWN = 0.005
Grey = NDArray[np.uint8]


def bitmaps_of(page: Page) -> list[Box]:
    """The page's bitmaps, in points. Empty if the content was not parsed: then OCR reads the whole page."""
    rects = page._backend.get_bitmap_rects() if page._backend and page.parsed_page else ()
    return without_cuts([Box(rect.l, rect.t, rect.r, rect.b) for rect in rects])


def without_cuts(bitmaps: Iterable[Box]) -> list[Box]:
    """Joins bitmaps that a scanner cut into strips or tiles."""
    columns = _stacked(bitmaps)
    return [_turned(row) for row in _stacked(_turned(column) for column in columns)]


def _stacked(boxes: Iterable[Box]) -> list[Box]:
    """Joins boxes that stand one on another and have the same left and right sides."""
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
    """Whether the page is scanned: it has no text of its own, or a bitmap covers most of it."""
    return not lines or any(bitmap.shared(page).area > PAPER * page.area for bitmap in bitmaps)


def without_printed_figures(detections: Iterable[Detection], image: Image.Image) -> list[Detection]:
    """Drops figures that are mostly paper: in a scan these may be tables or forms."""
    grey = np.asarray(image.convert("L"))
    paper = float(np.percentile(grey, 90))
    return [found for found in detections if found.label != "figure" or not _is_printed(grey, found.box, paper)]


def _is_printed(grey: Grey, box: Box, paper: float) -> bool:
    part = grey[_pixels(box)]
    return bool(part.size) and float((part > paper - SHADE).mean()) > 0.5


def without_label_columns(detections: Sequence[Detection], image: Image.Image) -> list[Detection]:
    """Drops boxes with ink beside most of their rows, such as the labels of a receipt without its amounts.

    OCR then reads the rows from side to side. A column of prose beside a box does not count.
    """
    grey = np.asarray(image.convert("L"))
    ink = grey < np.percentile(grey, 90) - SHADE
    ink[:, ink.mean(axis=0) > 0.5] = False  # the edge of the paper, or a rule
    width = image.width / RENDER_SCALE
    prose = [found.box for found in detections if found.box.width > PROSE_COLUMN * width]
    return [found for found in detections if found.box.width > WIDE * width or not _goes_on(found.box, ink, prose)]


def _goes_on(box: Box, ink: NDArray[np.bool_], prose: Iterable[Box]) -> bool:
    """Whether most rows with ink in the box have more of it beside the box."""
    rows, columns = _pixels(box)
    beside = ink[rows].copy()
    for other in prose:
        if other.above(box) <= 0:
            beside[:, _pixels(other)[1]] = False
    beside[:, columns] = False
    written = ink[rows, columns].any(axis=1)
    return bool(written.any()) and float(beside[written].any(axis=1).mean()) > 0.5


def _pixels(box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = (max(0, round(side)) for side in box.scaled(RENDER_SCALE))
    return slice(top, bottom), slice(left, right)


def without_blank_figures(
    detections: Iterable[Detection], lines: Sequence[Line], image: Image.Image
) -> list[Detection]:
    """Drops figures that show nothing besides the page's own lines of text, as forms do."""
    grey = np.asarray(image.convert("L")).copy()
    for line in lines:
        left, top, right, bottom = (round(side) for side in line.box.scaled(RENDER_SCALE))
        grey[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = 255
    return [found for found in detections if found.label != "figure" or _is_drawn(grey, found.box)]


def _is_drawn(grey: Grey, box: Box) -> bool:
    part = grey[_pixels(box)]
    return bool(part.size) and float((part < 255 - SHADE).mean()) > DRAWN


def unseen(bitmaps: Sequence[Box], regions: Sequence[Region], lines: Sequence[Line], page: Box) -> Iterator[Region]:
    """Bitmaps outside all regions, as pictures; the whole page as one picture if it has no text of its own.

    docling drops a picture as large as the page after OCR has read it, and keeps its text as text of the page.
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
        elif not any(line.box.inside(shown) > 0.5 for line in lines):  # a bitmap under text is a background
            yield Region(DocItemLabel.PICTURE, shown, 0.0)
