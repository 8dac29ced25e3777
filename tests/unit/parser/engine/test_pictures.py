"""The pictures of a document in its exports, and as files of their own."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from typing import Any

import orjson
import pytest
from docling_core.types.doc.base import BoundingBox, CoordOrigin, Size
from docling_core.types.doc.common.origin import DocumentOrigin
from docling_core.types.doc.common.reference import ImageRef, ProvenanceItem
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.picture.picture import PictureItem
from docling_core.types.doc.labels import DocItemLabel
from PIL import Image

from actors.derivations import ExportStyle, PageLinks, PageScales, Pictures
from actors.errors import FileError
from actors.parser.engine.exports import dump
from actors.parser.engine.pictures import list_pages, list_pictures
from client.models import ErrorCode, ExportFormat
from serve_app.docling_v1.page_images import MARK
from tests.unit.parser.files import exported, make_export

WANTED = Pictures(job_id="j", folder="results/j/0", source="results/j/0/document.json")
PAGED = [ExportFormat.MARKDOWN, ExportFormat.TEXT]
SHOWN = [ExportFormat.MARKDOWN, ExportFormat.HTML, ExportFormat.JSON, ExportFormat.DOCLANG, ExportFormat.YAML]


def made(*kept: bool, media_type: str = "application/pdf") -> DoclingDocument:
    """A document of a page for each picture, with a word on each; the pictures that were not kept have only a place."""
    document = DoclingDocument(name="made")
    document.origin = DocumentOrigin(mimetype=media_type, binary_hash=1, filename="made.pdf")
    for page, has_pixels in enumerate(kept, 1):
        document.add_page(page_no=page, size=Size(width=200, height=100))
        box = BoundingBox(l=10, t=90, r=60, b=70, coord_origin=CoordOrigin.BOTTOMLEFT)
        place = ProvenanceItem(page_no=page, bbox=box, charspan=(0, 0))
        document.add_text(label=DocItemLabel.TEXT, text=f"Word{page}", prov=place)
        pixels = ImageRef.from_pil(Image.new("RGB", (3, 2), (page, 0, 0)), dpi=72) if has_pixels else None
        document.add_picture(prov=place, image=pixels)
    return document


def shown(document: DoclingDocument, form: ExportFormat, **style: Any) -> str:
    return exported(dump(document), form, ("body",), style=ExportStyle(**style))


def listed(document: DoclingDocument) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The list of the pictures, and the kept ones by their keys."""
    blobs = dict(list_pictures(dump(document), WANTED))
    assert list(blobs)[-1] == WANTED.target
    return orjson.loads(blobs.pop(WANTED.target)), blobs


@pytest.mark.parametrize("form", SHOWN)
@pytest.mark.parametrize(("images", "pixels"), [(None, 2), ("embedded", 2), ("placeholder", 0), ("none", 0)])
def test_pixels_are_in_an_export_if_its_style_says_so(form: ExportFormat, images: Any, pixels: int) -> None:
    assert shown(made(True, True), form, images=images).count("data:image/png;base64,") == pixels


@pytest.mark.parametrize(("images", "marks"), [("placeholder", 2), ("none", 0)])
def test_a_placeholder_stands_for_a_picture_in_markdown(images: Any, marks: int) -> None:
    text = shown(made(True, False), ExportFormat.MARKDOWN, images=images)
    assert text.count("<!-- image -->") == marks
    assert "Word1" in text
    assert "Word2" in text


@pytest.mark.parametrize("form", [*SHOWN, ExportFormat.LATEX])
def test_referenced_pictures_are_links_to_what_the_list_names(form: ExportFormat) -> None:
    document = made(True, False)
    text = shown(document, form, images="referenced", links="files/0/artifacts/")
    links = re.findall(r"files/0/artifacts/([\w.-]+)", text)
    assert links == ["picture-1.png", "picture-2.png"] == list(listed(document)[0])
    assert "base64" not in text


def test_a_kept_picture_is_a_file_and_another_one_a_place_on_its_page() -> None:
    names, blobs = listed(made(True, False))
    assert names == {"picture-1.png": None, "picture-2.png": {"page": 2, "box": [10, 10, 60, 30], "scale": 2}}
    [(key, data)] = blobs.items()
    assert key == "results/j/0/artifacts/picture-1.png"
    assert Image.open(BytesIO(data)).getpixel((0, 0)) == (1, 0, 0)


def test_a_picture_that_would_be_too_large_at_the_usual_scale_gets_a_smaller_one() -> None:
    document = made(False)
    document.pages[1].size = Size(width=9_000, height=100)
    document.pictures[0].prov[0].bbox.r = 8_010
    [place] = listed(document)[0].values()
    assert place["scale"] == 0.49


