"""What is a running header or footer, by the evidence of all pages."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from docling.datamodel.base_models import AssembledUnit, Cluster, FigureElement, Page, PageElement, TextElement
from docling_core.types.doc.base import BoundingBox, Size
from docling_core.types.doc.labels import DocItemLabel
from docling_core.types.doc.page import BoundingRectangle, TextCell

from actors.parser.bundled.layout.layout_model import RegionCluster
from actors.parser.engine.furniture import settle

HEADER, FOOTER, TEXT = DocItemLabel.PAGE_HEADER, DocItemLabel.PAGE_FOOTER, DocItemLabel.TEXT


def box_at(top: float) -> BoundingBox:
    return BoundingBox(l=50, t=top, r=400, b=top + 10)


def text(
    content: str, top: float = 400, *, maybe: DocItemLabel | None = None, label: DocItemLabel = TEXT
) -> TextElement:
    """A text of the body; one that may also be furniture if `maybe` says so."""
    cluster = RegionCluster(id=int(top), label=label, bbox=box_at(top), furniture=maybe)
    return TextElement(label=label, id=cluster.id, text=content, page_no=0, cluster=cluster)


def header(content: str, top: float = 20) -> TextElement:
    return text(content, top, maybe=HEADER)


def figure(*contents: str) -> FigureElement:
    """A figure with texts inside."""
    children = [
        Cluster(id=700 + number, label=TEXT, bbox=box_at(500), cells=[cell(content)])
        for number, content in enumerate(contents)
    ]
    cluster = Cluster(id=699, label=DocItemLabel.PICTURE, bbox=box_at(500), children=children)
    return FigureElement(label=DocItemLabel.PICTURE, id=699, page_no=0, cluster=cluster)


def cell(content: str) -> TextCell:
    rect = BoundingRectangle.from_bounding_box(box_at(500))
    return TextCell(rect=rect, text=content, orig=content, from_ocr=True)


def pages_of(*pages: Sequence[PageElement]) -> list[Page]:
    made = []
    for number, elements in enumerate(pages, 1):
        page = Page(page_no=number, size=Size(width=500, height=800), assembled=AssembledUnit(elements=list(elements)))
        for element in elements:
            element.page_no = number
        made.append(page)
    return made


def furniture_of(*pages: Sequence[PageElement]) -> list[list[str]]:
    """The texts of each page that are furniture."""
    made = pages_of(*pages)
    settle(made)
    return [[item.text or "" for item in page.assembled.headers] for page in made if page.assembled]


def body_of(*pages: Sequence[PageElement]) -> list[list[str]]:
    """The texts of each page that its body shows."""
    made = pages_of(*pages)
    settle(made)
    return [
        [item.text for item in page.assembled.body if isinstance(item, TextElement)] for page in made if page.assembled
    ]


def test_the_same_text_in_the_same_place_of_two_pages_is_a_running_header() -> None:
    assert furniture_of(*([header("Annual report"), text("body")] for _ in range(2))) == [["Annual report"]] * 2


def test_digits_may_differ_in_a_running_header() -> None:
    pages = ([header(f"Report of 4 June, page {number}"), text("body")] for number in (9, 10))
    assert furniture_of(*pages) == [["Report of 4 June, page 9"], ["Report of 4 June, page 10"]]


def test_one_page_is_no_evidence() -> None:
    assert furniture_of([header("To: all staff"), text("body")]) == [[]]
    assert furniture_of([header("To: all staff"), text("body")], [header("From: Personnel"), text("body")]) == [[], []]


def test_the_same_text_in_another_place_is_no_evidence() -> None:
    assert furniture_of([header("Report", 20), text("a")], [header("Report", 60), text("b")]) == [[], []]


def test_what_stands_on_fewer_than_a_third_of_the_pages_is_content() -> None:
    def pages(count: int) -> list[list[PageElement]]:
        return [[header("Chapter") if number < 2 else text("other", 30), text("body")] for number in range(count)]

    assert furniture_of(*pages(6))[:2] == [["Chapter"]] * 2
    assert furniture_of(*pages(7))[:2] == [[], []]


def test_a_repeated_text_that_no_layout_model_takes_for_furniture_is_content() -> None:
    assert furniture_of(*([text("Total"), text("body", 500)] for _ in range(3))) == [[], [], []]


@pytest.mark.parametrize("number", ["7", "312", "xiv", "- 12 -", "Page 3 of 9", "5 / 8"])
def test_a_page_number_is_furniture_on_a_single_page(number: str) -> None:
    assert furniture_of([text(number, 780, maybe=FOOTER), text("body")]) == [[number]]


@pytest.mark.parametrize("content", ["2026", "70315", "Civil", "No. 12", "12.50"])
def test_other_numbers_and_words_are_content_on_a_single_page(content: str) -> None:
    assert furniture_of([text(content, 780, maybe=FOOTER), text("body")]) == [[]]


def test_docling_s_own_labels_are_kept() -> None:
    assert furniture_of([text("Letterhead", 20, label=HEADER), text("body")]) == [["Letterhead"]]


@pytest.mark.parametrize("label", [TEXT, HEADER])
def test_the_last_text_of_a_page_is_never_taken_from_it(label: DocItemLabel) -> None:
    def lone() -> TextElement:
        return text("Only line", 20, maybe=HEADER, label=label)

    pages = [[lone(), text("12", 780, maybe=FOOTER)], [lone(), text("body")]]
    assert body_of(*pages) == [["Only line"], ["body"]]


def test_a_page_of_a_number_alone_keeps_it() -> None:
    assert body_of([text("12", 780, maybe=FOOTER)]) == [["12"]]


def test_a_page_whose_words_are_all_in_a_figure_shows_them() -> None:
    made = pages_of([figure("Dark slide", "of two lines"), text("3", 780, maybe=FOOTER)])
    settle(made)
    assert made[0].assembled is not None
    shown = [item.text for item in made[0].assembled.body if isinstance(item, TextElement)]
    inside = [child for item in made[0].assembled.body for child in item.cluster.children]
    assert (shown, inside) == (["Dark slide", "of two lines"], [])


def test_the_words_of_a_figure_stay_in_it_where_the_page_has_others() -> None:
    assert body_of([figure("axis"), text("body")]) == [["body"]]


def test_a_page_without_words_stays_as_it_is() -> None:
    assert body_of([figure()], []) == [[], []]
