"""Refuses files that declare more than a result may hold, before the work is done. A few bytes can declare a table of
a thousand million cells, or as many spaces.

The limits follow from the one of the result: as many characters, and as many cells as it could hold if all were empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from zipfile import ZipFile

from docling.backend import boxnote_backend, html_backend
from docling.backend.latex.utils import table as latex_table
from docling.backend.utils.table_spans import table_width
from docling.datamodel.base_models import InputFormat
from docling_core.types.doc.document import DoclingDocument
from docling_core.utils.settings import settings
from lxml import etree

from actors.errors import FileError, result_too_large
from client.models import ErrorCode

#: The bytes of JSON that an empty cell of a table takes. Cells with text take more.
BYTES_OF_A_CELL = 200

#: The cells of Markdown tables: for each that is written, and in any file.
PADDED = 4
MIN_CELLS = 50_000

_BEYOND_DOCLING = re.compile(r"Table of (\d+)x(\d+) cells exceeds the limit of (\d+) cells")
_UNDER_A_HEAD = b" >\t:|-"  # the characters of the line below the head of a table
_PIECE = 64 * 1024  # bytes
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_SPANS = (f"{_TABLE}number-rows-spanned", f"{_TABLE}number-columns-spanned", f"{_OFFICE}value-type")

#: The attributes by which an element stands for many.
_REPETITIONS = {
    f"{_TABLE}table-row": f"{_TABLE}number-rows-repeated",
    f"{_TEXT}s": f"{_TEXT}c",
    **dict.fromkeys(_CELLS, f"{_TABLE}number-columns-repeated"),
}


def check(data: bytes, form: InputFormat, limit: int) -> None:
    """Raises FileError for a file that declares more than a result of `limit` bytes could hold."""
    if counted := _COUNTED.get(form):
        counted(data, limit)


def check_tables(document: DoclingDocument, limit: int) -> None:
    """Raises FileError when the cells of the tables alone would be larger than `limit` bytes.

    A document holds the cells that have content. Its JSON also holds the empty ones.
    """
    _check_cells(sum(table.data.num_rows * table.data.num_cols for table in document.tables), limit)


def limit_tables() -> None:
    """Let docling's readers of HTML, LaTeX and Box notes refuse a table before they fill it. docling's own limit
    holds for the table when it is finished."""
    for module in (html_backend, latex_table, boxnote_backend):
        module.table_width = _limited_width  # type: ignore[attr-defined]


def _limited_width(rows: Sequence[Sequence[tuple[int, int]]]) -> int:
    width = table_width(rows)
    _check_cells(width * len(rows), settings.max_table_cells * BYTES_OF_A_CELL)
    return width


def too_many_cells(error: BaseException) -> FileError | None:
    """The refusal of a file that has a table beyond docling's own limit; None for another error."""
    if found := _BEYOND_DOCLING.search(str(error)):
        rows, columns, most = found.groups()
        return FileError(ErrorCode.TOO_LARGE_TO_PARSE, f"A table has {rows} x {columns} cells; at most {most} are read")
    return None


def _check_cells(cells: int, limit: int) -> None:
    if cells * BYTES_OF_A_CELL > limit:
        most = limit // BYTES_OF_A_CELL
        message = f"The tables of the file have {cells} cells, most of them empty; at most {most} can be parsed"
        raise FileError(ErrorCode.TOO_LARGE_TO_PARSE, message)


def _check_open_document(data: bytes, limit: int) -> None:
    with ZipFile(BytesIO(data)) as archive, archive.open("content.xml") as content:
        parser = etree.XMLParser(target=_OpenDocument(limit), resolve_entities=False, no_network=True)
        try:
            while piece := content.read(_PIECE):
                parser.feed(piece)
        except etree.XMLSyntaxError:
            return  # docling says what is wrong


class _OpenDocument:
    """Hears the elements of an OpenDocument file, and adds up the text and the cells that they stand for.

    LibreOffice pads every sheet with millions of empty cells. docling looks at none below or to the right of the last
    cell with content, so those do not count.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = self._cells = 0
        self._times = [1]  # how often each open element stands there
        self._tables: list[_Extent] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        repeated = _number(attributes.get(_REPETITIONS.get(tag, ""), "1"))
        self._times.append(self._times[-1] * repeated)
        if tag == f"{_TABLE}table":
            self._tables.append(_Extent())
        elif self._tables and tag == f"{_TABLE}table-row":
            self._tables[-1].start_row(repeated)
        elif self._tables and tag in _CELLS:
            self._tables[-1].add_cells(repeated, has_content=any(name in attributes for name in _SPANS))
        elif self._tables and tag.startswith(_TEXT):
            self._tables[-1].add_content()
        if tag == f"{_TEXT}s":
            self._add(self._times[-1])

    def data(self, text: str) -> None:
        self._add(self._times[-1] * len(text))

    def end(self, tag: str) -> None:
        self._times.pop()
        if tag == f"{_TABLE}table" and self._tables:
            table = self._tables.pop()
            self._cells += self._times[-1] * table.rows * table.columns
            _check_cells(self._cells, self._limit)

    def close(self) -> None:
        """Called by the parser at the end of the file."""

    def _add(self, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            raise result_too_large(self._size, self._limit)


class _Extent:
    """The rows and columns of a table up to the last cell with content."""

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self._row = self._column = 0  # the last of those read so far

    def start_row(self, repeated: int) -> None:
        self._row += repeated
        self._column = 0

    def add_cells(self, repeated: int, *, has_content: bool) -> None:
        self._column += repeated
        if has_content:
            self.add_content()

    def add_content(self) -> None:
        """The last cell that was added has content."""
        self.rows, self.columns = self._row, max(self.columns, self._column)


def _number(text: str) -> int:
    try:
        return max(int(text), 1)
    except ValueError:
        return 1


def _check_article(data: bytes, limit: int) -> None:
    """docling would leave out a table that it cannot fill, without a word."""
    try:
        for _, table in etree.iterparse(BytesIO(data), tag="table", resolve_entities=False, no_network=True):
            cells = ([cell for cell in row if cell.tag in ("td", "th")] for row in table.iter("tr"))
            _limited_width([[(_span(cell, "colspan"), _span(cell, "rowspan")) for cell in row] for row in cells])
    except etree.XMLSyntaxError:
        return  # docling says what is wrong


def _span(cell: etree._Element, name: str) -> int:
    return min(_number(cell.get(name, "1")), settings.max_table_cells)


def _check_markdown(data: bytes, limit: int) -> None:
    """Every row of a table has as many cells as its head, however short its line is."""
    cells = columns = 0
    for line in data.splitlines():
        if b"-" in line and not line.strip(_UNDER_A_HEAD):
            columns = line.count(b"|") + 1
        elif not line.strip():
            columns = 0
        cells += columns
    written = data.count(b"|")
    _check_cells(cells, min(limit, (written * PADDED + MIN_CELLS) * BYTES_OF_A_CELL))


_COUNTED: Mapping[InputFormat, Callable[[bytes, int], None]] = {
    **dict.fromkeys((InputFormat.ODT, InputFormat.ODS, InputFormat.ODP), _check_open_document),
    InputFormat.XML_JATS: _check_article,
    InputFormat.MD: _check_markdown,
}
