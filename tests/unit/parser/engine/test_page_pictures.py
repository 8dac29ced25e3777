"""Pages of PDFs and picture files, drawn as they were sent."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from actors.derivations import PagePicture
from actors.errors import FileError
from client.models import ErrorCode
from tests.unit.parser.files import make_pdf, make_zip

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


def colours(width: float = 200, height: float = 100) -> bytes:
    """A PDF of two pages. The first is red in the top left quarter and blue in the bottom right one."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=(width, height), invariant=True)
    canvas.setFillColorRGB(1, 0, 0)
    canvas.rect(0, height / 2, width / 2, height / 2, stroke=0, fill=1)
    canvas.setFillColorRGB(0, 0, 1)
    canvas.rect(width / 2, 0, width / 2, height / 2, stroke=0, fill=1)
    canvas.showPage()
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def drawn(data: bytes, page: int = 1, scale: float = 1, box: Any = None, form: Any = "png") -> Image.Image:
    from actors.parser.engine.page_pictures import draw

    wanted = PagePicture(job_id="j", folder="results/j/0", source="i", page=page, scale=scale, box=box, form=form)
    picture = Image.open(BytesIO(draw(data, wanted)))
    assert picture.format == form.upper()
    return picture


def refusal(data: bytes, **wanted: Any) -> tuple[ErrorCode, str]:
    with pytest.raises(FileError) as refused:
        drawn(data, **wanted)
    return refused.value.file_code, refused.value.message


def tiff(*sizes: tuple[int, int]) -> bytes:
    frames = [Image.new("RGB", size, colour) for size, colour in zip(sizes, (RED, GREEN, BLUE), strict=False)]
    out = BytesIO()
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:])
    return out.getvalue()


def picture(size: tuple[int, int], form: str = "PNG", **how: Any) -> bytes:
    out = BytesIO()
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, size[1] // 2, *size))
    image.save(out, form, **how)
    return out.getvalue()


@pytest.mark.parametrize("scale", [0.5, 1, 2, 3])
def test_a_page_of_a_pdf_has_scale_pixels_for_each_point(scale: float) -> None:
    page = drawn(colours(), scale=scale)
    assert page.size == (200 * scale, 100 * scale)
    assert page.getpixel((10 * scale, 10 * scale)) == RED
    assert page.getpixel((190 * scale, 90 * scale)) == BLUE
    assert page.getpixel((190 * scale, 10 * scale)) == WHITE


def test_a_page_can_be_webp() -> None:
    assert drawn(colours(), form="webp").size == (200, 100)


def test_other_pages_are_drawn_too() -> None:
    assert drawn(colours(), page=2).getextrema() == ((255, 255),) * 3


@pytest.mark.parametrize(
    ("box", "colour"), [((0, 0, 100, 50), RED), ((100, 50, 200, 100), BLUE), ((120, 10, 180, 40), WHITE)]
)
def test_a_box_is_measured_from_the_top_left_corner(box: tuple[float, ...], colour: tuple[int, ...]) -> None:
    part = drawn(colours(), box=box, scale=2)
    assert part.size == ((box[2] - box[0]) * 2, (box[3] - box[1]) * 2)
    assert part.getextrema() == tuple((band, band) for band in colour)


def test_a_box_on_a_turned_page_is_measured_as_the_page_is_seen() -> None:
    turned = BytesIO()
    pdf = pypdfium2.PdfDocument(colours())
    pdf[0].set_rotation(90)
    pdf.save(turned)
    assert drawn(turned.getvalue()).size == (100, 200)
    assert drawn(turned.getvalue(), box=(50, 0, 100, 100)).getextrema() == tuple((band, band) for band in RED)


def test_a_box_may_reach_over_the_edge_by_a_rounding_error() -> None:
    assert drawn(colours(), box=(-0.5, 0, 200.9, 100.4)).size == (200, 100)


@pytest.mark.parametrize("box", [(0, 0, 210, 100), (0, 0, 200, 102), (-5, 0, 200, 100), (300, 300, 400, 400)])
def test_a_box_that_is_not_on_the_page_is_refused_with_the_size_of_the_page(box: tuple[float, ...]) -> None:
    code, message = refusal(colours(), box=box)
    assert code is ErrorCode.BOX_OUTSIDE_PAGE
    assert "200.0 x 100.0 points" in message


def test_a_page_with_too_many_pixels_is_refused_with_the_largest_scale() -> None:
    poster = colours(width=3_000, height=1_500)
    assert refusal(poster, scale=2) == (
        ErrorCode.PICTURE_TOO_LARGE,
        "The picture would have more than 4000 pixels on a side. The largest scale is 1.33",
    )
    assert drawn(poster, scale=1.33).size == (3990, 1995)
    assert drawn(poster, scale=2, box=(0, 0, 2_000, 1_000)).size == (4_000, 2_000)


@pytest.mark.parametrize("data", [colours(), tiff((4, 4), (4, 4))], ids=["pdf", "tiff"])
def test_a_page_that_does_not_exist_says_how_many_there_are(data: bytes) -> None:
    assert refusal(data, page=3) == (ErrorCode.PAGE_NOT_FOUND, "There is no page 3: the file has 2")


def test_an_encrypted_pdf_cannot_be_drawn() -> None:
    assert refusal(make_pdf(password="secret"))[0] is ErrorCode.FILE_ENCRYPTED


@pytest.mark.parametrize(
    "data",
    [b"# Text", make_zip({"word/document.xml": b"<w/>"}), b"%PDF-1.7 garbage", b"\x89PNG\r\n\x1a\nbroken", b""],
    ids=["text", "office", "broken pdf", "broken picture", "empty"],
)
def test_a_file_that_cannot_be_drawn_says_so(data: bytes) -> None:
    assert refusal(data)[0] is ErrorCode.NO_PAGE_PICTURE


def test_a_pdf_that_is_cut_off_is_drawn_as_far_as_it_is_left() -> None:
    whole = make_pdf(3)
    assert drawn(whole[: len(whole) * 3 // 4]).size[0] > 0


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_has_a_pixel_for_each_point(form: str) -> None:
    assert drawn(picture((60, 40), form)).size == (60, 40)
    assert drawn(picture((60, 40), form), scale=2, box=(30, 20, 60, 40)).size == (60, 40)


def test_a_picture_with_a_resolution_has_72_points_for_each_inch() -> None:
    scan = picture((300, 150), "PNG", dpi=(150, 150))
    assert drawn(scan).size == (144, 72)
    red, blue = drawn(scan, box=(0, 0, 72, 36)), drawn(scan, box=(80, 40, 144, 72))
    assert (red.getpixel((5, 5)), blue.getpixel((5, 5))) == (RED, BLUE)


def test_every_frame_of_a_tiff_is_a_page_of_its_own_size() -> None:
    scans = tiff((10, 20), (30, 40))
    assert [drawn(scans, page=page).size for page in (1, 2)] == [(10, 20), (30, 40)]
    assert drawn(scans, page=2).getpixel((0, 0)) == GREEN


def test_a_photograph_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees
    assert drawn(picture((60, 40), "JPEG", exif=exif)).size == (40, 60)
