"""What is read of PDFs that are damaged: `python -m benchmarks.damaged_pdfs PDFS`.

Each PDF is cut off after a share of its bytes, or loses its table of objects. Printed for each: whether pdfium opens
it as it is, and the pages and the share of the words that the profile `native` reads of it.
"""

import argparse
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pypdfium2
import structlog

from actors.errors import FileError
from actors.messages import FileTask, ParsedFile
from actors.parser.engine.device import Hardware
from actors.parser.engine.engine import Engine
from client.models import ParseOptions


def damaged(data: bytes) -> Iterator[tuple[str, bytes]]:
    for percent in (30, 60, 90, 99):
        yield f"{percent} %", data[: len(data) * percent // 100]
    yield "no table", re.sub(rb"startxref\s+\d+", b"startxref\n7", data).replace(b"\nxref", b"\nxxxx")


def opens(data: bytes) -> bool:
    try:
        pypdfium2.PdfDocument(data).close()
    except pypdfium2.PdfiumError:
        return False
    return True


def read(engine: Engine, data: bytes) -> tuple[int, int]:
    """Pages and words."""
    task = FileTask(job_id="", index=0, filename="a.pdf", size=len(data), options=ParseOptions(), metadata={})
    try:
        file = engine.open(np.frombuffer(data, np.uint8), task, split_above=10_000)
    except FileError:
        return 0, 0
    assert isinstance(file, ParsedFile)
    return file.pages, sum(len(node["text"].split()) for node in orjson.loads(file.nodes))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("pdfs", type=Path)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    engine = Engine(ParseOptions(profile="native"), Hardware(threads=1, device="cpu"))
    for path in sorted(arguments.parse_args().pdfs.glob("*.pdf")):
        pages, words = read(engine, path.read_bytes())
        print(f"{path.name}: {pages} pages, {words} words")
        for damage, data in damaged(path.read_bytes()) if words else ():
            found_pages, found = read(engine, data)
            alone = "opens" if opens(data) else "does not open"
            print(f"    {damage:9s} pdfium {alone:14s} {found_pages:3d} pages  {found / words:5.0%} of the words")


if __name__ == "__main__":
    main()
