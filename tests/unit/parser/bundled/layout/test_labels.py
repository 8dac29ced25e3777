"""What a block is, from how it is set and what the detector made of it."""

from __future__ import annotations

from typing import Any

import pytest
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.bundled.layout.blocks import Block, Typography
from actors.parser.bundled.layout.detector import Detection
from actors.parser.bundled.layout.headings import Surroundings
from actors.parser.bundled.layout.labels import CAPTION, PAGE_NUMBER, furniture, role_of
from actors.parser.bundled.layout.lines import Line
from tests.unit.parser.bundled.layout.pages import PAGE, line, seen

USUAL = Typography(size=10, heavy=False, gap=0.3)


def block(*lines: Line) -> Block:
    return Block(tuple((each,) for each in lines))


def role(*lines: Line, views: dict[str, float] | None = None) -> DocItemLabel:
    made = block(*lines)
    return role_of(made, [seen(label, made.box, score) for label, score in (views or {}).items()], USUAL)


@pytest.mark.parametrize(
    ("style", "views"),
    [
        ({"size": 14}, {}),
        ({"size": 14}, {"text": 0.9}),
        ({"heavy": True}, {}),
        ({"heavy": True}, {"title": 0.4, "text": 0.9}),
        ({"size": 12}, {"title": 0.3}),
        ({}, {"title": 0.8}),
    ],
)
def test_headings_are_set_apart_or_seen(style: dict[str, Any], views: dict[str, float]) -> None:
    assert role(line("Results", 100, **style), views=views) is DocItemLabel.SECTION_HEADER


@pytest.mark.parametrize(
    ("text", "style", "views"),
    [
        ("A sentence that ends.", {"heavy": True}, {}),
        ("Results", {}, {"title": 0.6, "text": 0.7}),
        ("Author Name", {"heavy": True}, {"text": 0.9}),
        ("42", {"size": 20}, {}),
        ("small print", {"size": 7}, {"title": 0.9}),
    ],
)
def test_what_is_no_heading_stays_text(text: str, style: dict[str, Any], views: dict[str, float]) -> None:
    assert role(line(text, 100, **style), views=views) is DocItemLabel.TEXT


def test_a_whole_page_in_bold_is_not_all_headings() -> None:
    made = block(line("Some words", 100, heavy=True))
    assert role_of(made, [], Typography(size=10, heavy=True, gap=0.3)) is DocItemLabel.TEXT


def test_a_box_around_a_paragraph_says_nothing_about_its_first_line() -> None:
    made = block(line("Results", 100, heavy=True))
    around_much_more = seen("text", PAGE, 0.99)
    assert role_of(made, [around_much_more], USUAL) is DocItemLabel.SECTION_HEADER


def test_a_bold_bullet_is_a_list_item() -> None:
    assert role(line("• Item", 100, bullet=True, heavy=True)) is DocItemLabel.LIST_ITEM


def test_a_numbered_line_is_a_list_item_and_a_numbered_title_a_heading() -> None:
    assert role(line("1. Wash your hands", 100)) is DocItemLabel.LIST_ITEM
    assert role(line("1. Introduction", 100, heavy=True)) is DocItemLabel.SECTION_HEADER


def test_fixed_pitch_is_code_whatever_the_detector_sees() -> None:
    assert role(line("x = 1", 100, fixed_pitch=True), views={"title": 0.9}) is DocItemLabel.CODE


def test_captions_are_seen_and_may_be_named() -> None:
    assert role(line("An apple", 100), views={"figure_caption": 0.6}) is DocItemLabel.CAPTION
    assert role(line("Table 2. Apples", 100, heavy=True), views={"table_caption": 0.3}) is DocItemLabel.CAPTION
    assert role(line("Table 2 shows apples", 100)) is DocItemLabel.TEXT


@pytest.mark.parametrize(
    "text", ["Table 2. Apples", "FIGURE A1: Pears", "Fig. B", "Table IV", "[Abb. 3]", "表 2", "chart 7"]
)
def test_captions_begin_with_a_label_and_its_number(text: str) -> None:
    assert CAPTION.match(text)


