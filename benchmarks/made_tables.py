"""Draws tables of known content into PDFs. The benchmark and the tests compare with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pypdfium2
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, Table

MARGIN = 78.0
TABLE_TOP = 160.0  # points from the top of the page

Rows = Sequence[Sequence[str]]
Style = tuple[Any, ...]

GRID: tuple[Style, ...] = (("GRID", (0, 0), (-1, -1), 0.6, colors.black),)
BOOKTABS: tuple[Style, ...] = (
    ("LINEABOVE", (0, 0), (-1, 0), 1, colors.black),
    ("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black),
    ("LINEBELOW", (0, -1), (-1, -1), 1, colors.black),
)
NUMBERS_RIGHT: tuple[Style, ...] = (("ALIGN", (1, 0), (-1, -1), "RIGHT"),)

PROSE = (
    "The figures below were gathered over one year at six stations along the river. Each value is the mean of at "
    "least twelve samples, and samples that failed the control were left out before the mean was taken."
)


@dataclass(frozen=True)
class Span:
    """A cell that covers more than one place; ends are inclusive."""

    row: int
    col: int
    last_row: int
    last_col: int


@dataclass(frozen=True)
class MadeTable:
    name: str
    rows: Rows
    style: tuple[Style, ...] = ()
    spans: tuple[Span, ...] = ()
    header_rows: int = 1
    widths: tuple[float, ...] | None = None
    scanned: bool = False
    turned: bool = False  # drawn sideways, on a page that viewers turn upright
    fontsize: float = 9

    @property
    def covered(self) -> set[tuple[int, int]]:
        """Places that a span covers without starting there."""
        return {
            (row, col)
            for span in self.spans
            for row in range(span.row, span.last_row + 1)
            for col in range(span.col, span.last_col + 1)
            if (row, col) != (span.row, span.col)
        }

    @property
    def cells(self) -> dict[tuple[int, int], tuple[int, int, str]]:
        """Maps the (row, column) of every cell's start to its row span, column span and text in one line."""
        sizes = {(s.row, s.col): (s.last_row - s.row + 1, s.last_col - s.col + 1) for s in self.spans}
        return {
            (r, c): (*sizes.get((r, c), (1, 1)), " ".join(text.split()))
            for r, row in enumerate(self.rows)
            for c, text in enumerate(row)
            if (r, c) not in self.covered
        }


