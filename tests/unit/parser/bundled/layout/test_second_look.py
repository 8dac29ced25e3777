"""What OCR read of a scan shows which labels and amounts belong on one row, and how far tables reach."""

from __future__ import annotations

from typing import Any

import pytest
from docling.datamodel.base_models import Cluster, LayoutPrediction, Page
from docling_core.types.doc.base import BoundingBox, Size
from docling_core.types.doc.labels import DocItemLabel
from docling_core.types.doc.page import BoundingRectangle, TextCell

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.layout.lines import Line, box_of
from actors.parser.bundled.layout.second_look import look_again, with_rows
from tests.unit.parser.bundled.layout.pages import PAGE, line, paragraph

TEXT, TABLE, PICTURE = DocItemLabel.TEXT, DocItemLabel.TABLE, DocItemLabel.PICTURE


def region(label: DocItemLabel, box: Box) -> Cluster:
    return Cluster(id=0, label=label, bbox=BoundingBox(l=box.left, t=box.top, r=box.right, b=box.bottom))


def receipt(top: float, *amounts: str, step: float = 20) -> list[Line]:
    """Labels at the left and amounts that end at 300."""
    return [
        part
        for number, amount in enumerate(amounts)
        for part in (
            line(f"Article {chr(65 + number)}", top + step * number, 50, width=60),
            line(amount, top + step * number, 300 - 6 * len(amount), width=6 * len(amount)),
        )
    ]


def texts(clusters: list[Cluster], lines: list[Line]) -> list[tuple[str, DocItemLabel]]:
    """The text in each region, and its label. A line belongs to the first region around it."""
    found, left = [], lines
    for cluster in clusters:
        box = Box(*cluster.bbox.as_tuple())
        inside = [each for each in left if each.box.inside(box) > 0.5]
        left = [each for each in left if each not in inside]
        found.append(
            (" ".join(each.text for each in sorted(inside, key=lambda each: each.box[:2][::-1])), cluster.label)
        )
    return found


def seen_again(clusters: list[Cluster], lines: list[Line]) -> list[tuple[str, DocItemLabel]]:
    regions, _ = with_rows(clusters, lines, PAGE)
    assert [each.id for each in regions] == [*range(len(regions))]
    return texts(regions, lines)


@pytest.mark.parametrize(
    "amounts",
    [
        ("2.40", "12.90"),
        ("3,50 EUR", "1.200,00 EUR"),
        ("4.10 A", "12.90 B"),
        ("$3.00", "$12.00"),
        ("-3.00", "CHF 200.-"),
    ],
)
def test_a_row_of_a_receipt_is_a_region(amounts: tuple[str, str]) -> None:
    rows = [(f"Article {letter} {amount}", TEXT) for letter, amount in zip("AB", amounts, strict=True)]
    assert seen_again([], receipt(100, *amounts)) == rows


def test_a_text_around_rows_falls_into_its_parts() -> None:
    lines = [
        line("Orchard Coffee House", 80),
        *receipt(100, "2.40", "12.90"),
        line("Thank you", 150),
        line("Again", 165),
    ]
    found = seen_again([region(DocItemLabel.SECTION_HEADER, Box(40, 70, 310, 180))], lines)
    assert found == [
        ("Article A 2.40", TEXT),
        ("Article B 12.90", TEXT),
        ("Orchard Coffee House", DocItemLabel.SECTION_HEADER),
        ("Thank you Again", DocItemLabel.SECTION_HEADER),
    ]


def test_texts_beside_no_row_stay_as_they_are() -> None:
    lines = paragraph(100)
    assert seen_again([region(TEXT, Box(45, 95, 260, 155))], lines) == [(" ".join(each.text for each in lines), TEXT)]


def test_a_table_gets_the_columns_beside_it() -> None:
    lines = receipt(100, "2.40", "12.90", "7.10")
    ((text, label),) = seen_again([region(TABLE, Box(240, 95, 310, 155))], lines)
    assert (text.split()[:3], label) == (["Article", "A", "2.40"], TABLE)


def test_a_box_around_the_labels_of_rows_is_no_table() -> None:
    far = [line("A stamp that stands beside the rows and is far too long for a cell", 110, 320, width=250)]
    found = seen_again([region(TABLE, Box(45, 95, 120, 155))], [*receipt(100, "2.40", "12.90", "7.10"), *far])
    assert [label for _, label in found] == [TEXT] * 3


def test_a_table_with_whole_rows_stays_a_table() -> None:
    assert [label for _, label in seen_again([region(TABLE, Box(40, 90, 310, 130))], receipt(100, "2.40", "9.00"))] == [
        TABLE
    ]


def test_rows_inside_a_picture_stay_in_it() -> None:
    assert [
        label for _, label in seen_again([region(PICTURE, Box(40, 90, 310, 160))], receipt(100, "2.40", "9.00"))
    ] == [PICTURE]


def test_the_picture_of_the_whole_page_keeps_no_rows() -> None:
    found = seen_again([region(PICTURE, PAGE)], receipt(100, "2.40", "9.00"))
    assert [label for _, label in found] == [TEXT, TEXT, PICTURE]


def cell(read: Line, index: int, *, from_ocr: bool) -> TextCell:
    rect = BoundingRectangle.from_bounding_box(region(TEXT, read.box).bbox)
    return TextCell(index=index, text=read.text, orig=read.text, rect=rect, from_ocr=from_ocr)


class Scan(Page):
    """A page with the lines that were read of it."""

    read: list[TextCell]

    @property
    def cells(self) -> list[TextCell]:
        return self.read


def scan(lines: list[Line], **origin: Any) -> Scan:
    page = Scan(
        page_no=1, size=Size(width=600, height=800), read=[cell(each, n, **origin) for n, each in enumerate(lines)]
    )
    page.predictions.layout = LayoutPrediction(clusters=[])
    return page


def test_docling_reads_the_cells_of_a_row_from_the_label_to_the_amount() -> None:
    page = scan(receipt(100, "2.40", "9.00")[::-1], from_ocr=True)
    look_again(page)
    in_order = sorted(page.read, key=lambda each: each.index)
    assert [each.text for each in in_order] == ["Article B", "9.00", "Article A", "2.40"]
    assert all(box_of(each).area for each in in_order)
    assert page.predictions.layout is not None
    assert len(page.predictions.layout.clusters) == 2


def test_a_page_with_text_of_its_own_keeps_its_regions() -> None:
    page = scan(receipt(100, "2.40", "9.00"), from_ocr=False)
    look_again(page)
    assert page.predictions.layout == LayoutPrediction(clusters=[])
