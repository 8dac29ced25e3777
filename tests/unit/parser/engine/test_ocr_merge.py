"""Lines of OCR beside the words of a text layer."""

from __future__ import annotations

from docling_core.types.doc.base import BoundingBox
from docling_core.types.doc.page import BoundingRectangle, TextCell

from actors.parser.engine.ocr_merge import merged


def line(text: str, left: float, top: float = 100, *, ocr: bool = True) -> TextCell:
    """A line of letters that are ten points wide and twenty high."""
    box = BoundingBox(l=left, t=top, r=left + 10 * len(text), b=top + 20)
    return TextCell(rect=BoundingRectangle.from_bounding_box(box), text=text, orig=text, from_ocr=ocr)


def layer(text: str, left: float, top: float = 100) -> TextCell:
    return line(text, left, top, ocr=False)


def texts(first: list[TextCell], second: list[TextCell]) -> list[str]:
    return [cell.text for cell in merged(first, second)]


def test_a_line_that_the_text_layer_has_is_not_read_twice() -> None:
    assert texts([layer("Basel on Rhine", 50)], [line("Basel on Rhine", 48)]) == ["Basel on Rhine"]
    assert texts([layer("Basel on Rhine", 50)], [line("Base1 on Rhlne", 48)]) == ["Basel on Rhine"]


def test_the_printed_words_beside_a_typed_one_are_kept() -> None:
    rest, typed = merged([layer("Basel", 110)], [line("Town: Basel", 50)])
    box = rest.rect.to_bounding_box()
    assert (rest.text, box.l, box.r, typed.text) == ("Town:", 50, 100, "Basel")


def test_ocr_that_sees_no_space_between_two_fonts_is_cut_all_the_same() -> None:
    assert texts([layer("Basel", 90)], [line("TownBasel", 50)]) == ["Town", "Basel"]
    assert texts([layer("Basel", 50)], [line("Basel(CH)", 50)]) == ["Basel", "(CH)"]


def test_printed_words_on_both_sides_are_one_line() -> None:
    assert texts([layer("Basel", 110)], [line("Town: Basel only", 50)]) == ["Town: only", "Basel"]


def test_a_line_that_touches_the_one_above_is_kept() -> None:
    assert texts([layer("Typed", 50, 100)], [line("Printed", 50, 117)]) == ["Typed", "Printed"]


def test_a_line_away_from_the_text_layer_is_kept() -> None:
    assert texts([layer("Typed", 50, 100)], [line("Printed", 50, 300)]) == ["Typed", "Printed"]


def test_a_hidden_text_layer_gives_way_to_ocr() -> None:
    assert texts([line("Printed", 50)], [layer("Pr1nted words", 50)]) == ["Printed"]
