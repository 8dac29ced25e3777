"""Finds rows of labels with values, as in forms and receipts. Such a row is read as one piece."""

import re
from collections.abc import Iterable, Sequence

from actors.parser.bundled.geometry import around
from actors.parser.bundled.layout.lines import Line

#: Labels are narrower than this many line heights; lines of prose in columns are wider.
LABEL_WIDTH = 14.0
#: Values of neighbouring rows have the same left or right edge: they differ by less than this many line heights.
SAME_EDGE = 0.5
#: The rows of one form are at most this many line heights apart.
NEAR = 3.0
#: A number, or an amount with its currency, unit or tax code: `12.50`, `-3,00 EUR`, `CHF 1'200.-`, `4.10 A`.
AMOUNT = re.compile(r"[(+\-−–]?([A-Z]{3}|[$€£¥])?\s?[+\-−–]?\d[\d.,' ]*[\-−–]?\s?([$€£¥%]|[^\W\d_]{1,3})?\W{0,2}")

#: Beside a number with decimals a label may be as wide as it likes: it is no line of prose.
DECIMALS = re.compile(r"\d[.,]\d{2}(?!\d)")


def rows_of(lines: Iterable[Line]) -> list[list[Line]]:
    """Groups lines that stand beside each other, from top to bottom."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.box.top + line.box.bottom, line.box.left)):
        if rows and line.box.beside(around(cell.box for cell in rows[-1])) > 0.5:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def as_read(row: Iterable[Line]) -> list[Line]:
    """The lines of a row in reading order: from the right if most of them run from right to left."""
    row = list(row)
    leftwards = sum(line.right_to_left for line in row) > 0.5 * len(row)
    return sorted(row, key=lambda line: -line.box.right if leftwards else line.box.left)


def field_rows(lines: Sequence[Line]) -> list[list[Line]]:
    """The rows, at least two near each other, in which values stand in a column beside their labels."""
    rows = [row for row in map(as_read, rows_of(lines)) if _is_field(row)]
    runs: list[list[list[Line]]] = []
    for row in rows:
        if runs and _follows(runs[-1][-1], row):
            runs[-1].append(row)
        else:
            runs.append([row])
    return [row for run in runs if len(run) > 1 for row in run]


def is_form(lines: Sequence[Line]) -> bool:
    """Whether most rows begin with a label that ends with a colon: text that reads row by row, no table."""
    rows = [as_read(row) for row in rows_of(lines)]
    return sum(len(row) > 1 and row[0].text.endswith(":") for row in rows) > 0.5 * len(rows)


def _is_field(row: Sequence[Line]) -> bool:
    label, value = row[0], row[-1]
    if len(row) < 2 or label.bullet:
        return False
    amount = AMOUNT.fullmatch(value.text.strip()) is not None
    if label.box.width > LABEL_WIDTH * label.size:
        return amount and DECIMALS.search(value.text) is not None
    return amount or label.text.endswith(":")


def _follows(row: Sequence[Line], below: Sequence[Line]) -> bool:
    """Whether a row is the next one of the same form or receipt."""
    value, other = row[-1].box, below[-1].box
    edge = min(abs(value.left - other.left), abs(value.right - other.right))
    size = row[-1].size
    return edge < SAME_EDGE * size and other.top - value.bottom < NEAR * size
