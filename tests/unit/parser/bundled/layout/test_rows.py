"""Rows of forms and receipts: values stay with their labels."""

from __future__ import annotations

from actors.parser.bundled.layout.blocks import find_blocks, typography_of
from actors.parser.bundled.layout.lines import Line
from actors.parser.bundled.layout.rows import is_form
from tests.unit.parser.bundled.layout.pages import line


def texts(lines: list[Line]) -> list[str]:
    return [block.text for block in find_blocks(lines, [None] * len(lines), typography_of(lines))]


def row(top: float, label: str, value: str, left: float = 300, width: float = 40) -> list[Line]:
    return [line(label, top, 50, width=70), line(value, top, left, width=width)]


def test_labels_keep_their_values() -> None:
    lines = [*row(100, "Name:", "Ada"), *row(115, "Town:", "Lund"), *row(130, "Trade:", "Clerk")]
    assert texts(lines) == ["Name: Ada", "Town: Lund", "Trade: Clerk"]


def test_amounts_at_the_right_keep_their_labels() -> None:
    lines = [*row(100, "Coffee", "3.50", 300, 20), *row(113, "Apple cake", "12.00", 294, 26)]
    assert texts(lines) == ["Coffee 3.50", "Apple cake 12.00"]


def test_amounts_with_decimals_keep_wide_labels() -> None:
    names = [line(f"an article with a long name {letter}", 100 + 13 * n, 50) for n, letter in enumerate("ab")]
    amounts = [line("12.50", 100, 400, width=26), line("3,00 EUR", 113, 386, width=40)]
    assert texts([*names, *amounts]) == [
        f"{name.text} {amount.text}" for name, amount in zip(names, amounts, strict=True)
    ]


def test_numbers_beside_lines_of_prose_are_not_joined() -> None:
    prose = [line(f"words that go on and on {letter}", 100 + 13 * n, 50) for n, letter in enumerate("ab")]
    assert texts([*prose, *(line(str(n), 100 + 13 * n, 400, width=10) for n in range(2))])[0].endswith("b")


def test_right_to_left_labels_stand_at_the_right() -> None:
    names = [line("עדה", 100 + 15 * number, 50, width=70) for number in range(2)]
    labels = [line("שם:", 100 + 15 * number, 300, width=40) for number in range(2)]
    assert texts([*names, *labels]) == ["שם: עדה", "שם: עדה"]


def test_a_single_label_joins_nothing() -> None:
    assert len(texts(row(100, "Name:", "Ada"))) == 2


def test_values_that_are_not_in_line_are_no_column() -> None:
    assert len(texts([*row(100, "Name:", "Ada"), *row(115, "Town:", "Lund", 340, 70)])) > 2


def test_columns_of_prose_are_not_joined() -> None:
    lines = [line("words that end as follows:", 100 + 13 * number, left) for number in range(4) for left in (50, 300)]
    assert len(texts(lines)) == 2


def test_columns_of_words_are_not_joined() -> None:
    lines = [cell for number in range(4) for cell in row(100 + 13 * number, "apples", "pears")]
    assert texts(lines) == ["apples apples apples apples", "pears pears pears pears"]


def test_most_labels_of_a_form_end_with_a_colon() -> None:
    assert is_form([*row(100, "Name:", "Ada"), *row(115, "Town:", "Lund")])
    assert not is_form([*row(100, "Name", "Ada"), *row(115, "Town:", "Lund")])
