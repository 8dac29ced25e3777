"""How soon a parser is free when its job is stopped: `python -m benchmarks.stops FILE`.

One parser reads a PDF by OCR, and the job is stopped in the middle: by a cancel, by a DELETE, or by its deadline. At
that moment a tiny document is submitted. The parser is free when it takes that document: when its result comes, less
the time of that document alone. Beside it stand the times of the first pages of the PDF, each as a job of its own.
Later pages are never reached.

Each job gets the PDF with another margin, because OCR remembers pictures and lines.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pypdfium2 as pdfium

from benchmarks.service import describe_machine, service, spread
from client import DoclingParserClient

TINY = Path("examples/documents/notes.md")
OPTIONS = {"force_ocr": True, "cache": False}
PAGES = 4
#: By how much a margin differs from the next one, in points. No whole number of pixels: each line is drawn anew.
MARGIN = 0.373
#: Longer than a page takes.
DEADLINE_S = 8.0
#: When a job is cancelled or deleted, in seconds after its submit.
MOMENTS_S = (1.0, 2.0, 3.0, 4.0, 5.0)


class Parser:
    """The service's only parser, as its clients see it."""

    def __init__(self, client: DoclingParserClient, pdf: Path, folder: Path) -> None:
        self._client = client
        self._pdf = pdf
        self._folder = folder
        self._margin = 0
        self.tiny_s = statistics.median(self._seconds(TINY) for _ in range(10))

    def page_s(self, page: int) -> float:
        """How long one page takes, in a job of its own."""
        self._margin = 0
        return self._seconds(self._variant(), page_range=[page, page])

    def free_after_s(self, stop: Callable[[str], object], stopped_after_s: float) -> float:
        """How long the parser is not free after `stop`."""
        self._margin += 1
        variant = self._variant()
        began = time.perf_counter()
        job_id = self._client.submit_job(variant, options=OPTIONS)["job_id"]
        time.sleep(began + stopped_after_s - time.perf_counter())
        stop(job_id)
        return time.perf_counter() - began - stopped_after_s + self._seconds(TINY) - self.tiny_s

    def _variant(self) -> Path:
        path, cut = self._folder / f"{self._margin}.pdf", self._margin * MARGIN
        with pdfium.PdfDocument(self._pdf) as document:
            for page in document:
                left, bottom, right, top = page.get_cropbox()
                page.set_cropbox(left + cut, bottom + cut, right, top)
            document.save(path)
        return path

    def _seconds(self, file: Path, **options: object) -> float:
        started = time.perf_counter()
        self._client.submit_and_wait(file, options={**OPTIONS, **options})
        return time.perf_counter() - started


def wait_for_deadline(job_id: str) -> None:
    """The deadline passes without anybody's help."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", type=Path, help="a PDF that takes longer than the deadline, such as one of 18 pages")
    pdf = options.parse_args().file
    print(describe_machine())
    env = {"PARSER_MIN_REPLICAS": "1", "PARSER_MAX_REPLICAS": "1", "JOB_DEADLINE_S": str(DEADLINE_S)}
    with (
        service(PROFILE="bundled", **env) as url,
        DoclingParserClient(url) as client,
        tempfile.TemporaryDirectory() as folder,
    ):
        parser = Parser(client, pdf, Path(folder))
        pages = [parser.page_s(page) - parser.tiny_s for page in range(1, PAGES + 1)]
        print(f"one page of {pdf.name}: {spread(pages)} s, mean {statistics.mean(pages):.2f} s")
        for what, stop, moments in (
            ("cancel", client.cancel_job, MOMENTS_S),
            ("DELETE", client.delete_job, MOMENTS_S),
            ("deadline", wait_for_deadline, [DEADLINE_S] * len(MOMENTS_S)),
        ):
            free = [parser.free_after_s(stop, moment) for moment in moments]
            worst, of_mean = max(free) / max(pages), statistics.median(free) / statistics.mean(pages)
            print(f"free after a {what}: {spread(free)} s; of the longest page {worst:.2f}, of the mean {of_mean:.2f}")


if __name__ == "__main__":
    main()
