"""Excel sheets whose cells lie far apart. docling looks at every place between them, and makes an empty cell there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docling.backend.msexcel_backend import MsExcelDocumentBackend
from openpyxl.cell.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet

from actors.errors import FileError
from client.models import ErrorCode

#: The empty cells that docling may make: it looks at the four neighbours of a cell, and fills the tables that it finds.
NEIGHBOURS = 4
MIN_EMPTY_CELLS = 200_000


class SparseSheets(MsExcelDocumentBackend):
    """docling's reader, in time that is proportional to the cells that exist."""

    def _find_data_tables(self, sheet: Worksheet) -> tuple[Any, Any]:
        cells = _LimitedCells(sheet._cells)
        sheet._cells = cells
        sheet.iter_rows = cells.rows
        try:
            return super()._find_data_tables(sheet)
        finally:
            del sheet.iter_rows


class _LimitedCells(dict[tuple[int, int], Cell]):
    """The cells of a sheet by row and column. Raises FileError when too many are added."""

    def __init__(self, cells: dict[tuple[int, int], Cell]) -> None:
        super().__init__(cells)
        self._most = len(cells) * (1 + NEIGHBOURS) + MIN_EMPTY_CELLS

    def __setitem__(self, place: tuple[int, int], cell: Cell) -> None:
        if len(self) >= self._most:
            message = "The cells of a sheet lie too far apart: its tables would be almost empty, and too large"
            raise FileError(ErrorCode.TOO_LARGE_TO_PARSE, message)
        super().__setitem__(place, cell)

    def rows(self, *, min_row: int, max_row: int, min_col: int, max_col: int, values_only: bool) -> Iterator[Any]:
        """As `Worksheet.iter_rows`, but a row ends with its last cell, and all empty places share one cell."""
        ends: dict[int, int] = {}
        for row, column in self:
            ends[row] = max(ends.get(row, 0), min(column, max_col))
        for row in range(min_row, max_row + 1):
            yield tuple(self.get((row, column), _EMPTY) for column in range(min_col, ends.get(row, 0) + 1))


_EMPTY = Cell(None, row=1, column=1)
