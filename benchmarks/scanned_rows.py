"""Rows of scanned receipts and invoices: `python -m benchmarks.scanned_rows [--seeds FIRST LAST] [--show]`.

Parses made scans with the bundled profile and OCR. Prints for each kind, level and turned, three shares: of the rows,
those that OCR read; of these, those whose amount comes next after the label; and those that have both in one item or
in one row of a table. The rules were fitted to seeds below 200. `--show` prints the documents with rows that are apart.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise

import numpy as np
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.table.table import TableItem
from docling_core.types.doc.items.text import ListItem, TextItem
from rapidfuzz.fuzz import partial_ratio_alignment

from actors.messages import FileTask, ParsedFile
from actors.parser.limited_engine import ParsingEngine
from actors.parser.parser import ParserConfig, docling_engine
from benchmarks.made_scans import KINDS, MadeScan, Row, make
from benchmarks.service import describe_machine
from client.models import ParseOptions

FITTED = range(200)
UNSEEN = range(300, 306)
#: How alike the letters of a label and the letters that OCR read must be, of 100.
ALIKE = 80.0


@dataclass(frozen=True)
class Score:
    """How many rows there are, OCR read, have their amount next to their label, and are in one piece."""

    rows: int
    read: int
    next: int
    together: int

    def __str__(self) -> str:
        read, rows = max(1, self.read), max(1, self.rows)
        return f"read {self.read / rows:.3f}  next {self.next / read:.3f}  together {self.together / read:.3f}"


def parse(engine: ParsingEngine, made: MadeScan) -> ParsedFile:
    """A made scan, parsed by the bundled profile with OCR."""
    content, options = np.frombuffer(made.data, np.uint8), ParseOptions(profile="bundled", do_ocr=True)
    task = FileTask(job_id="j", index=0, filename=made.name, size=content.size, options=options, metadata={})
    parsed = engine.open(content, task, split_above=1000)
    if not isinstance(parsed, ParsedFile):
        raise TypeError("a made scan is short and never split")
    return parsed


def pieces_of(document: DoclingDocument) -> Iterator[str]:
    """The document in reading order: each text, and each row of a table."""
    for item, _ in document.iterate_items(traverse_pictures=False):
        if isinstance(item, TableItem):
            for row in item.data.grid:
                yield "  ".join(dict.fromkeys(cell.text for cell in row))
        elif isinstance(item, TextItem):
            yield f"{item.marker} {item.text}" if isinstance(item, ListItem) else item.text


@dataclass(frozen=True, order=True)
class Found:
    """Where a label or an amount stands: the number of the piece, and the place in it."""

    piece: int
    place: int


def find_label(label: str, pieces: Sequence[str]) -> Found | None:
    """The best place of a label, whose spaces OCR may have missed."""
    wanted = label.lower().replace(" ", "")
    best, where = ALIKE, None
    for number, piece in enumerate(pieces):
        shown = [(place, letter) for place, letter in enumerate(piece.lower()) if not letter.isspace()]
        text = "".join(letter for _, letter in shown)
        found = partial_ratio_alignment(wanted, text, score_cutoff=best) if len(text) >= len(wanted) else None
        if found and found.score > best:
            best, where = found.score, Found(number, shown[found.dest_start][0])
    return where


def find_amount(amount: str, pieces: Sequence[str]) -> Found | None:
    pattern = re.compile(rf"(?<!\d){'[.,] ?'.join(re.split('[.,]', amount))}(?!\d)")
    for number, piece in enumerate(pieces):
        if found := pattern.search(piece):
            return Found(number, found.start())
    return None


def score(rows: Sequence[Row], pieces: Sequence[str]) -> Score:
    found = [(find_label(label, pieces), find_amount(amount, pieces)) for label, amount in rows]
    places = sorted(place for pair in found for place in pair if place)
    neighbours = set(pairwise(places))
    read = [(label, amount) for label, amount in found if label and amount]
    beside = [(label, amount) for label, amount in read if (label, amount) in neighbours]
    together = sum(label.piece == amount.piece for label, amount in beside)
    return Score(len(rows), len(read), len(beside), together)


def sum_of(scores: Iterable[Score]) -> Score:
    return Score(*map(sum, zip(*map(astuple, scores), strict=True)))


def measure(made: MadeScan, parsed: ParsedFile, *, show: bool = False) -> Score:
    pieces = [*pieces_of(DoclingDocument.model_validate_json(parsed.document))]
    found = score(made.rows, pieces)
    if show and found.together < found.read:
        print(made.name, *pieces, sep="\n    ")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs=2, default=(UNSEEN.start, UNSEEN.stop), metavar=("FIRST", "LAST"))
    parser.add_argument("--show", action="store_true", help="print the documents with rows that are apart")
    wanted = parser.parse_args()
    print(describe_machine())
    engine = docling_engine(ParserConfig())
    engine.warm_up()
    every, started = [], time.perf_counter()
    for kind in KINDS:
        for turned in (False, True):
            scans = [make(kind, seed, turned=turned) for seed in range(*wanted.seeds)]
            found = [measure(scan, parse(engine, scan), show=wanted.show) for scan in scans]
            every.extend(found)
            print(f"{kind + (', turned' if turned else ''):36s} {sum_of(found)}", flush=True)
    print(f"{f'all {len(every)} scans':36s} {sum_of(every)}  {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
