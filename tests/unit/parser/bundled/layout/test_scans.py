"""Where OCR is sent to look: nothing that may hold text is left unread."""

from __future__ import annotations

import numpy as np
from docling_core.types.doc.labels import DocItemLabel
from PIL import Image

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.layout.figures import Region
from actors.parser.bundled.layout.layout_model import regions_of
from actors.parser.bundled.layout.scans import (
    is_scan,
    unseen,
    without_blank_figures,
    without_cuts,
    without_label_columns,
    without_printed_figures,
)
from tests.unit.parser.bundled.layout.pages import PAGE, line, paragraph, seen

PHOTO = Box(100, 100, 300, 300)


def boxes(regions: object) -> list[Box]:
    return [region.box for region in regions]  # type: ignore[attr-defined]


def test_a_page_without_text_is_read_as_a_whole() -> None:
    assert boxes(unseen([Box(50, 50, 550, 750)], [], [], PAGE)) == [PAGE]


def test_outlined_text_without_a_bitmap_is_read_too() -> None:
    text = Region(DocItemLabel.TEXT, Box(50, 50, 200, 80), 0.9)
    assert boxes(unseen([], [text], [], PAGE)) == [PAGE]


def test_a_blank_page_is_not_read() -> None:
    assert boxes(unseen([], [], [], PAGE)) == []


def test_a_bitmap_that_nobody_saw_is_a_picture() -> None:
    assert boxes(unseen([PHOTO], [], paragraph(400), PAGE)) == [PHOTO]


def test_a_bitmap_inside_a_region_is_not_taken_twice() -> None:
    figure = Region(DocItemLabel.PICTURE, PHOTO, 0.9)
    assert boxes(unseen([PHOTO], [figure], paragraph(400), PAGE)) == []


def test_icons_are_not_read() -> None:
    assert boxes(unseen([Box(10, 10, 40, 40)], [], paragraph(400), PAGE)) == []


def test_a_bitmap_under_text_is_no_picture() -> None:
    assert boxes(unseen([PHOTO], [], [line("On the photo", 200, 120, width=100)], PAGE)) == []


def test_a_stamp_does_not_hide_that_the_page_is_a_scan() -> None:
    stamp = [line("Downloaded on Monday", 780)]
    assert is_scan(stamp, [PAGE], PAGE)
    assert boxes(unseen([PAGE], [], stamp, PAGE)) == [PAGE]
    assert not is_scan(stamp, [PHOTO], PAGE)


def test_a_scan_in_strips_or_tiles_is_one_bitmap() -> None:
    strips = [Box(0, 16 * number, 600, 16 * number + 16) for number in range(50)]
    tiles = [Box(100 * x, 80 * y, 100 * x + 100, 80 * y + 80) for x in range(6) for y in range(10)]
    assert without_cuts(strips) == without_cuts(tiles) == [PAGE]


def test_photos_that_are_apart_or_of_different_width_stay_apart() -> None:
    photos = [PHOTO, Box(100, 310, 300, 400), Box(100, 400, 250, 500), Box(320, 100, 420, 300)]
    assert sorted(without_cuts(photos)) == sorted(photos)


def test_in_a_scan_a_printed_figure_is_left_to_ocr_and_a_photo_is_kept() -> None:
    pixels = np.full((800, 600), 250, dtype=np.uint8)
    pixels[100:300, 100:300] = np.random.default_rng(1).integers(0, 255, (200, 200))
    photo, drawing = seen("figure", PHOTO), seen("figure", Box(100, 400, 300, 600))
    assert without_printed_figures([photo, drawing], Image.fromarray(pixels)) == [photo]


def test_text_that_only_the_detector_sees_becomes_a_region() -> None:
    regions = regions_of(paragraph(400), [seen("title", Box(50, 50, 300, 80))], [], PAGE)
    assert (DocItemLabel.SECTION_HEADER, Box(50, 50, 300, 80)) in [(found.label, found.box) for found in regions]


def test_every_line_is_in_a_region() -> None:
    lines = [*paragraph(100), *paragraph(300, left=320), line("17", 780, width=12)]
    regions = regions_of(lines, [], [], PAGE)
    assert all(any(each.box.inside(region.box) == 1.0 for region in regions) for each in lines)


def test_a_figure_that_shows_only_lines_of_text_is_dropped() -> None:
    pixels = np.full((800, 600), 255, dtype=np.uint8)
    pixels[100:110, 50:250] = 0  # the letters of a line
    pixels[400:500, 100:300] = 120  # a drawing
    text, drawing = seen("figure", Box(40, 90, 300, 300)), seen("figure", Box(90, 390, 310, 510))
    image = Image.fromarray(pixels)
    assert without_blank_figures([text, drawing], [line("First name", 100)], image) == [drawing]
    assert without_blank_figures([text], [], image) == [text]


def printed(*boxes: Box) -> Image.Image:
    """A page with lines of ten pixels, five apart, in each box."""
    pixels = np.full((800, 600), 255, dtype=np.uint8)
    for left, top, right, bottom in (map(round, box) for box in boxes):
        for line_top in range(top, bottom, 15):
            pixels[line_top : line_top + 10, left:right] = 0
    return Image.fromarray(pixels)


LABELS, AMOUNTS = Box(50, 100, 200, 300), Box(500, 100, 550, 300)


def test_labels_of_a_scan_are_read_with_their_amounts() -> None:
    found = seen("text", LABELS)
    assert without_label_columns([found], printed(LABELS, AMOUNTS)) == []
    assert without_label_columns([found, seen("text", AMOUNTS)], printed(LABELS, AMOUNTS)) == []


def test_columns_of_prose_in_a_scan_are_kept() -> None:
    columns = [Box(50, 100, 290, 700), Box(310, 100, 550, 700)]
    views = [seen("text", box) for box in columns]
    assert without_label_columns(views, printed(*columns)) == views


def test_text_of_a_scan_with_nothing_beside_it_is_kept() -> None:
    found = seen("text", LABELS)
    assert without_label_columns([found], printed(LABELS, Box(300, 400, 550, 700))) == [found]


def test_the_dark_edge_of_a_scan_is_not_beside_its_text() -> None:
    image = printed(LABELS)
    image.paste(0, (590, 0, 600, 800))
    assert without_label_columns([seen("text", LABELS)], image) == [seen("text", LABELS)]
