"""What OCR reads of pages that have text of their own, and how often it works for that."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tests.unit.parser.files import parsed, texts
from tests.unit.parser.scans import pdf_of, picture_of

if TYPE_CHECKING:
    from actors.messages import ParsedFile
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

SLIDE = (480.0, 270.0)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the models did, in this order: `find` for a picture, `read` for a line.

    An engine remembers what it read, so the pictures of such a test are in no other test.
    """
    from rapidocr.ch_ppocr_det import TextDetector
    from rapidocr.ch_ppocr_rec import TextRecognizer

    calls: list[str] = []
    for model, name in ((TextDetector, "find"), (TextRecognizer, "read")):

        def call(self: Any, picture: Any, run: Any = model.__call__, name: str = name) -> Any:
            calls.append(name)
            return run(self, picture)

        monkeypatch.setattr(model, "__call__", call)
    return calls


def words_in(size: tuple[int, int], *lines: str, font: int, paper: str = "white") -> Image.Image:
    picture = Image.new("RGB", size, paper)
    for number, line in enumerate(lines):
        place = (font, font + 2 * font * number)
        ImageDraw.Draw(picture).text(place, line, fill="black", font=ImageFont.load_default(font))
    return picture


def slides(*titles: str, picture: Image.Image, at: tuple[float, float, float, float], back: bool = False) -> bytes:
    """A PDF with a title and two lines on each page, and the picture at a place: left, bottom, width, height."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=SLIDE, invariant=True)
    for title in titles:
        if back:
            canvas.drawImage(ImageReader(Image.linear_gradient("L").resize((480, 270)).convert("RGB")), 0, 0, *SLIDE)
        canvas.drawImage(ImageReader(picture), *at)
        canvas.setFont("Helvetica-Bold", 24)
        canvas.drawString(30, 230, title)
        canvas.setFont("Helvetica", 12)
        canvas.drawString(30, 200, f"{title} is explained here in a few words")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def everything(file: ParsedFile) -> str:
    return file.document.decode()


def test_the_words_of_a_screenshot_are_read(engines: list[Engine]) -> None:
    shot = words_in((400, 120), "Account settings", "Delete permission", font=16)
    shown = everything(parsed(engines[0], "file.pdf", slides("First", picture=shot, at=(240, 60, 200, 60))))
    assert [word for word in ("Account", "settings", "Delete", "permission") if word not in shown] == []


def test_small_print_in_a_picture_is_read(engines: list[Engine]) -> None:
    shot = words_in((900, 240), "Ledger archive", "Quarter result", "Harbour office", font=16)
    shown = everything(parsed(engines[0], "file.pdf", slides("First", picture=shot, at=(180, 40, 270, 72))))
    assert [word for word in ("Ledger", "archive", "Quarter", "Harbour", "office") if word not in shown] == []


def test_a_label_that_runs_up_a_chart_is_read(engines: list[Engine]) -> None:
    label = words_in((360, 60), "Share of voters", font=20).transpose(Image.Transpose.ROTATE_90)
    chart = Image.new("RGB", (500, 360), "white")
    chart.paste(label, (0, 0))
    for number, height in enumerate((120, 240, 180)):
        ImageDraw.Draw(chart).rectangle((120 + 120 * number, 340 - height, 200 + 120 * number, 340), fill="steelblue")
    shown = everything(parsed(engines[0], "file.pdf", slides("First", picture=chart, at=(240, 20, 220, 158))))
    assert "voters" in shown


def test_words_that_the_text_layer_has_are_not_read_again(engines: list[Engine], read: list[str]) -> None:
    bar = Image.new("RGB", (480, 30), "#203864")
    file = parsed(engines[0], "file.pdf", slides("First", "Second", picture=bar, at=(0, 0, 480, 30), back=True))
    assert ["First" in text for text in texts(file)] == [True, False]
    assert read == []


def test_a_logo_on_every_page_is_read_once(engines: list[Engine], read: list[str]) -> None:
    logo = words_in((300, 80), "Northwind 4711", font=36)
    titles = [f"Slide {number}" for number in range(6)]
    file = parsed(engines[0], "file.pdf", slides(*titles, picture=logo, at=(300, 20, 150, 40)))
    assert everything(file).count('"text":"Northwind 4711"') == len(titles)
    assert read.count("read") == 1


def test_a_scan_is_looked_for_lines_once_and_as_finely_as_it_is(engines: list[Engine], read: list[str]) -> None:
    file = parsed(engines[0], "file.pdf", pdf_of([picture_of(["Read for the first time in 1999"])]))
    assert "Read for the first time in 1999" in texts(file)[0]
    assert read == ["find", "read"]
