"""Reads the PDF's own lines of text and their typography."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from docling.datamodel.base_models import Page
from docling.utils.font_style import parse_font_style, weight_class
from docling_core.types.doc.page import PdfTextCell, TextCell

from actors.parser.bundled.bidi import runs_left
from actors.parser.bundled.geometry import Box, Word

LIST_NUMBER = re.compile(r"[(\[]?(\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[)\].](\s|$)")
#: The smallest gap after the mark of a list item, in line heights; gaps between words are at most half as wide.
MARK_GAP = 0.6
#: Bold fonts of TeX with names that docling cannot read: CMBX12, SFBX1000, NimbusRomNo9L-Medi, LinLibertineTB.
BOLD_IN_TEX = re.compile(
    r"(?i)(^/?|\+)((CM|EC|SF|LA|LC|LH|PL)(SS)?(B(X|SR)?|SX)(TI|SL)?\d|Nimbus\w+-Medi|Lin(Libertine|Biolinum)T[BZ]I?$)"
)
#: The font of a line in several fonts.
MIXED = "mixed"
DIGIT = re.compile(r"\d")
#: Lines that run in one direction differ by less than this many degrees.
SAME_DIRECTION = 10
PlacedCell = tuple[Box, TextCell]
BULLETS = frozenset("•‣◦▪▫■□●○◆◇►▶▸∙·*-–—−∞✓✔➢➤❖\u25aa\uf0b7\uf0a7")


@dataclass(frozen=True)
class Line:
    """One text cell of the page. `size` is the median height of its words, so superscripts do not count."""

    text: str
    box: Box
    size: float
    spread: float = 0.0  # the widest gap between two of its words, in sizes
    heavy: bool = False
    fixed_pitch: bool = False
    bullet: bool = False
    numbered: bool = False
    font: str = ""  # MIXED if no font has most of its letters
    angle: int = 0  # degrees to which it runs up from the level, 0 to 359
    turned: bool = False  # runs in another direction than the page's text, as watermarks and notes in the margin do

    @property
    def marked(self) -> bool:
        return self.bullet or self.numbered

    @property
    def right_to_left(self) -> bool:
        return runs_left(self.text)


def read_lines(page: Page) -> list[Line]:
    """All lines that are not blank, in the PDF's order."""
    words = _by_top(page.parsed_page.word_cells if page.parsed_page else ())
    tops = [box.top for box, _ in words]
    fixed_pitch = fixed_pitch_fonts(words)
    lines = []
    for cell in page.cells:
        box = box_of(cell)
        if cell.text.strip() and box.area:
            first = bisect_left(tops, box.top - box.height)
            last = bisect_left(tops, box.bottom)
            inside = [word for word in words[first:last] if word[0].inside(box) > 0.6]
            lines.append(make_line(cell, inside, fixed_pitch))
    return _with_turned(lines)


def _with_turned(lines: Sequence[Line]) -> list[Line]:
    """The lines, of which those are marked that do not run as most of the page's letters do."""
    letters: Counter[int] = Counter()
    for line in lines:
        letters[line.angle] += len(line.text)
    usual = max(letters, key=lambda angle: letters[angle], default=0)
    return [replace(line, turned=True) if _differ(line.angle, usual) else line for line in lines]


def _differ(angle: int, other: int) -> bool:
    return SAME_DIRECTION < abs(angle - other) < 360 - SAME_DIRECTION


def read_words(page: Page) -> list[Word]:
    """All words that are not blank, in the PDF's order."""
    cells = page.parsed_page.word_cells if page.parsed_page else ()
    return [Word(cell.text.strip(), box_of(cell)) for cell in cells if cell.text.strip()]


def box_of(cell: TextCell) -> Box:
    bounds = cell.rect.to_bounding_box()
    return Box(bounds.l, bounds.t, bounds.r, bounds.b)


def make_line(cell: TextCell, words: Sequence[PlacedCell], fixed_pitch: frozenset[str]) -> Line:
    """A line from its text cell and from its words, each of which has its own font."""
    words = sorted(words, key=lambda word: word[0].left) or [(box_of(cell), cell)]
    fonts: Counter[str] = Counter()
    for _, word in words:
        fonts[_font(word)] += len(word.text)
    text = cell.text.strip()
    size = median(box.height for box, _ in words)
    gaps = [after.left - before.right for (before, _), (after, _) in pairwise(words)]
    return Line(
        text=text,
        box=box_of(cell),
        size=size,
        spread=max(gaps, default=0.0) / size,
        heavy=sum(fonts[font] for font in fonts if _is_heavy(font)) > 0.8 * fonts.total(),
        fixed_pitch=sum(fonts[font] for font in fonts if font in fixed_pitch) > 0.8 * fonts.total(),
        bullet=_starts_with_bullet(text, words),
        numbered=LIST_NUMBER.match(text) is not None or _starts_with_number(words),
        font=next((font for font in fonts if fonts[font] > 0.8 * fonts.total()), MIXED),
        angle=cell.rect.angle_360 % 360,
    )


def fixed_pitch_fonts(words: Sequence[PlacedCell]) -> frozenset[str]:
    """The fonts whose Latin letters all have one width, as in program code.

    Each word counts once: a single Latin word that Arabic prose repeats always has the same width. So have `Unit1` and
    `Unit2`, because the digits of most fonts are equally wide.
    """
    pitches: dict[str, dict[str, float]] = {}
    for box, cell in words:
        if len(cell.text) > 2 and cell.text.isascii() and any(map(str.isalpha, cell.text)):
            pitches.setdefault(_font(cell), {})[DIGIT.sub("0", cell.text)] = box.width / len(cell.text) / box.height
    return frozenset(font for font, widths in pitches.items() if len(widths) > 3 and _are_even([*widths.values()]))


def _are_even(widths: Sequence[float]) -> bool:
    """Whether most widths are exactly equal; some words hold a sign of another font."""
    usual = median(widths)
    return sum(abs(width - usual) < 0.005 * usual for width in widths) > 0.5 * len(widths)


def _starts_with_bullet(text: str, words: Sequence[PlacedCell]) -> bool:
    if text[0] in BULLETS and (len(text) == 1 or text[1].isspace()):
        return True
    if not _stands_apart(words):
        return False
    (box, first), (_, second) = words[:2]
    # A font without a character map gives a bullet the glyph's name or a letter as its text. So a bullet is also
    # a box too narrow for its letters, or a single letter in another font than the next word.
    squeezed = len(first.text) > 3 and box.width < 0.25 * len(first.text) * box.height
    foreign = len(first.text) == 1 and _font(first) != _font(second) and not first.text.isdigit()
    return squeezed or foreign


def _starts_with_number(words: Sequence[PlacedCell]) -> bool:
    """Whether the line starts with a number that has no dot but stands apart from the words."""
    return _stands_apart(words) and re.fullmatch(r"\d{1,2}", words[0][1].text) is not None


def _stands_apart(words: Sequence[PlacedCell]) -> bool:
    """Whether the gap after the first word is wide, as after the mark of a list item."""
    if len(words) < 2:
        return False
    (mark, _), (first, _) = words[:2]
    return first.left - mark.right > MARK_GAP * mark.height


def _by_top(cells: Sequence[TextCell]) -> list[PlacedCell]:
    return sorted(((box_of(cell), cell) for cell in cells), key=lambda word: word[0].top)


def _font(cell: TextCell) -> str:
    return cell.font_name if isinstance(cell, PdfTextCell) else ""


def _is_heavy(font: str) -> bool:
    return weight_class(parse_font_style(font).weight) > 0 or BOLD_IN_TEX.search(font) is not None
