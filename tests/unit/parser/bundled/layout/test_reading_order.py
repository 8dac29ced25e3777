"""The order in which the regions of a page are read."""

from __future__ import annotations

from docling.models.postprocessing.reading_order_rb import PageElement
from docling_core.types.doc.base import CoordOrigin, Size
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.layout.reading_order import ReadingOrder, order_of

TITLE = Box(150, 50, 450, 70)
LEFT = [Box(50, 100, 290, 300), Box(50, 310, 290, 700)]
RIGHT = [Box(310, 100, 550, 400), Box(310, 412, 550, 700)]


def in_order(*boxes: Box, leftwards: bool = False) -> bool:
    shuffled = [*boxes[1::2], *boxes[::2]]
    return [shuffled[index] for index in order_of(shuffled, leftwards)] == list(boxes)


def test_one_column_is_read_from_the_top() -> None:
    assert in_order(TITLE, *LEFT)


def test_columns_are_read_one_after_the_other() -> None:
    assert in_order(TITLE, *LEFT, *RIGHT)


def test_right_to_left_columns_start_at_the_right() -> None:
    assert in_order(TITLE, *RIGHT, *LEFT, leftwards=True)


def test_a_short_heading_is_read_after_the_title_over_it() -> None:
    assert in_order(TITLE, Box(50, 80, 100, 92), *LEFT, *RIGHT)


def test_a_line_of_very_many_cells_is_read_from_its_left() -> None:
    assert in_order(*(Box(10 * number, 50, 10 * number + 4, 60) for number in range(1500)))


def test_a_region_over_all_columns_parts_them() -> None:
    below = [box._replace(top=box.top + 700, bottom=box.bottom + 700) for box in (*LEFT, *RIGHT)]
    assert in_order(*LEFT, *RIGHT, Box(50, 710, 550, 790), *below)


def test_three_columns_are_read_from_the_left() -> None:
    assert in_order(*(Box(left, top, left + 150, top + 90) for left in (50, 220, 390) for top in (100, 200, 300)))


def test_labels_are_read_with_their_values() -> None:
    assert in_order(*(Box(left, top, left + 60, top + 10) for top in (100, 115, 130, 145) for left in (50, 300)))


def test_addresses_at_both_sides_are_read_from_the_top() -> None:
    assert in_order(Box(400, 50, 550, 100), Box(50, 120, 200, 180), Box(50, 220, 550, 400))


def test_regions_that_overlap_a_little_are_read_from_the_top() -> None:
    assert in_order(Box(50, 100, 550, 131), Box(50, 129, 550, 200), Box(50, 199, 550, 300))


def element(number: int, label: DocItemLabel, box: Box, *, page: int = 1, text: str = "words") -> PageElement:
    return PageElement(
        cid=number, page_no=page, page_size=Size(width=600, height=800), label=label, text=text,
        l=box.left, t=box.top, r=box.right, b=box.bottom, coord_origin=CoordOrigin.TOPLEFT,
    )  # fmt: skip


def test_headers_come_first_and_footers_last_on_each_page() -> None:
    labels = (DocItemLabel.PAGE_FOOTER, DocItemLabel.TEXT, DocItemLabel.PAGE_HEADER)
    elements = [
        element(number, label, Box(50, 100 * number + 50, 550, 100 * number + 90), page=page)
        for page in (2, 1)
        for number, label in enumerate(labels)
    ]
    found = [(each.page_no, each.label) for each in ReadingOrder().predict_reading_order(elements)]
    assert found == [(page, label) for page in (1, 2) for label in reversed(labels)]


def test_the_script_of_most_letters_tells_where_columns_start() -> None:
    boxes = [LEFT[0], RIGHT[0]]
    hebrew = [element(number, DocItemLabel.TEXT, box, text="מילים רבות Python") for number, box in enumerate(boxes)]
    latin = [element(number, DocItemLabel.TEXT, box, text="words מי") for number, box in enumerate(boxes)]
    assert [each.cid for each in ReadingOrder().predict_reading_order(hebrew)] == [1, 0]
    assert [each.cid for each in ReadingOrder().predict_reading_order(latin)] == [0, 1]


def test_a_footnote_after_a_picture_stays_in_the_text() -> None:
    picture = element(0, DocItemLabel.PICTURE, Box(50, 100, 550, 300))
    note = element(1, DocItemLabel.FOOTNOTE, Box(50, 310, 550, 330))
    assert ReadingOrder().predict_to_footnotes([picture, note]) == {}
