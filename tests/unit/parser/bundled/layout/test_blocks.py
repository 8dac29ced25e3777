"""Which lines make one block: by gap, indent, marker, font and column."""

from __future__ import annotations

from actors.parser.bundled.layout.blocks import Block, find_blocks, typography_of
from actors.parser.bundled.layout.lines import Line
from tests.unit.parser.bundled.layout.pages import line, paragraph


def blocks_of(lines: list[Line]) -> list[Block]:
    return find_blocks(lines, [None] * len(lines), typography_of(lines))


def texts(lines: list[Line]) -> list[str]:
    return [block.text for block in blocks_of(lines)]


def test_lines_of_usual_distance_are_one_paragraph() -> None:
    assert len(blocks_of(paragraph(100))) == 1


def test_a_wider_gap_starts_a_paragraph() -> None:
    assert [len(block.rows) for block in blocks_of([*paragraph(100), *paragraph(165)])] == [4, 4]


def test_an_indented_first_line_starts_a_paragraph() -> None:
    lines = paragraph(100)
    lines[2] = line("indented", lines[2].box.top, 62, width=188)
    assert [len(block.rows) for block in blocks_of(lines)] == [2, 2]


def test_right_to_left_text_is_indented_at_its_right() -> None:
    lines = [line("שורה של טקסט", 100 + 13 * number) for number in range(4)]
    lines[2] = line("שורה ראשונה", lines[2].box.top, 50, width=180)
    assert [len(block.rows) for block in blocks_of(lines)] == [2, 2]


def test_right_to_left_rows_in_pieces_are_one_paragraph() -> None:
    """As fonts that change in a row cut it; the rows end where they like."""
    lines = []
    for number, left in enumerate((50, 80, 60, 70)):
        top = 100 + 13 * number
        lines += [line("שורה", top, 200, width=50), line("של טקסט", top, left, width=197 - left)]
    assert [len(block.rows) for block in blocks_of(lines)] == [4]


def test_centred_lines_stay_together() -> None:
    lines = [line("a centred title", 100, 100, width=300), line("in two lines", 113, 150, width=200)]
    assert len(blocks_of(lines)) == 1


def test_each_bullet_starts_an_item_and_its_hanging_lines_follow() -> None:
    lines = [
        line("• first item that is long", 100, bullet=True),
        line("and goes on", 113, 62, width=188),
        line("• second item", 126, bullet=True),
    ]
    assert texts(lines) == ["• first item that is long and goes on", "• second item"]


def test_each_number_starts_an_item() -> None:
    assert len(blocks_of([line("1. first", 100), line("2. second", 113), line("3. third", 126)])) == 3


def test_a_number_in_running_text_starts_nothing() -> None:
    lines = paragraph(100)
    lines[2] = line("12. that was the number of them", lines[2].box.top)
    assert len(blocks_of(lines)) == 1


def test_references_with_hanging_indent_are_one_block_each() -> None:
    lines = [line("Author, A title", 100), line("continued", 113, 62, width=188), line("Other, B title", 126)]
    assert texts(lines) == ["Author, A title continued", "Other, B title"]


def test_a_heavy_line_stands_apart_from_the_text_under_it() -> None:
    assert len(blocks_of([line("A heading", 100, heavy=True), *paragraph(113)])) == 2


def test_a_larger_line_stands_apart_from_the_text_under_it() -> None:
    assert len(blocks_of([line("A heading", 98, size=14), *paragraph(113)])) == 2


def test_columns_are_never_mixed() -> None:
    lines = [*paragraph(100, left=50), *paragraph(100, left=320)]
    assert {block.box.left for block in blocks_of(lines)} == {50, 320}


def test_pieces_of_one_line_are_one_row() -> None:
    (block,) = blocks_of([line("1.1", 100, 50, width=15, heavy=True), line("Scope", 100, 78, width=60, heavy=True)])
    assert block.text == "1.1 Scope"


def test_program_code_keeps_its_indents_in_one_block() -> None:
    lines = [
        line("def f():", 100, fixed_pitch=True),
        line("return 1", 111, 80, width=80, fixed_pitch=True),
        line("print(f())", 133, fixed_pitch=True),
    ]
    assert len(blocks_of(lines)) == 1


def test_lines_of_different_regions_never_share_a_block() -> None:
    from actors.parser.bundled.geometry import Box

    lines = paragraph(100)
    homes = [Box(0, 0, 300, 125)] * 2 + [Box(0, 125, 300, 200)] * 2
    assert len(find_blocks(lines, homes, typography_of(lines))) == 2


def test_the_usual_size_is_that_of_most_letters() -> None:
    usual = typography_of([line("Title", 50, size=30), *paragraph(100)])
    assert (usual.size, usual.heavy) == (10, False)
    assert abs(usual.gap - 0.3) < 0.01


def test_a_page_without_lines_has_no_blocks() -> None:
    assert blocks_of([]) == []
