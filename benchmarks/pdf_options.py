"""What OCR and tables cost on PDFs as people send them: `python -m benchmarks.pdf_options [FILE ...]`.

Parses each file, and a made deck of slides, with the bundled profile in one thread: with the default options, without
OCR, and without tables. Prints CPU seconds, pages for each of them, and the ratio of the default to the other, as
medians of three rounds. In a round the choices take turns at each file, so that a machine that gets slower meanwhile
slows all of them. Each round has new engines, because OCR remembers pictures, and other files load their models.
"""

from __future__ import annotations

import argparse
import time
from io import BytesIO
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from actors.messages import FileTask, ParsedFile
from actors.parser.limited_engine import ParsingEngine
from actors.parser.parser import ParserConfig, docling_engine
from benchmarks.service import describe_machine
from client.models import ParseOptions

REPORT, SCAN = Path("examples/documents/report.pdf"), Path("examples/documents/scan.pdf")
CHOICES = {
    "default": ParseOptions(profile="bundled"),
    "without OCR": ParseOptions(profile="bundled", do_ocr=False),
    "without tables": ParseOptions(profile="bundled", do_table_structure=False),
}
SLIDES, SLIDE = 10, (960.0, 540.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*", default=[REPORT])
    files = {path.name: path.read_bytes() for path in parser.parse_args().files}
    print(describe_machine())
    files["slides.pdf"] = slides()
    rounds = [_round(number, files) for number in range(len(CHOICES))]
    for name, choice in product(files, CHOICES):
        used = median(round_[name, choice][0] for round_ in rounds)
        ratio = median(round_[name, "default"][0] / round_[name, choice][0] for round_ in rounds)
        pages = rounds[0][name, choice][1]
        print(f"{name:28} {choice:15} {used:6.2f} s  {pages / used:5.2f} pages/s  default / this: {ratio:.2f}")


def _round(number: int, files: dict[str, bytes]) -> dict[tuple[str, str], tuple[float, int]]:
    """The CPU seconds and pages of each file with each choice. Another choice begins each round."""
    choices = [*CHOICES]
    engines = {choice: _warm_engine(CHOICES[choice]) for choice in choices[number:] + choices[:number]}
    turns = product(files.items(), engines.items())
    return {(name, choice): _parse(engine, name, data) for (name, data), (choice, engine) in turns}


def _warm_engine(options: ParseOptions) -> ParsingEngine:
    engine = docling_engine(ParserConfig(defaults=options))
    engine.warm_up()
    for path in (REPORT, SCAN):
        _parse(engine, path.name, path.read_bytes())
    return engine


def _parse(engine: ParsingEngine, name: str, data: bytes) -> tuple[float, int]:
    content = np.frombuffer(data, np.uint8)
    task = FileTask(job_id="j", index=0, filename=name, size=content.size, options=ParseOptions(), metadata={})
    started = time.process_time()
    parsed = engine.open(content, task, split_above=1_000_000)
    if not isinstance(parsed, ParsedFile):
        raise TypeError("a file of so few pages is never split")
    return time.process_time() - started, parsed.pages


def slides() -> bytes:
    """A deck with a shaded background, a logo with a word in it on every slide, and a screenshot on every third."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=SLIDE, invariant=True)
    grey = Image.linear_gradient("L").resize((960, 540)).point(lambda shade: 200 + shade // 5)
    shade = ImageReader(grey.convert("RGB"))
    logo = ImageReader(_picture((300, 90), ["Northwind"], 40))
    for number in range(SLIDES):
        canvas.drawImage(shade, 0, 0, *SLIDE)
        canvas.drawImage(logo, 780, 480, 150, 45)
        canvas.setFont("Helvetica", 22)
        for line in range(6):
            canvas.drawString(60, 440 - 60 * line, f"Point {line} of slide {number} says this")
        if number % 3 == 0:
            rows = [f"Account {number}{row}   Balance {100 * row + number}" for row in range(12)]
            canvas.drawImage(ImageReader(_picture((640, 420), rows, 15)), 560, 60, 360, 236)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _picture(size: tuple[int, int], lines: list[str], font: int) -> Image.Image:
    picture = Image.new("RGB", size, "white")
    for number, line in enumerate(lines):
        place = (font, font // 2 + 2 * font * number)
        ImageDraw.Draw(picture).text(place, line, fill="black", font=ImageFont.load_default(font))
    return picture


if __name__ == "__main__":
    main()
