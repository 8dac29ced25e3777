"""Make the binary sample documents of `examples/documents/`; `article.html` and `notes.md` there are their own source.

    python examples/make_documents.py [FOLDER]

The same bytes come out every time (with the same library versions): dates are fixed, noise is seeded. Needs the
`dev` dependencies.
"""

from __future__ import annotations

import io
import random
import re
import sys
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import reportlab
from docx import Document
from harbour import (  # type: ignore[import-not-found] # beside this script
    ABOARD,
    BASIN,
    CONTENTS,
    DEPARTURE,
    FARES,
    FERRY,
    GROWTH,
    LETTER,
    LOG,
    OUTLOOK,
    PASSENGERS,
    RULES,
    SILT,
    SUMMARY,
    TIDE,
    TIDES,
)
from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Font
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from pptx import Presentation
from pptx.util import Inches
from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import cm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    ListFlowable,
    PageBreak,
    PageTemplate,
    Paragraph,
    Table,
    TableStyle,
)

FOLDER = Path(__file__).parent / "documents"
WRITTEN = datetime(2025, 1, 15, 9, 0, tzinfo=UTC)  # the date in every document
SCAN_DPI = 150


class Report(BaseDocTemplate):  # type: ignore[misc] # reportlab has no types
    """A template that puts every heading into the outline and a header and footer on every page."""

    def __init__(self, target: io.BytesIO) -> None:
        super().__init__(target, pagesize=A4, title="The Lindholm Ferry Year", author="Harbour Office", invariant=1)
        frame = Frame(2.5 * cm, 2.5 * cm, A4[0] - 5 * cm, A4[1] - 5 * cm)
        self.addPageTemplates(PageTemplate(frames=[frame], onPage=self._furniture))

    def _furniture(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(2.5 * cm, A4[1] - 1.5 * cm, "Lindholm Harbour Office")
        canvas.drawRightString(A4[0] - 2.5 * cm, 1.5 * cm, f"Page {canvas.getPageNumber()}")

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 -- the hook's name is reportlab's
        if isinstance(flowable, Paragraph) and flowable.style.name.startswith("Heading"):
            title = flowable.getPlainText()
            self.canv.bookmarkPage(title)
            self.canv.addOutlineEntry(title, title, level=int(flowable.style.name[-1]) - 1)


def passenger_chart() -> Drawing:
    """The passengers by month as bars."""
    chart = VerticalBarChart()
    chart.x, chart.y, chart.width, chart.height = 60, 30, 340, 185
    chart.bars[0].fillColor = colors.steelblue
    chart.data = [[passengers for _, passengers, _ in PASSENGERS]]
    chart.categoryAxis.categoryNames = [month for month, _, _ in PASSENGERS]
    chart.valueAxis.valueMin = 0
    drawing = Drawing(420, 235)
    drawing.add(chart)
    return drawing


def make_report() -> bytes:
    """Six pages: headings with bookmarks, a paragraph over a page break, a ruled and an unruled table, lists."""
    styles = getSampleStyleSheet()
    body = ParagraphStyle("Text", parent=styles["BodyText"], fontSize=11, leading=15, spaceAfter=8)

    def text(words: str) -> Paragraph:
        return Paragraph(words, body)

    def heading(words: str, level: int = 1) -> Paragraph:
        return Paragraph(words, styles[f"Heading{level}"])

    def listing(items: Iterable[str], bullet: str) -> ListFlowable:
        return ListFlowable([text(item) for item in items], bulletType=bullet, start=None if bullet == "1" else "•")

    ruled = TableStyle([("GRID", (0, 0), (-1, -1), 0.7, colors.black), ("FONT", (0, 0), (-1, 0), "Helvetica-Bold")])
    unruled = TableStyle([("FONT", (0, 0), (-1, 0), "Helvetica-Bold"), ("ALIGN", (1, 0), (-1, -1), "RIGHT")])
    story = [  # LOG starts at the foot of page 2, in mid-sentence, and ends on page 3
        Paragraph("The Lindholm Ferry Year", styles["Title"]), text(SUMMARY),
        heading("In this report"), listing(CONTENTS, "1"), PageBreak(),
        heading("The harbour"), heading("The basin", 2), text(BASIN), heading("Sand and silt", 2), text(SILT),
        heading("Passengers", 2), text(GROWTH), passenger_chart(), heading("The log", 2), text(LOG),
        heading("The tide"), text(TIDE), Table(TIDES, style=ruled), PageBreak(),
        heading("The ferries"), text(FERRY), Table(FARES, style=unruled), heading("Aboard", 2),
        listing(ABOARD, "bullet"), PageBreak(),
        heading("Leaving the berth"), listing(DEPARTURE, "1"), heading("Rules for small boats", 2), text(RULES),
        PageBreak(),
        heading("Outlook"), text(OUTLOOK),
    ]  # fmt: skip
    target = io.BytesIO()
    Report(target).build(story)
    return target.getvalue()


def make_scan() -> bytes:
    """One page without a text layer: a letter as an image, a little crooked, blurred and noisy."""
    width, height = int(A4[0] / 72 * SCAN_DPI), int(A4[1] / 72 * SCAN_DPI)
    font = ImageFont.truetype(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf", 30)  # the same on every machine
    paper = Image.new("L", (width, height), 244)
    draw = ImageDraw.Draw(paper)
    for number, line in enumerate(LETTER):
        draw.text((150, 190 + 78 * number), line, fill=35, font=font)
    crooked = paper.rotate(0.6, resample=Image.Resampling.BICUBIC, fillcolor=244)
    noise = Image.frombytes("L", (width, height), random.Random(1958).randbytes(width * height))
    scanned = Image.blend(crooked.filter(ImageFilter.GaussianBlur(0.6)), noise, 0.06)
    jpeg = io.BytesIO()
    scanned.save(jpeg, "JPEG", quality=55)
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A4, invariant=1)
    canvas.drawImage(ImageReader(jpeg), 0, 0, *A4)
    canvas.save()
    return target.getvalue()


def make_memo() -> bytes:
    """A word-processor file with headings, a list and a table."""
    memo = Document()
    memo.core_properties.created = memo.core_properties.modified = WRITTEN
    memo.add_heading("Winter timetable", 0)
    memo.add_paragraph("From the harbour master to all crews. It holds from 1 November until the end of March.")
    memo.add_heading("What changes", 1)
    for change in ("The last boat leaves at 19:40.", "The round trip is on Sundays only.", "Crews rest on Tuesdays."):
        memo.add_paragraph(change, style="List Bullet")
    memo.add_heading("Fares", 1)
    table = memo.add_table(rows=0, cols=len(FARES[0]), style="Table Grid")
    for row in FARES:
        for cell, value in zip(table.add_row().cells, row, strict=True):
            cell.text = value
    return _saved(memo)


def make_slides() -> bytes:
    """A presentation of three slides; the last one holds a table."""
    deck = Presentation()
    deck.core_properties.created = deck.core_properties.modified = WRITTEN
    opening = deck.slides.add_slide(deck.slide_layouts[0]).placeholders
    opening[0].text, opening[1].text = "Batteries at sea", "Two years with electric ferries in Lindholm"
    lessons = deck.slides.add_slide(deck.slide_layouts[1]).placeholders
    lessons[0].text = "What we learned"
    lessons[1].text = "Charging at every berth beats a larger battery.\nCold weeks cost a tenth of the range.\nQuiet."
    last = deck.slides.add_slide(deck.slide_layouts[5])
    last.shapes.title.text = "Fares"
    size = [Inches(n) for n in (0.5, 1.8, 9, 3)]
    table = last.shapes.add_table(len(FARES), len(FARES[0]), *size).table
    for r, row in enumerate(FARES):
        for c, value in enumerate(row):
            table.cell(r, c).text = value
    return _saved(deck)


def make_figures() -> bytes:
    """A workbook of two sheets: passengers by month with a chart, and the tides."""
    book = Workbook()
    book.properties.created = WRITTEN
    sheet = book.active
    sheet.title = "Passengers"
    sheet.append(["Month", "Passengers", "Bicycles"])
    for row in PASSENGERS:
        sheet.append(row)
    chart = BarChart()
    chart.title = "Passengers"
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=len(PASSENGERS) + 1), titles_from_data=True)
    sheet.add_chart(chart, "E2")
    tides = book.create_sheet("Tides")
    for row in TIDES:
        tides.append(row)
    for cell in (*sheet[1], *tides[1]):
        cell.font = Font(bold=True)
    return _saved(book)


def _saved(document: Any) -> bytes:
    """An office file without the dates of its saving, which are in the archive and in its core properties."""
    written, pinned = io.BytesIO(), io.BytesIO()
    document.save(written)
    stamp = WRITTEN.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(pinned, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
            target.writestr(zipfile.ZipInfo(name, WRITTEN.timetuple()[:6]), data, zipfile.ZIP_DEFLATED)
    return pinned.getvalue()


MAKERS = {
    "report.pdf": make_report,
    "scan.pdf": make_scan,
    "memo.docx": make_memo,
    "slides.pptx": make_slides,
    "figures.xlsx": make_figures,
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MAKERS.items():
        (folder / name).write_bytes(make())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
