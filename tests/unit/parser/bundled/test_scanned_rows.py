"""Rows of scanned receipts and invoices that no rule was fitted to: labels keep their amounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.made_pages import misplaced
from benchmarks.made_scans import make
from benchmarks.scanned_rows import FITTED, Score, measure, parse, score

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

SEED = 200
ROWS = (("Wall clock", "12.50"), ("Desk lamp", "3,10"))


@pytest.mark.models
@pytest.mark.parametrize(
    ("kind", "turned"),
    [
        ("receipt", True),
        ("receipt with dotted leaders", True),
        ("receipt with pieces", False),
        ("invoice, 4 columns", True),
        ("invoice, long articles", False),
        ("invoice, ruled", True),
    ],
)
def test_amounts_stay_with_their_labels(engines: list[Engine], kind: str, turned: bool) -> None:
    scan = make(kind, SEED, turned=turned)
    parsed = parse(engines[0], scan)
    found = measure(scan, parsed)
    assert (misplaced(parsed), parsed.words_lost) == (0, 0)
    assert (found.next, found.together) == (found.read, found.read)
    assert found.read >= 0.85 * found.rows


def test_no_rule_was_fitted_to_these_scans() -> None:
    assert SEED not in FITTED


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        (["Wall clock 12.50", "Desk lamp 3.10"], Score(2, 2, 2, 2)),
        (["Wallclock ..... 12,50 EUR", "Desk larnp 4 3,10"], Score(2, 2, 2, 2)),
        (["Wall clock", "12.50", "Desk lamp", "3,10"], Score(2, 2, 2, 0)),
        (["Wall clock", "Desk lamp", "12.50", "3,10"], Score(2, 2, 0, 0)),
        (["Wall clock Desk lamp 12.50 3,10"], Score(2, 2, 0, 0)),
        (["Wall clock 112.50", "3,10"], Score(2, 0, 0, 0)),
    ],
)
def test_a_row_counts_if_its_amount_comes_next(pieces: list[str], found: Score) -> None:
    assert score(ROWS, pieces) == found
