"""Pictures of receipts: each amount is read with what it is paid for."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pypdfium2
import pytest
from reportlab.pdfgen.canvas import Canvas

from actors.messages import FileTask, ParsedFile
from client.models import ExportFormat, ParseOptions
from tests.unit.parser.files import exported

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

ROWS = {"Espresso": "2.40", "Apple cake": "12.90", "Orange juice": "4.10", "Total": "19.40", "Cash": "20.00"}
WIDTH, HEIGHT = 240, 300


def receipt(font: str, step: float) -> bytes:
    """A picture of a narrow slip: labels at the left, amounts at the right."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(WIDTH, HEIGHT))
    canvas.setFont(font, 10)
    canvas.drawCentredString(WIDTH / 2, 270, "Orchard Coffee House")
    for number, (label, amount) in enumerate(ROWS.items()):
        canvas.drawString(20, 230 - step * number, label)
        canvas.drawRightString(WIDTH - 20, 230 - step * number, amount)
    canvas.save()
    picture = BytesIO()
    pypdfium2.PdfDocument(buffer.getvalue())[0].render(scale=200 / 72).to_pil().save(picture, "PNG")
    return picture.getvalue()


@pytest.mark.parametrize(("font", "step"), [("Helvetica", 18), ("Courier", 14)])
def test_amounts_are_read_after_their_labels(engines: list[Engine], font: str, step: float) -> None:
    content = np.frombuffer(receipt(font, step), np.uint8)
    task = FileTask(
        job_id="j", index=0, filename="receipt.png", size=content.size, options=ParseOptions(do_ocr=True), metadata={}
    )
    parsed = engines[0].open(content, task, split_above=10)
    assert isinstance(parsed, ParsedFile)
    text = exported(parsed.document, ExportFormat.TEXT, ("body",))
    for label, amount in ROWS.items():
        assert re.search(rf"{label.replace(' ', ' ?')}\s+{re.escape(amount)}", text), text