@pytest.mark.parametrize(
    "broken",
    [
        lambda picture: picture.prov.clear(),
        lambda picture: setattr(picture.prov[0], "page_no", 9),
        lambda picture: setattr(picture.prov[0].bbox, "r", 10),
    ],
    ids=["no place", "no page", "no width"],
)
def test_a_picture_that_is_nowhere_is_not_listed(broken: Any) -> None:
    document = made(False)
    broken(document.pictures[0])
    assert listed(document) == ({}, {})
    assert "<!-- image -->" in shown(document, ExportFormat.MARKDOWN, images="referenced")


def test_a_picture_of_a_file_whose_pages_cannot_be_drawn_is_not_listed() -> None:
    assert listed(made(False, media_type="application/vnd.ms-powerpoint"))[0] == {}


def test_a_picture_in_a_format_that_can_hold_scripts_is_no_file() -> None:
    document = made(True)
    kept: PictureItem = document.pictures[0]
    assert kept.image is not None
    document.pictures[0].image = kept.image.model_copy(update={"uri": "data:image/svg+xml;base64,PHN2Zy8+"})
    assert listed(document)[1] == {}


@pytest.mark.parametrize("form", SHOWN)
def test_pictures_that_were_not_kept_cannot_be_embedded(form: ExportFormat) -> None:
    with pytest.raises(FileError, match="include_images") as refused:
        shown(made(False), form, images="embedded")
    assert refused.value.file_code is ErrorCode.PICTURES_NOT_KEPT


@pytest.mark.parametrize("form", [ExportFormat.TEXT, ExportFormat.DOCTAGS])
@pytest.mark.parametrize("images", [None, "none", "placeholder", "referenced", "embedded"])
def test_a_format_without_pictures_is_the_same_in_every_style(form: ExportFormat, images: Any) -> None:
    assert shown(made(False), form, images=images) == shown(made(False), form)


@pytest.mark.parametrize("images", [None, "none", "placeholder", "embedded"])
def test_latex_has_no_pictures_but_links(images: Any) -> None:
    assert "image" not in shown(made(True, True), ExportFormat.LATEX, images=images).replace("% image", "")


def test_a_document_without_pictures_has_none_to_embed() -> None:
    assert shown(DoclingDocument(name="bare"), ExportFormat.MARKDOWN, images="embedded") == ""
    assert listed(DoclingDocument(name="bare")) == ({}, {})


@pytest.mark.parametrize("form", PAGED)
def test_a_page_break_stands_between_pages(form: ExportFormat) -> None:
    text = shown(made(False, False, False), form, images="none", page_break="-- new page --")
    assert text.split("\n\n") == ["Word1", "-- new page --", "Word2", "-- new page --", "Word3"]


def test_exports_in_different_styles_are_different_blobs() -> None:
    plain = make_export(ExportFormat.MARKDOWN)
    styles = [ExportStyle(images="none"), ExportStyle(page_break="x"), ExportStyle(images="referenced", links="a/")]
    names = {replace(plain, style=style).name for style in styles}
    assert plain.name == "markdown"
    assert len(names | {plain.name}) == 4


SCALES = PageScales(job_id="j", folder="results/j/0", source="results/j/0/document.json", scale=2.0)


def scales(document: DoclingDocument) -> dict[str, float]:
    made_scales: dict[str, float] = orjson.loads(list_pages(dump(document), SCALES)[SCALES.target])
    return made_scales


def test_pages_refer_to_their_pictures_in_the_json_and_docling_reads_it() -> None:
    text = shown(made(False, True), ExportFormat.JSON, pages=PageLinks(link="artifacts/page-{page}.png", scale=2.0))
    pages = DoclingDocument.model_validate_json(text).pages
    images = {number: page.image for number, page in pages.items() if page.image}
    assert {number: str(image.uri) for number, image in images.items()} == {
        1: "artifacts/page-1.png",
        2: "artifacts/page-2.png",
    }
    assert {(image.size.width, image.size.height, image.dpi) for image in images.values()} == {(400, 200, 144)}
    assert text.count("data:image/png;base64,") == 1, "the picture that was kept"


def test_a_mark_for_a_page_is_a_string_of_its_own() -> None:
    assert '"uri":"docfleet:page/1"' in shown(made(False), ExportFormat.JSON, pages=PageLinks(link=MARK, scale=1.0))


def test_a_page_that_would_be_too_large_gets_a_smaller_scale() -> None:
    document = made(False, False)
    document.pages[2].size = Size(width=100, height=40_000)
    assert scales(document) == {"1": 2.0, "2": 0.09}


def test_pages_of_a_file_that_cannot_be_drawn_have_no_pictures() -> None:
    document = made(False, media_type="application/vnd.openxmlformats-officedocument.presentationml.presentation")
    assert scales(document) == {}
    assert '"image"' not in shown(document, ExportFormat.JSON, pages=PageLinks(link="x", scale=2.0))
