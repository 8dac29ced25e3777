"""Joins the lines of OCR with a page's text layer, word by word.

OCR sees the whole page, so its lines also have the words of the text layer. docling drops a line of OCR that touches
any text of the layer, with every other word on it: on a scanned form, the printed "Town" before a typed "Basel".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docling_core.types.doc.base import BoundingBox
from docling_core.types.doc.page import BoundingRectangle, TextCell

#: Two lines that share less of their height than this stand one above the other.
SAME_LINE = 0.3
#: A word of OCR is a word of the text layer if the layer covers this share of its width.
COVERED = 0.5
#: Words from this length on are cut off a word of OCR that has no space before or after them.
LONG = 3


@dataclass(frozen=True, slots=True)
class Placed:
    """A line and its box."""

    cell: TextCell
    box: BoundingBox


def merged(first: Sequence[TextCell], second: Sequence[TextCell]) -> list[TextCell]:
    """The lines of `first`, and those of `second` where `first` has nothing.

    Replaces `BaseOcrModel._merge_cells_by_priority`. Of a line of OCR, the words that `first` does not have remain, and
    stand before or after the line of `first` beside them.
    """
    lines = [Placed(cell, cell.rect.to_bounding_box()) for cell in first]
    cells = list(first)
    for line in (Placed(cell, cell.rect.to_bounding_box()) for cell in second):
        touching = [other for other in lines if _touch(line.box, other.box)]
        beside = [other for other in touching if _shared_height(line.box, other.box) > SAME_LINE]
        if not touching or (line.cell.from_ocr and not beside):
            cells.append(line.cell)
        elif line.cell.from_ocr and line.box.width > line.box.height and (rest := _cut(line, beside)):
            left = min(beside, key=lambda other: other.box.l)
            at = next(number for number, cell in enumerate(cells) if cell is left.cell)
            cells.insert(at if rest.rect.to_bounding_box().l < left.box.l else at + 1, rest)
    return cells


def _cut(line: Placed, beside: Sequence[Placed]) -> TextCell | None:
    """The words of a line that the text layer does not have in their place, as one line."""
    known = {word for other in beside for word in other.cell.text.split()}
    left = [
        (word, start, end)
        for word, start, end in _words(line, known)
        if sum(_overlap(start, end, other.box.l, other.box.r) for other in beside) < COVERED * (end - start)
    ]
    if not left:
        return None
    text = " ".join(word for word, _, _ in left)
    place = line.box.model_copy(update={"l": left[0][1], "r": left[-1][2]})
    rect = BoundingRectangle.from_bounding_box(place)
    return line.cell.model_copy(update={"text": text, "orig": text, "rect": rect})


def _words(line: Placed, known: set[str]) -> Iterator[tuple[str, float, float]]:
    """The words of a line that are not `known`, with their left and right sides if all letters were of one width.

    OCR often sees no space between two fonts, so a known word is also cut off another one.
    """
    text, box = line.cell.text, line.box
    letter = box.width / len(text)
    long = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True) if len(word) >= LONG)
    for run in re.finditer(r"\S+", text):
        word = re.sub(rf"^({long})+|({long})+$", "", run.group())
        if word and word not in known:
            start = run.start() + run.group().index(word)
            yield word, box.l + start * letter, box.l + (start + len(word)) * letter


def _touch(one: BoundingBox, other: BoundingBox) -> bool:
    return _overlap(one.l, one.r, other.l, other.r) > 0 and _overlap(one.t, one.b, other.t, other.b) > 0


def _shared_height(one: BoundingBox, other: BoundingBox) -> float:
    """Which share of the lower line's height both lines have."""
    height = min(one.height, other.height)
    return _overlap(one.t, one.b, other.t, other.b) / height if height > 0 else 0.0


def _overlap(start: float, end: float, other_start: float, other_end: float) -> float:
    return max(0.0, min(end, other_end) - max(start, other_start))
