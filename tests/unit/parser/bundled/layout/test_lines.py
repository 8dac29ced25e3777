"""What fonts and word boxes tell about a line."""

from __future__ import annotations

import pytest
from docling.datamodel.base_models import Page
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.page import (
    BoundingRectangle,
    PdfPageBoundaryType,
    PdfPageGeometry,
    PdfTextCell,
    SegmentedPdfPage,
    TextCell,
)

from actors.parser.bundled.layout.lines import MIXED, PlacedCell, box_of, fixed_pitch_fonts, make_line, read_lines

PLAIN = "/ABCDEF+Times-Roman"


def cell(text: str, left: float, width: float, *, font: str = PLAIN, height: float = 10) -> TextCell:
    rect = BoundingRectangle.from_bounding_box(BoundingBox(l=left, t=100, r=left + width, b=100 + height))
    return PdfTextCell(
        rect=rect, text=text, orig=text, text_direction="left_to_right", font_key="/F1", font_name=font,
        rendering_mode=0, widget=False, index=0, confidence=1.0, from_ocr=False,
    )  # fmt: skip


def words(*cells: TextCell) -> list[PlacedCell]:
    return [(box_of(each), each) for each in cells]


def page_of(*lines: TextCell) -> Page:
    box = BoundingBox(l=0, t=0, r=600, b=800)
    size = PdfPageGeometry(
        angle=0, rect=BoundingRectangle.from_bounding_box(box), boundary_type=PdfPageBoundaryType.CROP_BOX,
        art_bbox=box, bleed_bbox=box, crop_bbox=box, media_bbox=box, trim_bbox=box,
    )  # fmt: skip
    parsed = SegmentedPdfPage(dimension=size, char_cells=[], word_cells=[], textline_cells=list(lines))
    return Page(page_no=1, parsed_page=parsed)


def test_a_line_is_heavy_when_most_of_its_letters_are() -> None:
    bold = "/Times-Bold"
    name, rest = cell("Ada", 50, 20, font=bold), cell("wrote the first program", 75, 120)
    assert not make_line(cell("Ada wrote the first program", 50, 145), words(name, rest), frozenset()).heavy
    assert make_line(cell("Ada", 50, 20), words(name), frozenset()).heavy


@pytest.mark.parametrize(
    "font",
    ["/ABCDEF+CMBX12", "CMB10", "CMSSBX10", "CMBXTI10", "SFBX1095", "ecbx1000", "/ABCDEF+NimbusRomNo9L-Medi",
     "NimbusSanL-Bold", "LinLibertineTB", "LinBiolinumTBI"],
)  # fmt: skip
def test_bold_fonts_of_tex_are_heavy(font: str) -> None:
    assert make_line(cell("Results", 50, 40, font=font), [], frozenset()).heavy


@pytest.mark.parametrize(
    "font", ["CMR10", "CMTI10", "CMCSC10", "NimbusRomNo9L-Regu", "LinLibertineT", "ECRM1000", "/F2"]
)
def test_other_fonts_of_tex_are_not_heavy(font: str) -> None:
    assert not make_line(cell("Results", 50, 40, font=font), [], frozenset()).heavy


def test_the_font_of_a_line_is_that_of_most_of_its_letters() -> None:
    parts = words(cell("Ada", 50, 20, font="/Times-Bold"), cell("wrote", 75, 30), cell("programs", 110, 50))
    assert make_line(cell("Ada wrote programs", 50, 110), parts, frozenset()).font == PLAIN
    assert make_line(cell("Ada wrote", 50, 55), parts[:2], frozenset()).font == MIXED


def test_a_superscript_does_not_make_a_line_larger() -> None:
    parts = words(cell("apples", 50, 30), cell("and", 85, 15), cell("1", 101, 3, height=6))
    assert make_line(cell("apples and 1", 50, 54, height=13), parts, frozenset()).size == 10


@pytest.mark.parametrize("text", ["• apples", "- apples", "▪ apples"])
def test_signs_of_lists_are_bullets(text: str) -> None:
    assert make_line(cell(text, 50, 60), [], frozenset()).bullet


@pytest.mark.parametrize("text", ["-5 degrees", "apples", "•••"])
def test_what_only_looks_like_a_sign_is_none(text: str) -> None:
    assert not make_line(cell(text, 50, 60), [], frozenset()).bullet


def test_a_narrow_glyph_under_a_long_name_is_a_bullet() -> None:
    parts = words(cell("SM590000", 50, 5), cell("apples", 62, 30))
    assert make_line(cell("SM590000 apples", 50, 42), parts, frozenset()).bullet


