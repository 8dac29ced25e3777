"""Pictures as PNG files: every reader finds the same pixels in them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image


def random_picture(width: int, height: int, mode: str) -> Image.Image:
    pixels = np.random.default_rng(7).integers(0, 256, (height, width, 4), dtype=np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "1"])
@pytest.mark.parametrize("size", [(1, 1), (3, 1), (1, 3), (97, 61)])
def test_pillow_reads_the_same_colours(mode: str, size: tuple[int, int]) -> None:
    from actors.parser.engine.png import png

    picture = random_picture(*size, mode)
    read = Image.open(BytesIO(png(picture)))
    read.verify()
    read = Image.open(BytesIO(png(picture)))
    assert (read.format, read.mode, read.size) == ("PNG", "RGB", size)
    assert read.tobytes() == picture.convert("RGB").tobytes()


def test_page_with_little_on_it_is_a_small_file() -> None:
    from actors.parser.engine.png import png

    assert len(png(Image.new("RGB", (1200, 1600), "white"))) < 60_000
