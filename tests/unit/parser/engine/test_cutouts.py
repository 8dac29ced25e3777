"""The pictures of a page, kept without the rest of it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops

if TYPE_CHECKING:
    from docling.datamodel.base_models import Page

pytestmark = pytest.mark.models

SCALE = 2.0
WIDTH, HEIGHT = 200, 100

Box = tuple[float, float, float, float]


def pixels() -> Image.Image:
    """A page's picture in which no two pixels beside each other are alike."""
    across = Image.linear_gradient("L").resize((int(WIDTH * SCALE), int(HEIGHT * SCALE)))
    return Image.merge("RGB", (across, across.rotate(180), Image.effect_noise(across.size, 90)))


def page_with(*boxes: Box) -> tuple[Page, Image.Image]:
    """A page with figures there, in points from the top left corner, after it was finished; and its whole picture."""
    from docling.datamodel.base_models import AssembledUnit, Cluster, FigureElement, Page
    from docling_core.types.doc.base import BoundingBox, Size
    from docling_core.types.doc.labels import DocItemLabel

    from actors.parser.engine.cutouts import keep_only_pictures

    figures = []
    for number, (left, top, right, bottom) in enumerate(boxes):
        box = BoundingBox(l=left, t=top, r=right, b=bottom)
        cluster = Cluster(id=number, label=DocItemLabel.PICTURE, bbox=box)
        figures.append(FigureElement(label=DocItemLabel.PICTURE, id=number, page_no=1, cluster=cluster))
    page, picture = Page(page_no=1, size=Size(width=WIDTH, height=HEIGHT)), pixels()
    page.assembled = AssembledUnit(elements=figures, body=figures)
    page._default_image_scale, page._image_cache = SCALE, {SCALE: picture}
    keep_only_pictures(page)
    return page, picture


def cropped(page: Page, box: Box) -> Image.Image:
    """As docling crops it: the box comes back from the origin at the bottom left."""
    from docling_core.types.doc.base import BoundingBox

    left, top, right, bottom = box
    stored = BoundingBox(l=left, t=top, r=right, b=bottom).to_bottom_left_origin(HEIGHT)
    wanted = stored.scaled(scale=SCALE).to_top_left_origin(page_height=HEIGHT * SCALE)
    assert page.image is not None
    return page.image.crop(wanted.as_tuple())


@pytest.mark.parametrize(
    "box",
    [
        (10.0, 10.0, 60.0, 40.0),
        (10.25, 10.75, 60.3, 40.1),
        (33.1234567, 7.7654321, 99.9999999, 50.0000001),
        (-5.0, -3.0, 20.0, 20.0),
        (150.0, 60.0, 230.0, 130.0),
    ],
    ids=["whole pixels", "halves", "fractions", "over the corner", "over the edge"],
)
def test_picture_cut_out_equals_that_of_the_whole_page(box: Box) -> None:
    page, whole = page_with((0.0, 50.0, 30.0, 90.0), box)
    page = pickle.loads(pickle.dumps(page))
    left, top, right, bottom = (side * SCALE for side in box)
    expected = whole.crop((left, top, right, bottom))
    found = cropped(page, box)
    assert (found.mode, found.size) == (expected.mode, expected.size)
    assert ImageChops.difference(found, expected).getbbox() is None


def test_rest_of_the_page_is_not_kept() -> None:
    page, whole = page_with((10.0, 10.0, 60.0, 40.0))
    assert len(pickle.dumps(page)) < len(whole.tobytes()) / 4
    with pytest.raises(LookupError, match="no part of the page holds"):
        cropped(page, (100.0, 10.0, 120.0, 40.0))


def test_page_without_pictures_keeps_no_pixels() -> None:
    page, _ = page_with()
    assert len(pickle.dumps(page)) < 2_000
