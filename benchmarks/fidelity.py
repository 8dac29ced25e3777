"""Compares the bundled profile with reference Markdown: `python -m benchmarks.fidelity PDFS REFERENCES [--ocr]`.

REFERENCES holds NAME.md for some NAME.pdf of PDFS, made with better models. Prints for each document, and as means, how
alike the words and their order are, the share of the reference's words that are found, and the F1 of the headings. Then
prints pages per second. `--threads N` (default 1) gives the models more threads.
"""

import argparse
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from docling.datamodel.base_models import InputFormat
from docling.document_converter import DocumentConverter, PdfFormatOption
from rapidfuzz.distance import Indel

from actors.parser.engine.device import Hardware, confine
from actors.parser.engine.options import recipe_of
from actors.parser.engine.pipelines import PdfPipeline
from actors.parser.engine.profiles import backend_options, pdf_options
from client.models import ParseOptions


@dataclass(frozen=True)
class Score:
    order: float
    recall: float
    headings: float

    def __str__(self) -> str:
        return f"order {self.order:.3f}  recall {self.recall:.3f}  headings {self.headings:.3f}"


def words(markdown: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub(r"<!--.*?-->|&amp;|[|]|-{3,}", " ", markdown).lower())


def headings(markdown: str) -> Counter[str]:
    return Counter(" ".join(words(line)) for line in markdown.splitlines() if line.startswith("#"))


def compare(reference: str, found: str) -> Score:
    right, ours = words(reference), words(found)
    right_headings, our_headings = headings(reference), headings(found)
    both = right_headings.total() + our_headings.total()
    return Score(
        order=Indel.normalized_similarity(right, ours),
        recall=(Counter(right) & Counter(ours)).total() / max(1, len(right)),
        headings=2 * (right_headings & our_headings).total() / both if both else 1.0,
    )


def mean_of(scores: Sequence[Score]) -> Score:
    return Score(*(sum(column) / len(scores) for column in zip(*map(astuple, scores), strict=True)))


def bundled_converter(hardware: Hardware, *, ocr: bool) -> DocumentConverter:
    recipe = recipe_of(ParseOptions(do_ocr=ocr, do_table_structure=True), "bundled")
    pdf = PdfFormatOption(
        pipeline_cls=PdfPipeline,
        pipeline_options=pdf_options(recipe, hardware, None),
        backend_options=backend_options(recipe, hardware),
    )
    converter = DocumentConverter(format_options={InputFormat.PDF: pdf})
    converter.initialize_pipeline(InputFormat.PDF)
    return converter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("references", type=Path)
    parser.add_argument("--ocr", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    wanted = parser.parse_args()
    hardware = Hardware(threads=wanted.threads, device="cpu")
    confine(hardware)
    converter = bundled_converter(hardware, ocr=wanted.ocr)

    scores, pages, seconds = [], 0, 0.0
    for reference in sorted(wanted.references.glob("*.md")):
        started = time.perf_counter()
        result = converter.convert(wanted.pdfs / f"{reference.stem}.pdf")
        seconds += time.perf_counter() - started
        pages += len(result.pages)
        scores.append(compare(reference.read_text(encoding="utf-8"), result.document.export_to_markdown()))
        print(f"{reference.stem:32s} {scores[-1]}")
    print(f"{f'mean of {len(scores)}':32s} {mean_of(scores)}")
    print(f"{pages} pages in {seconds:.1f} s: {pages / seconds:.2f} pages/s")


if __name__ == "__main__":
    main()
