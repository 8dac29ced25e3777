"""Which parts of a page OCR has to look at, and which of the lines it finds are new."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.ocr.unread import Pixels, is_covered, unread_part

PAGE = (400, 300)
REGION = Box(20, 20, 380, 280)
#: Where `written` stands, with room for any font.
FIRST, SECOND = Box(40, 40, 260, 60), Box(40, 140, 260, 160)


def paper(*, shade: str = "white") -> Image.Image:
    return Image.new("RGB", PAGE, shade)


def written(picture: Image.Image, *lines: Box, ink: str = "black") -> Pixels:
    """The picture with a few words in each of these places."""
    for line in lines:
        ImageDraw.Draw(picture).text(
            (line.left + 4, line.top + 2), "Some words", fill=ink, font=ImageFont.load_default(14)
        )
    return np.asarray(picture)


def gradient() -> Image.Image:
    return Image.linear_gradient("L").resize(PAGE).convert("RGB")


def photograph() -> Image.Image:
    noise = Image.effect_noise(PAGE, 80).convert("RGB")
    return noise.filter(ImageFilter.GaussianBlur(12))


@pytest.mark.parametrize("background", [paper(), paper(shade="navy"), gradient(), photograph()])
def test_a_region_without_anything_sharp_is_not_read(background: Image.Image) -> None:
    assert unread_part(np.asarray(background), REGION, []) is None


@pytest.mark.parametrize("background", [paper(), gradient(), photograph()])
def test_a_region_whose_words_the_text_layer_has_is_not_read(background: Image.Image) -> None:
    assert unread_part(written(background, FIRST, SECOND), REGION, [FIRST, SECOND]) is None


def test_a_region_of_which_the_text_layer_has_nothing_is_read_whole() -> None:
    assert unread_part(written(paper(), FIRST), REGION, []) == REGION


def test_only_the_part_with_other_words_is_read() -> None:
    part = unread_part(written(paper(), FIRST, SECOND), REGION, [FIRST])
    assert part is not None
    assert part.top > FIRST.bottom
    assert part.shared(SECOND).area > 0
    assert part.inside(REGION) == 1


@pytest.mark.parametrize("ink", ["#d8d8d8", "#f0f0f0"])
def test_faint_print_counts(ink: str) -> None:
    assert unread_part(written(paper(), FIRST, ink=ink), REGION, []) == REGION


def test_a_region_that_reaches_over_the_edge_of_the_page_is_cut_off_there() -> None:
    assert unread_part(written(paper(), FIRST), Box(-10, -5, 500, 400), []) == Box(0, 0, *PAGE)


@pytest.mark.parametrize("region", [Box(50, 50, 50, 80), Box(450, 20, 500, 60)])
def test_a_region_without_any_area_on_the_page_is_not_read(region: Box) -> None:
    assert unread_part(written(paper(), FIRST), region, []) is None


LINE = Box(100, 50, 200, 60)


@pytest.mark.parametrize(
    ("known", "covered"),
    [
        ([], False),
        ([Box(98, 51, 202, 59)], True),
        ([Box(98, 51, 150, 59), Box(152, 51, 202, 59)], True),
        ([Box(98, 51, 197, 59)], True),
        ([Box(98, 51, 190, 59)], False),
        ([Box(110, 51, 202, 59)], False),
        ([Box(98, 51, 130, 59), Box(150, 51, 202, 59)], False),
        ([Box(98, 58, 202, 70)], False),
        ([Box(210, 51, 300, 59)], False),
    ],
    ids=["none", "all", "two", "all but the margin", "end", "start", "gap", "line below", "beside"],
)
def test_a_line_is_new_if_another_word_fits_beside_the_known_ones(known: list[Box], covered: bool) -> None:
    assert is_covered(LINE, known) is covered


@pytest.mark.parametrize(("known", "covered"), [([], False), ([Box(200, 50, 300, 60)], False), ([LINE], True)])
def test_a_line_that_runs_up_the_page_is_new_unless_it_has_a_known_line_in_it(known: list[Box], covered: bool) -> None:
    assert is_covered(Box(140, 20, 152, 160), known) is covered
