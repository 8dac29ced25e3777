"""Compares documents without models with docling's own: `python -m benchmarks.equality FOLDER_OR_FILE ...`.

Converts every file that is neither a PDF nor a picture with a plain DocumentConverter and with the engine, and compares
the Markdown of the body. Prints each file that differs, with how alike the words and their order are, and each that one
of the two refuses.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from docling.document_converter import DocumentConverter
from docling.exceptions import ConversionError
from docling_core.types.doc.common.content_layer import ContentLayer
from rapidfuzz.distance import Indel

from actors.derivations import Export
from actors.errors import FileError
from actors.formats import FAMILIES, suffix_of
from actors.messages import FileTask, ParsedFile
from actors.parser.limited_engine import ParsingEngine
from actors.parser.parser import ParserConfig, docling_engine
from benchmarks.fidelity import words
from client.models import ExportFormat
from client.options import ParseOptions

#: Families whose pages go through models.
WITH_MODELS = ("pdf", "image", "mets_gbs")


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """The files that need no models, also those in folders below."""
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else (path,):
            if file.is_file() and FAMILIES.get(suffix_of(file.name)) not in (None, *WITH_MODELS):
                yield file


def by_docling(converter: DocumentConverter, file: Path) -> str | None:
    """docling's Markdown of the body; None if docling refuses the file."""
    try:
        document = converter.convert(file).document
    except (ConversionError, RuntimeError):  # a pipeline that fails raises the latter
        return None
    return document.export_to_markdown(included_content_layers={ContentLayer.BODY})


def by_engine(engine: ParsingEngine, file: Path) -> str | None:
    """The engine's Markdown of the body; None if it refuses the file."""
    content = np.fromfile(file, np.uint8)
    options = ParseOptions(profile="native", content=("body",))
    task = FileTask(job_id="j", index=0, filename=file.name, size=content.size, options=options, metadata={})
    try:
        parsed = engine.open(content, task, split_above=1000)
    except FileError:
        return None
    if not isinstance(parsed, ParsedFile):
        raise TypeError("a document without pages is never split")
    wanted = Export(job_id="j", folder="results/j/0", source="document", form=ExportFormat.MARKDOWN, content=("body",))
    return engine.derive(np.frombuffer(parsed.document, np.uint8), wanted)[wanted.target].decode()


def verdict(docling: str | None, ours: str | None) -> str:
    """How two conversions of a file compare."""
    if docling == ours:
        return "equal" if ours is not None else "refused by both"
    if docling is None or ours is None:
        return "refused by docling" if docling is None else "refused by docfleet"
    return "other text" if words(docling) != words(ours) else "other marks"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+")
    converter, engine = DocumentConverter(), docling_engine(ParserConfig())
    found: Counter[str] = Counter()
    for file in files_in(parser.parse_args().paths):
        docling, ours = by_docling(converter, file), by_engine(engine, file)
        told = verdict(docling, ours)
        found[told] += 1
        if docling and ours and told != "equal":
            told += f", {Indel.normalized_similarity(words(docling), words(ours)):.3f} alike"
        if told != "equal":
            print(f"{file.name:40s} {told}")
    print(f"{found.total()} files: " + ", ".join(f"{count} {what}" for what, count in found.most_common()))


if __name__ == "__main__":
    main()
