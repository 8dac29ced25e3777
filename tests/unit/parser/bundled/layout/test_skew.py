"""Scans that lie askew: the angle is found, and the page is turned upright without losing a corner."""

from __future__ import annotations

import numpy as np
import pytest
from docling_core.types.doc.base import BoundingBox, Size
from PIL import Image, ImageDraw

from actors.parser.bundled.layout.skew import Upright, skew_of, turned


def page(*, lines: int = 20, ink: int = 0) -> Image.Image:
    picture = Image.new("RGB", (600, 800), "white")
    draw = ImageDraw.Draw(picture)
    for number in range(lines):
        for word in range(6):
            left, top = 60 + 80 * word, 60 + 30 * number
            draw.rectangle((left, top, left + 50, top + 10), fill=(ink, ink, ink))
    return picture


def askew(angle: float) -> Image.Image:
    """Lines that fall to the right by `angle` degrees."""
    return page().rotate(-angle, Image.Resampling.BICUBIC, fillcolor="white")


@pytest.mark.parametrize("angle", [-3.0, -1.5, -0.5, 0.0, 0.8, 2.0, 4.5])
def test_the_angle_of_lines_is_found(angle: float) -> None:
    assert skew_of(askew(angle)) == pytest.approx(angle, abs=0.15)


@pytest.mark.parametrize(
    "picture",
    [Image.new("RGB", (600, 800), "white"), Image.effect_noise((600, 800), 80), Image.linear_gradient("L")],
    ids=["blank", "noise", "gradient"],
)
def test_a_page_without_lines_is_not_turned(picture: Image.Image) -> None:
    assert skew_of(picture) == 0.0


def test_a_turned_page_has_level_lines_and_its_own_size() -> None:
    upright = turned(askew(2.0), 2.0)
    assert (upright.size, skew_of(upright)) == ((600, 800), pytest.approx(0.0, abs=0.15))


@pytest.mark.parametrize("corner", [(0, 0), (590, 0), (0, 790), (590, 790)])
@pytest.mark.parametrize("angle", [-5.0, 5.0])
def test_no_corner_is_cut_off(corner: tuple[int, int], angle: float) -> None:
    picture = Image.new("RGB", (600, 800), "white")
    ImageDraw.Draw(picture).rectangle((*corner, corner[0] + 9, corner[1] + 9), fill="black")
    dark = (255 - np.asarray(turned(picture, angle).convert("L"), dtype=float)).sum() / 255
    assert dark == pytest.approx(100, rel=0.3)  # the page gets up to a seventh smaller


def test_what_the_turn_leaves_free_has_the_paper_s_colour() -> None:
    grey = Image.new("RGB", (600, 800), (200, 190, 180))
    assert np.unique(np.asarray(turned(grey, 3.0)).reshape(-1, 3), axis=0).tolist() == [[200, 190, 180]]


class Scan:
    """A page of docling's, as far as pictures are concerned."""

    def get_page_image(self, scale: float) -> Image.Image:
        picture = askew(2.0)
        return picture.resize((round(600 * scale), round(800 * scale)))

    def get_size(self) -> Size:
        return Size(width=600, height=800)

    def is_valid(self) -> bool:
        return True


def test_parts_of_an_upright_page_are_parts_of_its_picture() -> None:
    upright = Upright(Scan(), 2.0)  # type: ignore[arg-type]
    whole = upright.get_page_image(scale=2.0)
    part = upright.get_page_image(scale=2.0, cropbox=BoundingBox(l=100, t=200, r=300, b=250))
    assert (whole.size, part.size, upright.is_valid()) == ((1200, 1600), (400, 100), True)
    assert np.array_equal(np.asarray(part), np.asarray(whole)[400:500, 200:600])
