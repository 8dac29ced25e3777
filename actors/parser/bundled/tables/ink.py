"""Finds rules, and the gaps in lines of text, in the picture of a table. Uses no model."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from actors.parser.bundled.bidi import reordered
from actors.parser.bundled.geometry import Box

Mask = NDArray[Any]

SHORTEST_RULE = 10.0  # points: about the height of a row of small print
NEIGHBOURHOOD = 15  # pixels: ink is darker than the average of this square around it, on shaded ground too
CONTRAST = 12  # grey levels: how much darker
DARK = 140  # grey level: white text is readable on darker fields
THICKER_THAN_WRITING = 7  # pixels: strokes of a table's text are thinner
TALLER_THAN_WRITING = 31  # pixels: lines of a table's text are lower


@dataclass(frozen=True)
class Ink:
    """The rules (boxes in points) and the writing (a mask of pixels) in a region; `scale` is pixels per point."""

    horizontal: tuple[Box, ...]
    vertical: tuple[Box, ...]
    writing: Mask
    frame: Box
    scale: float


def read_ink(image: Image.Image, frame: Box, scale: float) -> Ink:
    """Separates the rules from the writing. `image` shows the region `frame` of the page."""
    grey = _dark_on_light(np.asarray(image.convert("L")))
    dark = cv2.adaptiveThreshold(grey, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, NEIGHBOURHOOD, CONTRAST)
    length = round(SHORTEST_RULE * scale)
    across = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    down = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))
    return Ink(
        horizontal=_boxes(across, frame, scale),
        vertical=_boxes(down, frame, scale),
        writing=(dark != 0) & (across == 0) & (down == 0),
        frame=frame,
        scale=scale,
    )


def _dark_on_light(grey: Mask) -> Mask:
    """Inverts dark fields, such as those behind white column titles."""
    dark = (grey < DARK).astype(np.uint8)
    thick = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((THICKER_THAN_WRITING, THICKER_THAN_WRITING), np.uint8))
    field = cv2.morphologyEx(thick, cv2.MORPH_CLOSE, np.ones((TALLER_THAN_WRITING, TALLER_THAN_WRITING), np.uint8))
    return np.where(field != 0, 255 - grey, grey)


def _boxes(mask: Mask, frame: Box, scale: float) -> tuple[Box, ...]:
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes = (stats[1:count, :4] / scale).tolist()
    return tuple(
        Box(frame.left + x, frame.top + y, frame.left + x + width, frame.top + y + height)
        for x, y, width, height in boxes
    )


def split_line(text: str, box: Box, ink: Ink) -> list[tuple[str, Box]]:
    """Splits a line of text into its words and their boxes.

    OCR returns whole lines, and a line may cross several columns. The widest gaps in the line are its spaces.
    """
    words = reordered(text.split(), str)
    gaps = _gaps(box, ink)
    if len(words) < 2 or len(gaps) < len(words) - 1:
        return [(text, box)]
    widest = sorted(sorted(gaps, key=lambda gap: gap[0] - gap[1])[: len(words) - 1])
    starts = [box.left, *(end for _, end in widest)]
    ends = [*(start for start, _ in widest), box.right]
    return [(word, Box(start, box.top, end, box.bottom)) for word, start, end in zip(words, starts, ends, strict=True)]


def _gaps(box: Box, ink: Ink) -> Sequence[tuple[float, float]]:
    """The gaps without ink (left, right) between the first and the last mark of the line."""
    left, right = (round((x - ink.frame.left) * ink.scale) for x in (box.left, box.right))
    top, bottom = (round((y - ink.frame.top) * ink.scale) for y in (box.top, box.bottom))
    columns = ink.writing[max(top, 0) : bottom, max(left, 0) : right].any(axis=0)
    marks = np.nonzero(columns)[0].tolist()
    origin = ink.frame.left + max(left, 0) / ink.scale
    return [
        (origin + (mark + 1) / ink.scale, origin + following / ink.scale)
        for mark, following in pairwise(marks)
        if following > mark + 1
    ]