def test_a_letter_of_a_font_of_its_own_is_a_bullet() -> None:
    parts = words(cell("r", 50, 5, font="/Dingbats"), cell("apples", 62, 30))
    assert make_line(cell("r apples", 50, 42), parts, frozenset()).bullet
    assert not make_line(cell("a apple", 50, 42), words(cell("a", 50, 5), cell("apple", 62, 30)), frozenset()).bullet


def test_a_symbol_that_prose_begins_with_is_no_bullet() -> None:
    parts = words(cell("x", 50, 5, font="/Times-Italic"), cell("is", 58, 8), cell("large", 69, 20))
    assert not make_line(cell("x is large", 50, 39), parts, frozenset()).bullet
    overlapping = words(cell("No", 50, 4), cell("Authority", 50, 12), cell("granted", 65, 30))
    assert not make_line(cell("No Authority granted", 50, 45), overlapping, frozenset()).bullet
    narrow = words(cell("(Edge", 50, 10), cell("Computing)", 60, 45))
    assert not make_line(cell("(Edge Computing)", 50, 55), narrow, frozenset()).bullet


@pytest.mark.parametrize(("text", "numbered"), [
    ("1. apples", True), ("(a) apples", True), ("12) apples", True), ("iv. apples", True),
    ("1.5 apples", False), ("2014. That year", False), ("apples", False), ("Dr. Apple", False),
])  # fmt: skip
def test_numbers_of_lists(text: str, numbered: bool) -> None:
    assert make_line(cell(text, 50, 60), [], frozenset()).numbered is numbered


def test_a_number_set_apart_needs_no_dot() -> None:
    near = words(cell("7", 50, 5), cell("apples", 58, 30))
    apart = words(cell("7", 50, 5), cell("apples", 65, 30))
    assert not make_line(cell("7 apples", 50, 45), near, frozenset()).numbered
    assert make_line(cell("7 apples", 50, 45), apart, frozenset()).numbered


def test_a_comma_of_another_font_does_not_hide_fixed_pitch() -> None:
    code = [cell(text, 50, 6 * len(text), font="/Any") for text in ("while", "illicit", "MMM", "return")]
    assert fixed_pitch_fonts(words(*code, cell("for,", 50, 20, font="/Any"))) == {"/Any"}


def test_a_font_whose_letters_are_all_of_one_width_is_fixed_pitch() -> None:
    code = [cell(text, 50, 6 * len(text), font="/Any") for text in ("while", "illicit", "MMM", "return")]
    prose = [cell(text, 50, width) for text, width in (("while", 25), ("illicit", 21), ("MMM", 27), ("return", 24))]
    assert fixed_pitch_fonts(words(*code, *prose)) == {"/Any"}


def test_a_few_words_of_almost_one_width_do_not_make_a_font_fixed_pitch() -> None:
    bold = [
        cell(text, 50, width) for text, width in (("holds", 30.3), ("number", 35.8), ("follows", 42.2), ("and", 18))
    ]
    assert fixed_pitch_fonts(words(*bold)) == frozenset()


def test_a_word_again_and_again_does_not_make_its_font_fixed_pitch() -> None:
    repeated = [cell("Python", 100 * number, 36, font="/Any") for number in range(6)]
    assert fixed_pitch_fonts(words(*repeated, cell("pandas", 700, 38, font="/Any"))) == frozenset()


def test_words_that_differ_in_their_digits_alone_do_not_make_a_font_fixed_pitch() -> None:
    units = [cell(f"Unit{number}", 100 * number, 36, font="/Any") for number in range(6)]
    assert fixed_pitch_fonts(words(*units, cell("wide", 700, 38, font="/Any"))) == frozenset()


def test_a_line_is_turned_if_most_letters_of_its_page_run_in_another_direction() -> None:
    upright, upwards = cell("words that go on and on", 50, 200), cell("a stamp", 50, 10, height=120)
    upwards.rect = BoundingRectangle(
        r_x0=60, r_y0=220, r_x1=60, r_y1=100, r_x2=50, r_y2=100, r_x3=50, r_y3=220, coord_origin=CoordOrigin.TOPLEFT
    )
    assert [line.turned for line in read_lines(page_of(upright, upwards))] == [False, True]
    assert [line.turned for line in read_lines(page_of(upwards))] == [False]


def test_square_letters_are_not_fixed_pitch() -> None:
    chinese = [cell(text, 50, 10 * len(text), font="/Song") for text in ("苹果树叶", "红苹果", "青苹果", "苹果园")]
    assert fixed_pitch_fonts(words(*chinese)) == frozenset()


def test_the_spread_of_a_line_is_its_widest_gap() -> None:
    parts = words(cell("apples", 50, 30), cell("five", 130, 20))
    assert make_line(cell("apples five", 50, 100), parts, frozenset()).spread == 5