@pytest.mark.parametrize("text", ["Tables are laid", "Figure out how", "Table lamp", "Table of contents", "Chart"])
def test_words_that_only_begin_like_a_label_are_no_caption(text: str) -> None:
    assert not CAPTION.match(text)


def test_three_lines_with_leaders_are_an_index() -> None:
    lines = [line(f"Chapter {number} . . . . . . . . . {number}", 100 + 13 * number) for number in range(3)]
    assert role(*lines) is DocItemLabel.DOCUMENT_INDEX


@pytest.mark.parametrize("text", ["1 See the last page", "* See the last page", "† See the last page", "² See above"])
def test_small_print_with_a_mark_at_the_end_of_a_column_is_a_footnote(text: str) -> None:
    note, body = block(line(text, 700, size=8)), block(line("Body text", 400))
    assert role_of(note, [], USUAL, Surroundings(above=body)) is DocItemLabel.FOOTNOTE
    assert role_of(note, [], USUAL, Surroundings(above=body, below=body)) is DocItemLabel.TEXT


@pytest.mark.parametrize(
    ("text", "size"), [("See the last page", 8), ("1 See the last page", 10), ("12.5 kg of it", 8)]
)
def test_other_text_at_the_end_of_a_column_is_no_footnote(text: str, size: float) -> None:
    body = block(line("Body text", 400))
    assert role_of(block(line(text, 700, size=size)), [], USUAL, Surroundings(above=body)) is DocItemLabel.TEXT


def test_footnotes_stand_over_each_other() -> None:
    notes = [block(line(f"{number} See the last page", 700 + 10 * number, size=8)) for number in (1, 2)]
    around = Surroundings(above=block(line("Body text", 400)), below=notes[1])
    assert role_of(notes[0], [], USUAL, around) is DocItemLabel.FOOTNOTE


def edges(*blocks: Block, views: list[Detection] | None = None) -> dict[str, DocItemLabel]:
    return {found.text: label for found, label in furniture(blocks, views or [], PAGE).items()}


def test_page_numbers_at_the_edge_are_furniture() -> None:
    number, body = block(line("17", 780, width=12)), block(line("Body text", 400))
    assert edges(number, body) == {"17": DocItemLabel.PAGE_FOOTER}


def test_what_stands_in_line_with_a_page_number_is_furniture_too() -> None:
    number, title = block(line("Page 3 of 9", 20, 500, width=60)), block(line("The running title", 20))
    assert edges(number, title) == dict.fromkeys(["Page 3 of 9", "The running title"], DocItemLabel.PAGE_HEADER)


@pytest.mark.parametrize("text", ["3", "iv", "XII", "- 17 -", "(xc)", "Page 3 of 9", "SEITE 12", "ccclxxxviii"])
def test_page_numbers_are_arabic_or_roman(text: str) -> None:
    assert PAGE_NUMBER.fullmatch(text)


@pytest.mark.parametrize("text", ["Civil", "Mix", "MIX", "Vivid", "Mild", "DVD", "Li", "iiii", "", "Page"])
def test_words_of_roman_letters_are_no_page_numbers(text: str) -> None:
    assert not PAGE_NUMBER.fullmatch(text)


def test_a_number_under_the_first_line_of_the_body_is_no_furniture() -> None:
    assert edges(block(line("The text begins here", 20)), block(line("1", 45)), block(line("more", 90))) == {}


def test_rows_of_a_header_are_furniture_one_after_the_other() -> None:
    rows = [block(line("Journal of Apples", 20)), block(line("3", 40))]
    assert edges(*rows, views=[seen("header", rows[0].box)]) == dict.fromkeys(
        ["Journal of Apples", "3"], DocItemLabel.PAGE_HEADER
    )


def test_a_seen_header_is_furniture_only_at_the_edge() -> None:
    high, low = block(line("Journal of Apples", 20)), block(line("Apples", 300))
    views = [seen("header", high.box), seen("header", low.box)]
    assert edges(high, low, views=views) == {"Journal of Apples": DocItemLabel.PAGE_HEADER}


def test_text_at_the_edge_that_nobody_takes_for_furniture_is_kept() -> None:
    assert edges(block(line("The last line of a full page", 780))) == {}
