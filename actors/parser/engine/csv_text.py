"""CSV files as people make them: with quotes that do not fit together, and with very long lines."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path

from docling.backend.csv_backend import CsvDocumentBackend, _sniff_dialect
from docling.datamodel.backend_options import CsvBackendOptions
from docling.datamodel.document import InputDocument
from docling_core.types.doc.document import DoclingDocument

#: Characters of a line that the delimiter is looked for in: the search takes the square of their number.
SNIFFED = 4096

csv.field_size_limit(2**31 - 1)  # for this process; Python's own limit refuses files with a cell above 128 KiB


class CsvBackend(CsvDocumentBackend):
    """docling's reader, which looks for the delimiter in the beginning of a line alone."""

    def __init__(
        self, in_doc: InputDocument, path_or_stream: BytesIO | Path, options: CsvBackendOptions | None = None
    ) -> None:
        super().__init__(in_doc, path_or_stream, options)
        self.content = _BrieflySniffed(self.content.getvalue())

    def convert(self) -> DoclingDocument:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Inconsistent column lengths")  # rows may be short; none loses a cell
            return super().convert()


class _BrieflySniffed(StringIO):
    """Whole lines for a reader, which iterates; the beginning of a line for docling's search, which asks for one."""

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # as StringIO itself has it
        return super().readline(SNIFFED)

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        return iter(StringIO(self.read()))


def mend(text: str) -> tuple[str, int | None]:
    """The text with sound quotes, and the number of the line where they first went wrong; None if they never do."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    dialect = _dialect(text)
    rows = csv.reader(StringIO(text), dialect=dialect, doublequote=True, strict=True)
    try:
        for _ in rows:
            pass
    except csv.Error:
        lenient = _LenientReader(text, dialect.delimiter, dialect.quotechar or '"')
        return _written(lenient.rows(), dialect), rows.line_num
    return text, None


def _dialect(text: str) -> type[csv.Dialect]:
    """As docling chooses it."""
    begin = text.lstrip("\n")
    try:
        return _sniff_dialect(begin.partition("\n")[0][:SNIFFED] + "\n", lambda: begin[:SNIFFED])
    except csv.Error:
        return csv.excel


def _written(rows: Iterator[list[str]], dialect: type[csv.Dialect]) -> str:
    out = StringIO()
    writer = csv.writer(out, delimiter=dialect.delimiter, quotechar=dialect.quotechar, lineterminator="\n")
    writer.writerows(row for row in rows if row != [""])
    return out.getvalue()


class _LenientReader:
    """A quote opens a cell at its beginning and closes it at its end; any other quote is a character of the cell."""

    def __init__(self, text: str, delimiter: str, quote: str) -> None:
        self._text, self._delimiter, self._quote = text, delimiter, quote
        d, q = re.escape(delimiter), re.escape(quote)
        self._sound = re.compile(rf"{q}((?:[^{q}]|{q}{q})*+){q}(?={d}|\n|\Z)")
        self._closing = re.compile(rf"{q}(?={d}|\Z)")
        self._bare = re.compile(rf"[^{d}\n]*")
        self._unclosed_until = 0  # or each of a line's quotes would be looked for a partner up to the line's end

    def rows(self) -> Iterator[list[str]]:
        row: list[str] = []
        at = 0
        while at < len(self._text) or row:
            cell, at = self._cell(at)
            row.append(cell)
            if self._text[at : at + 1] != self._delimiter:
                yield row
                row = []
            at += 1

    def _cell(self, at: int) -> tuple[str, int]:
        """The cell that begins at `at`, and where it ends. Only a sound one may go on over a line's end."""
        if whole := self._sound.match(self._text, at):
            return whole[1].replace(self._quote * 2, self._quote), whole.end()
        if closing := self._closing_on_line(at):
            return self._text[at + 1 : closing], closing + 1
        bare = self._bare.match(self._text, at)
        end = bare.end() if bare else at
        return self._text[at:end], end

    def _closing_on_line(self, at: int) -> int | None:
        if at < self._unclosed_until or not self._text.startswith(self._quote, at):
            return None
        line_end = self._text.find("\n", at) % (len(self._text) + 1)
        closing = self._closing.search(self._text, at + 1, line_end)
        if closing is None:
            self._unclosed_until = line_end
        return closing.start() if closing else None
