"""A large picture is read within the memory of a parser: its page is made smaller, not its pixels fewer."""

from __future__ import annotations

from io import BytesIO

import pytest
from docling.datamodel.base_models import InputFormat
from docling.datamodel.document import InputDocument
from PIL import Image

pytestmark = pytest.mark.models


def page_size(picture: Image.Image, **options: object) -> tuple[int, int]:
    """The size of its page in points."""
    from actors.parser.engine.large_pictures import Picture

    out = BytesIO()
    picture.save(out, "PNG", **options)
    opened = InputDocument(
        path_or_stream=BytesIO(out.getvalue()), format=InputFormat.IMAGE, filename="a.png", backend=Picture
    )
    backend = opened._backend
    assert isinstance(backend, Picture)
    size = backend.load_page(0).get_size()
    backend.unload()
    return round(size.width), round(size.height)


def test_a_picture_without_a_resolution_has_72_dpi() -> None:
    assert page_size(Image.new("1", (800, 600))) == (800, 600)


def test_a_picture_keeps_the_resolution_that_it_states() -> None:
    assert page_size(Image.new("1", (6_000, 3_000)), dpi=(300, 300)) == (1_440, 720)


def test_the_page_of_a_large_picture_has_its_shape_and_fits_into_memory() -> None:
    assert page_size(Image.new("1", (9_000, 4_500))) == (5_000, 2_500)
