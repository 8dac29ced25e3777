"""Finds the part of a picture that may hold words which the page's text layer does not have.

The detector takes a quarter of a second for each million pixels. Most pictures on born-digital pages need none of it:
text over a background, a photograph out of focus, a coloured bar.
"""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from actors.parser.bundled.geometry import Box, around

Pixels = NDArray[np.uint8]

#: How much neighbouring pixels of a letter differ, of 255. The faintest print in a scan differs by 30.
SHARP = 12
#: Less than this, in points, is smaller than any letter that OCR reads.
LEAST = 3
#: A spot that is this many times as long as wide is a rule, or the edge of a bar.
RULE = 12
#: Points around a line of the text layer that its letters reach into.
REACH = 2
#: Points between the outermost ink and the side of the part. The detector needs paper around letters.
MARGIN = 8
#: Two lines that share less of their height than this stand one above the other.
SAME_LINE = 0.3
#: The shortest word with the space before it, in heights of a detected line. That is higher than its letters.
WORD = 0.5


def unread_part(page: Pixels, region: Box, known: Iterable[Box]) -> Box | None:
    """The part of a region that holds all that is sharp outside the `known` lines; None if nothing is.

    `page` is an RGB picture with one pixel for each point. The part lies within it, and its sides are whole points.
    Without known lines it is the whole region.
    """
    height, width = page.shape[:2]
    left, top, right, bottom = (max(0, round(side)) for side in region)
    region = Box(left, top, min(right, width), min(bottom, height))
    if not region.area:
        return None
    ink = _sharp(page[top:bottom, left:right])
    inside = [line for line in known if line.shared(region).area]
    for line in inside:
        ink[_rows_and_columns(line, left, top)] = 0
    _, _, found, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    spots = (Box(x, y, x + width, y + height) for x, y, width, height, _ in found[1:])
    large = [spot for spot in spots if _may_be_print(spot)]
    if not large or not inside:
        return region if large else None
    ends = around(large)
    part = Box(
        ends.left + left - MARGIN, ends.top + top - MARGIN, ends.right + left + MARGIN, ends.bottom + top + MARGIN
    )
    return part.shared(region)


def _may_be_print(spot: Box) -> bool:
    """Whether a spot of ink is no speck and no rule."""
    shorter, longer = sorted((spot.width, spot.height))
    return longer >= LEAST and longer < RULE * shorter


def _rows_and_columns(line: Box, left: int, top: int) -> tuple[slice, slice]:
    """The pixels of a line and its letters' ends, in a picture that begins at `left` and `top`."""
    rows = slice(max(0, round(line.top) - top - REACH), max(0, round(line.bottom) - top + REACH))
    return rows, slice(max(0, round(line.left) - left - REACH), max(0, round(line.right) - left + REACH))


def _sharp(picture: Pixels) -> Pixels:
    """1 for each pixel whose neighbours differ from it."""
    edges = cv2.morphologyEx(picture, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    strongest = np.maximum.reduce(cv2.split(edges))  # `max(axis=2)` takes twenty times as long
    return np.asarray(strongest > SHARP, np.uint8)


def is_covered(line: Box, known: Iterable[Box]) -> bool:
    """Whether the `known` lines leave no room for another word on a line.

    A line that runs up or down the page is covered by any line in it: its words have no places of their own.
    """
    beside = [other for other in known if other.beside(line) > SAME_LINE and other.above(line) > 0]
    if not beside or line.height > line.width:
        return bool(beside)
    reached, gap = line.left, 0.0
    for other in sorted(beside):
        gap, reached = max(gap, other.left - reached), max(reached, other.right)
    return max(gap, line.right - reached) < WORD * line.height