def pdf_of(made: MadeTable) -> bytes:
    """One page: a heading, prose, the table and prose again."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    if made.turned:
        canvas.setPageSize((A4[1], A4[0]))
        canvas.setPageRotation(90)
        canvas.transform(0, 1, -1, 0, A4[1], 0)
    styles = getSampleStyleSheet()
    left, top, _, bottom = box_of(made)
    _draw(Paragraph("Measurements of the river stations", styles["Heading1"]), canvas, MARGIN, 70)
    _draw(Paragraph(PROSE, styles["BodyText"]), canvas, MARGIN, 105)
    _draw(_body(made), canvas, left, top)
    _draw(Paragraph(PROSE, styles["BodyText"]), canvas, MARGIN, bottom + 16)
    canvas.save()
    return _scanned(out.getvalue()) if made.scanned else out.getvalue()


def box_of(made: MadeTable) -> tuple[float, float, float, float]:
    """Where on the page the table is: left, top, right, bottom in points from the top left."""
    width, height = _body(made).wrap(*A4)
    left = (A4[0] - width) / 2
    return left, TABLE_TOP, left + width, TABLE_TOP + height


def _body(made: MadeTable) -> Table:
    spans = [("SPAN", (s.col, s.row), (s.last_col, s.last_row)) for s in made.spans]
    style = [("FONTSIZE", (0, 0), (-1, -1), made.fontsize), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]
    return Table(list(made.rows), colWidths=made.widths, style=[*style, *made.style, *spans])


def _draw(thing: Flowable, canvas: Canvas, left: float, top: float) -> None:
    _, height = thing.wrapOn(canvas, A4[0] - 2 * MARGIN, A4[1])
    thing.drawOn(canvas, left, A4[1] - top - height)


def _scanned(pdf: bytes) -> bytes:
    """The page as a picture of 200 dpi, like a scan."""
    page = pypdfium2.PdfDocument(pdf)[0]
    picture = page.render(scale=200 / 72).to_pil().convert("L")
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    canvas.drawImage(ImageReader(picture), 0, 0, *A4)
    canvas.save()
    return out.getvalue()


STATIONS: Rows = (
    ("Station", "Depth", "Oxygen", "Nitrate", "Year"),
    ("Alder", "2.4", "8.31", "1,204", "2019"),
    ("Birch", "11.0", "7.95", "980", "2020"),
    ("Cedar", "0.7", "9.02", "12", "2021"),
    ("Dogwood", "105.3", "6.10", "3,310", "2022"),
)
ACCOUNTS: Rows = (
    ("", "2023", "2022", "Change"),
    ("Revenue", "1,204,331", "998,120", "20.7%"),
    ("Cost of sales", "(611,002)", "(540,870)", "13.0%"),
    ("Gross profit", "593,329", "457,250", "29.8%"),
    ("Research and development", "(120,400)", "(98,011)", "22.8%"),
    ("General expenses", "(88,120)", "(91,455)", "-3.6%"),
    ("Operating profit", "384,809", "267,784", "43.7%"),
)
GROUPED: Rows = (
    ("Model", "Accuracy", "", "Time", ""),
    ("", "mean", "best", "train", "test"),
    ("Small", "0.81", "0.84", "12", "3"),
    ("Medium", "0.86", "0.88", "31", "7"),
    ("Large", "0.90", "0.93", "95", "21"),
)
GROUP_SPANS = (Span(0, 0, 1, 0), Span(0, 1, 0, 2), Span(0, 3, 0, 4))
PARTS: Rows = (
    ("Part", "Description", "Stock"),
    ("A-100", "Bracket of bent steel,\nhot-dip galvanised,\nfor outdoor use", "14"),
    ("A-101", "Bolt M8 with washer", "2,500"),
    ("B-220", "Cover plate, brushed,\nwith rubber seal", "7"),
    ("C-007", "Spare key", ""),
)
SPARSE: Rows = (
    ("Country", "2019", "2020", "2021", "2022"),
    ("Austria", "12", "", "14", ""),
    ("Belgium", "", "9", "", "11"),
    ("Croatia", "5", "", "", "6"),
    ("Denmark", "", "", "21", ""),
)
WORDS: Rows = (
    ("First name", "Family name", "Town", "Trade"),
    ("Anna Maria", "van der Berg", "New Haven", "Ship builder"),
    ("Ulf", "Lind", "Lund", "Clerk"),
    ("Jean Paul", "Petit", "Le Havre", "Master baker"),
    ("Rosa", "de la Cruz", "Santa Fe", "Teacher"),
)
REGIONS: Rows = (
    ("Region", "Quarter", "Units", "Price"),
    ("North", "Q1", "120", "9.50"),
    ("", "Q2", "140", "9.75"),
    ("South", "Q1", "88", "8.10"),
    ("", "Q2", "91", "8.40"),
    ("Total", "", "439", ""),
)
REGION_SPANS = (Span(1, 0, 2, 0), Span(3, 0, 4, 0), Span(5, 0, 5, 1))
LONG: Rows = (
    ("No.", "Sample", "Mass", "Error"),
    *((str(n), f"S-{n * 37 % 101:03d}", f"{n * 1.73:.2f}", f"{n % 7 / 10:.1f}") for n in range(1, 31)),
)
WIDE: Rows = (
    ("Item", *(f"M{m}" for m in range(1, 13))),
    *((f"Row {r}", *(str(r * m * 7 % 97) for m in range(1, 13))) for r in range(1, 6)),
)
COLUMN_RULES: tuple[Style, ...] = (
    ("BOX", (0, 0), (-1, -1), 0.6, colors.black),
    ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black),
    ("LINEAFTER", (0, 0), (-2, -1), 0.6, colors.black),
)
ROW_RULES: tuple[Style, ...] = (("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.grey),)
STRIPES: tuple[Style, ...] = (
    ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#234567")),
    ("TEXTCOLOR", (0, 0), (-1, 0), colors.white),
    ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, colors.HexColor("#e8eef4")]),
)
GROUP_RULES: tuple[Style, ...] = (
    ("LINEABOVE", (0, 0), (-1, 0), 1, colors.black),
    ("LINEBELOW", (1, 0), (2, 0), 0.4, colors.black),
    ("LINEBELOW", (3, 0), (4, 0), 0.4, colors.black),
    ("LINEBELOW", (0, 1), (-1, 1), 0.5, colors.black),
    ("LINEBELOW", (0, -1), (-1, -1), 1, colors.black),
    ("ALIGN", (1, 0), (-1, -1), "CENTER"),
)
TOP: tuple[Style, ...] = (("VALIGN", (0, 0), (-1, -1), "TOP"),)

MADE_TABLES: tuple[MadeTable, ...] = (
    MadeTable("ruled", STATIONS, GRID),
    MadeTable("ruled-numeric", ACCOUNTS, GRID + NUMBERS_RIGHT),
    MadeTable("ruled-spans", GROUPED, GRID, GROUP_SPANS, header_rows=2),
    MadeTable("ruled-row-spans", REGIONS, GRID, REGION_SPANS),
    MadeTable("ruled-multi-line", PARTS, GRID + TOP),
    MadeTable("ruled-sparse", SPARSE, GRID),
    MadeTable("ruled-turned", STATIONS, GRID, turned=True),
    MadeTable("booktabs-turned", ACCOUNTS, BOOKTABS + NUMBERS_RIGHT, turned=True),
    MadeTable("column-rules", STATIONS, COLUMN_RULES),
    MadeTable("row-rules-multi-line", PARTS, ROW_RULES + TOP),
    MadeTable("booktabs", STATIONS, BOOKTABS),
    MadeTable("booktabs-numeric", ACCOUNTS, BOOKTABS + NUMBERS_RIGHT),
    MadeTable("booktabs-spans", GROUPED, GROUP_RULES, GROUP_SPANS, header_rows=2),
    MadeTable("booktabs-multi-line", PARTS, BOOKTABS + TOP),
    MadeTable("booktabs-sparse", SPARSE, BOOKTABS),
    MadeTable("booktabs-long", LONG, BOOKTABS + NUMBERS_RIGHT),
    MadeTable("unruled", STATIONS),
    MadeTable("unruled-numeric", ACCOUNTS, NUMBERS_RIGHT),
    MadeTable("unruled-words", WORDS),
    MadeTable("unruled-wide", WIDE, NUMBERS_RIGHT),
    MadeTable("striped", STATIONS, STRIPES),
    MadeTable("scanned-ruled", STATIONS, GRID, scanned=True, fontsize=11),
    MadeTable("scanned-ruled-spans", GROUPED, GRID, GROUP_SPANS, header_rows=2, scanned=True, fontsize=11),
    MadeTable("scanned-booktabs", ACCOUNTS, BOOKTABS + NUMBERS_RIGHT, scanned=True, fontsize=11),
    MadeTable("scanned-unruled", STATIONS, scanned=True, fontsize=11),
)
