"""How much time files have to spare before their deadlines. `python -m benchmarks.deadlines [FOLDER]`.

One parser of one core parses every file of FOLDER, and files of many headings and paragraphs that it makes. The times
are those of the processor, so a busy machine does not change them much. The last line names the smallest factor.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from time import process_time

import numpy as np
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel
from docx import Document
from pptx import Presentation

from actors.dispatcher.budget import Budget
from actors.dispatcher.page_spans import plan_spans
from actors.errors import FileError
from actors.formats import FAMILIES, suffix_of
from actors.messages import FileTask, PagePlan
from actors.parser.engine.device import Hardware
from actors.parser.engine.engine import Engine
from benchmarks.service import describe_machine
from client.models import ParseOptions
from tests.hostile.offices import epub, odf, ods

SPLIT_ABOVE = 16  # on one parser
SECTIONS = 4_000


@dataclass(frozen=True, slots=True)
class Call:
    """What a call took, and what it may take, in seconds."""

    name: str
    size: int
    takes_s: float
    may_take_s: float

    @property
    def factor(self) -> float:
        return self.may_take_s / max(self.takes_s, 0.001)

    def __str__(self) -> str:
        return f"{self.factor:8.0f} x  {self.takes_s:7.2f} s of {self.may_take_s:6.0f} s  {self.size:9}  {self.name}"


def calls(engine: Engine, name: str, data: bytes) -> Iterator[Call]:
    """The calls that parse a file."""
    budget = Budget()
    document = np.frombuffer(data, dtype=np.uint8)
    task = FileTask(job_id="job", index=0, filename=name, size=len(data), options=ParseOptions(), metadata={})
    task = replace(task, max_result_bytes=budget.result_bytes(len(data)))
    began = process_time()
    opened = engine.open(document, task, split_above=SPLIT_ABOVE)
    yield Call(name, len(data), process_time() - began, budget.opening_s(task, SPLIT_ABOVE))
    if isinstance(opened, PagePlan):
        for span in plan_spans(opened.pages, slots=1):
            began = process_time()
            engine.parse_pages(document, task, span)
            yield Call(f"{name} {span}", len(data), process_time() - began, budget.pages_s(task, len(span)))


def made_files() -> Iterator[tuple[str, bytes]]:
    """Long files of short parts: they take the most time for each byte."""
    yield "made.docx", made_docx()
    yield "made.pptx", made_pptx()
    section = (
        "<h2>Section {}</h2><p>Some <b>bold</b> and <a href='http://a.example'>linked</a> text.</p><ul><li>a</li></ul>"
    )
    page = "".join(section.format(number) for number in range(SECTIONS))
    yield "made.eml", b"Subject: x\nFrom: a@b.example\nContent-Type: text/html\n\n" + page.encode()
    yield "made.epub", epub("".join(f"<h2>Section {number}</h2><p>Text.</p>" for number in range(SECTIONS)))
    heading = '<text:h text:outline-level="1">Section {}</text:h><text:p>Text.</text:p>'
    yield "made.odt", odf("text", "".join(heading.format(number) for number in range(SECTIONS)))
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    row = f"<table:table-row>{cell}{cell.format('one')}</table:table-row>"
    yield "made.ods", ods("".join(row.format(number) for number in range(SECTIONS)))
    yield "made.json", made_json()
    section = "## Section {}\n\nSome **bold** text and [a link](http://a.example).\n\n- one\n- two\n\n"
    yield "made.md", "".join(section.format(number) for number in range(SECTIONS)).encode()
    yield "made.csv", "".join(f"{number},one,two,three\n" for number in range(3 * SECTIONS)).encode()


def made_docx() -> bytes:
    out, document = BytesIO(), Document()
    for number in range(SECTIONS):
        document.add_heading(f"Section {number}", 1)
        document.add_paragraph("The ferry leaves at nine.")
    document.save(out)
    return out.getvalue()


def made_pptx() -> bytes:
    out, deck = BytesIO(), Presentation()
    for number in range(SECTIONS // 20):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = f"Slide {number}", "Text."
    deck.save(out)
    return out.getvalue()


def made_json() -> bytes:
    """A document as docling writes it."""
    document = DoclingDocument(name="made")
    for number in range(SECTIONS):
        document.add_heading(f"Section {number}")
        document.add_text(DocItemLabel.TEXT, "Text.")
    return document.model_dump_json().encode()


def files(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")) if folder else []:
        if path.is_file() and suffix_of(path.name) in FAMILIES:
            yield path.name, path.read_bytes()
    yield from made_files()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, nargs="?")
    folder: Path | None = options.parse_args().folder
    print(describe_machine())
    engine = Engine(ParseOptions(profile="bundled"), Hardware(threads=1, device="cpu"))
    engine.warm_up()
    smallest: dict[str, Call] = {}
    for name, data in files(folder):
        try:
            for call in calls(engine, name, data):
                print(call, flush=True)
                family = FAMILIES[suffix_of(name)]
                smallest[family] = min(call, smallest.get(family, call), key=lambda each: each.factor)
        except FileError as error:
            print(f"{name}: {error.message}")
    print("The smallest factor of each kind:")
    for call in sorted(smallest.values(), key=lambda each: each.factor):
        print(call)


if __name__ == "__main__":
    main()
