"""PDFs that make splitting hard, made with reportlab; the same bytes every time."""

from __future__ import annotations

from io import BytesIO

from PIL import Image
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, A5, landscape
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    ListFlowable,
    ListItem,
    Paragraph,
    SimpleDocTemplate,
    Table,
    TableStyle,
)

from tests.unit.parser.scans import pdf_of, picture_of

SENTENCE = "The harbour master counted every vessel that came in with the tide and wrote its name into the ledger. "
STYLES = getSampleStyleSheet()
RULED = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("BACKGROUND", (0, 0), (-1, 0), colors.lightgrey)])


def flowing() -> bytes:
    """About seven small pages: paragraphs, a list and a ruled table that all run over page ends, and bookmarks."""
    body: list[Flowable] = [Paragraph("A ledger of vessels", STYLES["Title"])]
    for chapter in range(1, 4):
        body.append(Paragraph(f'<a name="c{chapter}"/>{chapter}. The chapter of many words', STYLES["Heading1"]))
        body += [Paragraph(SENTENCE * 9, STYLES["BodyText"]) for _ in range(3)]
    body.append(ListFlowable([ListItem(Paragraph(f"{SENTENCE}{n}", STYLES["BodyText"])) for n in range(12)]))
    body.append(_table(40))
    out = BytesIO()
    SimpleDocTemplate(out, pagesize=A5, title="Ledger", invariant=True).build(
        body, onFirstPage=_bookmark, onLaterPages=_bookmark
    )
    return out.getvalue()


def ruled_table() -> bytes:
    """One page: a table of ten vessels between two paragraphs."""
    out = BytesIO()
    text = Paragraph(SENTENCE * 5, STYLES["BodyText"])
    SimpleDocTemplate(out, pagesize=A4, invariant=True).build([text, _table(10, width=450), text])
    return out.getvalue()


def _table(rows: int, width: float | None = None) -> Table:
    vessels = [[f"Vessel {number}", str(number * 37), f"Port {number % 5}"] for number in range(rows)]
    columns = [width / 3] * 3 if width else None
    return Table([["Vessel", "Tonnes", "Port"], *vessels], colWidths=columns, repeatRows=1, style=RULED)


def _bookmark(canvas: Canvas, template: SimpleDocTemplate) -> None:
    page = canvas.getPageNumber()
    canvas.bookmarkPage(f"page{page}")
    canvas.addOutlineEntry(f"Page {page}", f"page{page}", level=0)
    canvas.drawCentredString(A5[0] / 2, 20, f"- {page} -")


def odd(pages: int) -> bytes:
    """Pages in turn plain, empty, rotated, and of another size."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=A5, invariant=True)
    for number in range(pages):
        canvas.setPageSize(landscape(A5) if number % 4 == 3 else A5)
        canvas.setPageRotation(90 if number % 4 == 2 else 0)
        if number % 4 != 1:
            canvas.drawString(40, 300, f"This is what stands on page {number + 1} and nowhere else.")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def scanned(pages: int) -> bytes:
    """Pages that are pictures of text, as a scanner makes them."""
    return pdf_of(_scans(pages))


def scanned_frames(pages: int, form: str) -> bytes:
    """The same pages as the frames of one picture file."""
    out = BytesIO()
    first, *others = _scans(pages)
    first.save(out, form, save_all=True, append_images=others)
    return out.getvalue()


def _scans(pages: int) -> list[Image.Image]:
    return [picture_of([f"Scanned line {line} of page {number}" for line in (1, 2)]) for number in range(1, pages + 1)]


def illustrated(pages: int, *, code: bool = False) -> bytes:
    """Pages of text, of which every other one has a photograph with other pixels and another place. With some `code`
    at the end of each."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    for number in range(pages):
        canvas.drawString(72, 760, f"Page {number + 1} tells of a photograph, and has some words above and below it.")
        if number % 2 == 0:
            picture = Image.effect_mandelbrot((400 + 20 * number, 300), (-2 + number / 9, -1.5, 1, 1.5), 90).convert(
                "RGB"
            )
            canvas.drawImage(ImageReader(picture), 100.3 + number, 350.7, 380 - 20 * number, 280)
        canvas.drawString(72, 200, "The text goes on after the photograph with a whole sentence of its own.")
        if code:
            text = canvas.beginText(72, 160)
            text.setFont("Courier", 9)
            text.textLines(
                f"def page_{number}(words):\n    for word in words:\n        yield word * {number}\n    return"
            )
            canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()
