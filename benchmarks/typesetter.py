"""Typesets documents of known text: columns, headings, lists, notes and figures, in either direction of writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import reportlab
from arabic_reshaper import reshape
from bidi import get_display
from reportlab.pdfbase.pdfmetrics import getRegisteredFontNames, registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

VERA = Path(reportlab.__file__).parent / "fonts"
DEJAVU = Path("/usr/share/fonts/truetype/dejavu")


@dataclass(frozen=True)
class Family:
    """The fonts of a text by weight. `files` are needed for fonts that are not built into every PDF reader."""

    regular: str
    bold: str
    files: tuple[Path, ...] = ()

    def register(self) -> None:
        for name, file in zip((self.regular, self.bold), self.files, strict=False):
            if not file.exists():
                raise FileNotFoundError(f"{file} is missing: install the Debian package fonts-dejavu-core")
            if name not in getRegisteredFontNames():
                font = TTFont(name, str(file))
                font.face.name = name.encode()  # what the PDF calls it
                registerFont(font)


TIMES = Family("Times-Roman", "Times-Bold")
HELVETICA = Family("Helvetica", "Helvetica-Bold")
BITSTREAM = Family("Vera", "VeraBd", (VERA / "Vera.ttf", VERA / "VeraBd.ttf"))
SERIF = Family("Serif", "Serif-Bold", (DEJAVU / "DejaVuSerif.ttf", DEJAVU / "DejaVuSerif-Bold.ttf"))
TEX = Family("CMR10", "CMBX10", SERIF.files)  # called as TeX calls its own
SANS = Family("Sans", "Sans-Bold", (DEJAVU / "DejaVuSans.ttf", DEJAVU / "DejaVuSans-Bold.ttf"))


@dataclass(frozen=True)
class HeadingStyle:
    """How one level of headings is set; `scale` is the size over that of the body."""

    scale: float
    bold: bool
    capitals: bool = False
    centred: bool = False
    above: float = 1.0  # lines of space
    below: float = 0.4


@dataclass(frozen=True)
class Look:
    """The typography of a document; lengths in points, `leading` is the line distance over the size."""

    family: Family
    size: float
    leading: float
    headings: tuple[HeadingStyle, ...]
    page: tuple[float, float] = (595.0, 842.0)
    margin: float = 72.0
    columns: int = 1
    gutter: float = 20.0
    indented: bool = False  # paragraphs start with an indent, and otherwise after a gap
    justified: bool = False
    leftwards: bool = False
    word_by_word: bool = False  # each word is drawn by itself, in reading order
    running: str = ""  # the running header
    numbered_pages: bool = True


@dataclass
class Sheet:
    """Writes items one after the other, and keeps their text as Markdown: the truth that a parser has to find."""

    look: Look
    truth: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.look.family.register()
        self._buffer = BytesIO()
        self.canvas = Canvas(self._buffer, pagesize=self.look.page, invariant=True)
        self._page, self._column, self._notes = 0, 0, 0.0
        self._note_texts: list[str] = []
        self._top = self.top_margin
        self._begin_page()

    @property
    def line(self) -> float:
        return self.look.size * self.look.leading

    @property
    def top_margin(self) -> float:
        return self.look.margin

    @property
    def measure(self) -> float:
        """The width of a column."""
        look = self.look
        return (look.page[0] - 2 * look.margin - (look.columns - 1) * look.gutter) / look.columns

    @property
    def left(self) -> float:
        number = self.look.columns - 1 - self._column if self.look.leftwards else self._column
        return self.look.margin + number * (self.measure + self.look.gutter)

    @property
    def room(self) -> float:
        return self.look.page[1] - self.look.margin - self._notes - self.y

    def heading(self, text: str, level: int = 1) -> None:
        style = self.look.headings[min(level, len(self.look.headings)) - 1]
        size = self.look.size * style.scale
        shown = text.upper() if style.capitals else text
        self._need(size * (1 + style.above) + 3 * self.line)
        if self.y > self._top:
            self.space(style.above)
        font = self.look.family.bold if style.bold else self.look.family.regular
        self.write(shown, font=font, size=size, centred=style.centred)
        self.space(style.below)
        self.truth.append(f"# {shown}")

    def paragraph(self, text: str, lead: str = "") -> None:
        """A paragraph; `lead` are bold words in its first line, which are no heading."""
        self._need(2 * self.line)
        self.truth.append(f"{lead} {text}".strip())
        indent = 1.5 * self.look.size if self.look.indented else 0.0
        if lead:
            bold = self.look.family.bold
            self._show(lead, self.left, font=bold)
            indent = stringWidth(lead + " ", bold, self.look.size)
        self.write(text, indent=indent, justified=self.look.justified)
        self.space(0 if self.look.indented else 0.6)

    def item(self, mark: str, text: str) -> None:
        """An item of a list, with its lines hanging beside the mark."""
        self._need(2 * self.line)
        hang = 1.8 * self.look.size
        self._show(mark, self.left + self.measure if self.look.leftwards else self.left, right=self.look.leftwards)
        self.write(text, inset=hang)
        self.space(0.15)
        self.truth.append(text if not mark[0].isalnum() else f"{mark} {text}")

    def short_lines(self, lines: Sequence[str], *, centred: bool = False, size: float = 0) -> None:
        """Lines that never wrap, as those of an address."""
        for text in lines:
            self.write(text, centred=centred, size=size)
        self.space(0.8)
        self.truth.append(" ".join(lines))

    def fields(self, rows: Sequence[tuple[str, str]], *, at: float = 0.35) -> None:
        """Labels with their values beside them; `at` is where values begin, as a share of the width."""
        for label, value in rows:
            self._need(1.5 * self.line)
            self._show(label, self.left)
            self._show(value, self.left + at * self.measure)
            self.y += 1.5 * self.line
        self.space(0.5)
        self.truth.append("\n\n".join(f"{label} {value}" for label, value in rows))

    def table(self, caption: str, rows: Sequence[Sequence[str]]) -> None:
        """A caption and under it rows of short cells between two rules, the first row under a rule of its own."""
        self._need((len(rows) + 4) * self.line)
        self.space(0.6)
        self.write(caption, size=0.9 * self.look.size)
        width, right = self.measure / len(rows[0]), self.left + self.measure
        for number, row in enumerate(rows):
            if number < 2:
                self.canvas.line(self.left, self._up(self.y + 3), right, self._up(self.y + 3))
            self.space(0.3)
            for column, cell in enumerate(row):
                self._show(cell, self.left + column * width)
            self.space(1)
        self.canvas.line(self.left, self._up(self.y + 3), right, self._up(self.y + 3))
        self.space(1.2)
        self.truth.extend([caption, " ".join(cell for row in rows for cell in row)])

    def figure(self, caption: str, height: float = 110) -> None:
        self._need(height + 3 * self.line)
        self.space(0.5)
        for step in range(6):
            bar = height * (0.3 + 0.11 * (step * 5 % 7))
            left = self.left + self.measure * (0.14 + 0.12 * step)
            self.canvas.setFillGray(0.3 + 0.1 * step)
            self.canvas.rect(left, self._up(self.y + height), 0.09 * self.measure, bar, fill=1)
        self.canvas.setFillGray(0)
        self.canvas.rect(self.left + 0.1 * self.measure, self._up(self.y + height), 0.8 * self.measure, height)
        self.y += height + 0.4 * self.line
        self.write(caption, size=0.9 * self.look.size)
        self.space(1)
        self.truth.append(caption)

    def note(self, text: str) -> None:
        """A footnote in the current column."""
        size = 0.8 * self.look.size
        height = len(self._wrap(text, self.look.family.regular, size, self.measure)) * 1.2 * size + 8
        if self.room > height + 4 * self.line:
            self._notes += height
            self._note_texts.append(text)

    def space(self, lines: float) -> None:
        self.y += lines * self.line

    def set_columns(self, count: int) -> None:
        """What follows stands in columns, under what was written so far."""
        self.look = replace(self.look, columns=count)
        self._top = self.y

    def write(
        self,
        text: str,
        *,
        font: str = "",
        size: float = 0,
        indent: float = 0,
        inset: float = 0,
        centred: bool = False,
        justified: bool = False,
    ) -> None:
        """The text in as many lines as it takes; `inset` is kept free before all of them, `indent` before the first."""
        font, size = font or self.look.family.regular, size or self.look.size
        width = self.measure - inset
        lines = self._wrap(text, font, size, width, indent)
        for number, words in enumerate(lines):
            self._need(size * self.look.leading)
            before = inset + (0 if number else indent)
            full = justified and number < len(lines) - 1
            self._line(words, font, size, self.measure - before, before, centred=centred, full=full)
            self.y += size * self.look.leading

    def next_page(self) -> None:
        self._column = self.look.columns - 1
        self._next_column()

    def pdf(self) -> bytes:
        self._end_column()
        self._end_page()
        self.canvas.save()
        return self._buffer.getvalue()

    @property
    def markdown(self) -> str:
        return "\n\n".join(self.truth)

    def _wrap(self, text: str, font: str, size: float, width: float, indent: float = 0) -> list[list[str]]:
        lines: list[list[str]] = [[]]
        for word in text.split():
            free = width - (indent if len(lines) == 1 else 0)
            if lines[-1] and stringWidth(_shaped(" ".join([*lines[-1], word])), font, size) > free:
                lines.append([])
            lines[-1].append(word)
        return lines

    def _line(
        self, words: list[str], font: str, size: float, width: float, before: float, *, centred: bool, full: bool
    ) -> None:
        text = self._visual(" ".join(words))
        left, spare = self.left, width - stringWidth(text, font, size)
        leftwards = self.look.leftwards
        start = left + spare / 2 + (0 if leftwards else before) if centred else left + (spare if leftwards else before)
        baseline = self._up(self.y + size)
        self.canvas.setFont(font, size)
        full = full and len(words) > 1
        if not (full or self.look.word_by_word):
            self.canvas.drawString(start, baseline, text)
            return
        x, gap = (left + (0 if leftwards else before), spare / (len(words) - 1)) if full else (start, 0.0)
        placed: list[tuple[float, str]] = []
        for word in text.split():
            placed.append((x, word))
            x += stringWidth(word + " ", font, size) + gap
        for x, word in reversed(placed) if leftwards and self.look.word_by_word else placed:
            self.canvas.drawString(x, baseline, word)

    def _show(self, text: str, x: float, *, right: bool = False, font: str = "") -> None:
        self.canvas.setFont(font or self.look.family.regular, self.look.size)
        draw = self.canvas.drawRightString if right else self.canvas.drawString
        draw(x, self._up(self.y + self.look.size), self._visual(text))

    def _visual(self, text: str) -> str:
        """The text in the order of its glyphs from left to right."""
        return str(get_display(_shaped(text), base_dir="R")) if self.look.leftwards else text

    def _up(self, y: float) -> float:
        return self.look.page[1] - y

    def _need(self, height: float) -> None:
        if self.room < height:
            self._next_column()

    def _next_column(self) -> None:
        self._end_column()
        self._column += 1
        if self._column == self.look.columns:
            self._end_page()
            self._begin_page()
        self.y = self._top

    def _end_column(self) -> None:
        """Sets the footnotes of the column under it."""
        size, y = 0.8 * self.look.size, self.look.page[1] - self.look.margin - self._notes
        if self._note_texts:
            self.canvas.line(self.left, self._up(y + 3), self.left + 0.3 * self.measure, self._up(y + 3))
        for text in self._note_texts:
            y += 6
            for words in self._wrap(text, self.look.family.regular, size, self.measure):
                self.y = y
                self._line(words, self.look.family.regular, size, self.measure, 0, centred=False, full=False)
                y += 1.2 * size
            self.truth.append(text)
        self._notes, self._note_texts = 0.0, []

    def _begin_page(self) -> None:
        self._column, self._top = 0, self.top_margin
        self.y = self._top
        self._page += 1

    def _end_page(self) -> None:
        """The running header and the page number: never part of the truth."""
        look, middle = self.look, self.look.page[0] / 2
        self.canvas.setFont(look.family.regular, 0.85 * look.size)
        if look.running:
            self.canvas.drawCentredString(middle, look.page[1] - 0.5 * look.margin, self._visual(look.running))
        if look.numbered_pages:
            self.canvas.drawCentredString(middle, 0.45 * look.margin, str(self._page))
        self.canvas.showPage()


def _shaped(text: str) -> str:
    """Arabic letters in the forms that they have in their word; other text as it is."""
    return str(reshape(text))
