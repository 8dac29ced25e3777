"""Decides whether a block is a heading, from its typography, the text around it and the detector's opinion."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from actors.parser.bundled.layout.blocks import Block, Typography
from actors.parser.bundled.layout.detector import View

#: A number of several levels before the text, such as 2.1 or A.3.
SECTION_NUMBER = re.compile(r"([A-Z]|\d{1,2})(\.\d{1,2}){1,3}\.?\s+\S")
#: Some PDFs do not name their fonts, so nobody knows which of them are bold.
UNNAMED_FONT = re.compile(r"/?([A-Z]{1,2}\d{1,3}(_\d+)?|null)")
#: A short block this many times larger than the usual text is a heading without more evidence.
MUCH_LARGER = 1.3
#: Different fonts of one size differ by less than this in height.
LARGER = 1.05
#: Fewer capital letters are an abbreviation.
CAPITALS = 4
#: The gap above a heading is wider than that between two lines, by at least this many line heights.
APART = 0.2
#: The text under a heading is at most this many lines away.
NEAR = 3.0


@dataclass(frozen=True)
class Surroundings:
    """The nearest blocks above and below a block in its column; None at the ends of the column."""

    above: Block | None = None
    below: Block | None = None


ALONE = Surroundings()


def surroundings_of(block: Block, blocks: Sequence[Block]) -> Surroundings:
    """What stands above and below a block, among all blocks of the page."""
    box = block.box
    column = [other for other in blocks if other is not block and other.box.above(box) > 0.3]
    over = [other for other in column if other.box.center[1] < box.top]
    under = [other for other in column if other.box.center[1] > box.bottom]
    return Surroundings(
        above=max(over, key=lambda other: other.box.bottom, default=None),
        below=min(under, key=lambda other: other.box.top, default=None),
    )


def is_heading(block: Block, view: View, usual: Typography, around: Surroundings = ALONE) -> bool:
    """A few lines, larger or heavier than the usual text, unless the detector is sure of another label.

    Any other difference from the usual text counts only if the block stands over text, as a heading does.
    """
    if not block.reads_as_title:
        return False
    larger = block.size / usual.size
    if larger > MUCH_LARGER:
        return True
    if block.text[-1] in ".,;:":
        return False
    titled, otherwise = view.of("title"), view.alone("text", "reference")
    if block.heavy and not usual.heavy and larger > 0.9:
        return titled >= 0.3 or max(otherwise, view.of("header")) < 0.6 or stands_over_text(block, around, usual)
    if larger > LARGER or (larger > 0.95 and is_set_differently(block, usual)):
        return stands_over_text(block, around, usual) or (larger > 1.1 and titled >= 0.3)
    return titled > max(0.5, otherwise) and larger > 0.95


def is_set_differently(block: Block, usual: Typography) -> bool:
    """Whether a block of the usual size may be bold, is in capitals or has a section number."""
    may_be_bold = block.font != usual.font and UNNAMED_FONT.fullmatch(block.font) is not None
    return may_be_bold or is_in_capitals(block.text) or SECTION_NUMBER.match(block.text) is not None


def is_in_capitals(text: str) -> bool:
    return text == text.upper() and sum(map(str.isupper, text)) >= CAPITALS


def stands_over_text(block: Block, around: Surroundings, usual: Typography) -> bool:
    """Whether text of another kind, no larger, follows closely, and the block stands apart from the text above it."""
    below, above = around.below, around.above
    if below is None or is_set_like(below, block) or below.size > LARGER * block.size:
        return False
    gap = below.box.top - block.box.bottom
    if gap > NEAR * block.size:
        return False
    return above is None or block.box.top - above.box.bottom > max(0.9 * gap, (usual.gap + APART) * block.size)


def is_set_like(block: Block, other: Block) -> bool:
    """Whether two blocks have the same typography, so that neither is the heading of the other."""
    return (
        (block.font, block.heavy) == (other.font, other.heavy)
        and abs(block.size - other.size) < (LARGER - 1) * other.size
        and is_in_capitals(block.text) == is_in_capitals(other.text)
        and bool(SECTION_NUMBER.match(block.text)) == bool(SECTION_NUMBER.match(other.text))
    )
