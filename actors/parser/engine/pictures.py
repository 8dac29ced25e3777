"""The pictures inside a document: their names, their bytes, and how an export shows them."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from docling_core.types.doc.base import ImageRefMode, Size
from docling_core.types.doc.common.reference import ImageRef
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.picture.picture import PictureItem

from actors.derivations import ExportStyle, Made, PageLinks, PageScales, Pictures
from actors.errors import FileError
from actors.parser.engine.page_pictures import MAX_SIDE
from client.models import ErrorCode

#: Pixels for each point of a picture that was not kept and is drawn from its page.
DRAWN_SCALE = 2.0

#: The media types of kept pictures, and the suffixes of their names. Formats that can hold scripts are not among them.
SUFFIXES: Mapping[str, str] = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


def style_pictures(document: DoclingDocument, style: ExportStyle) -> ImageRefMode:
    """Change the pictures of a document to those of `style`, and return how to export them.

    Raises FileError when pictures are to be embedded and none was kept.
    """
    kept = any(_kept(picture) for picture in document.pictures)
    match style.images:
        case None:
            return ImageRefMode.EMBEDDED if kept else ImageRefMode.PLACEHOLDER
        case "none" | "placeholder":
            for picture in document.pictures:
                picture.image = None
            return ImageRefMode.PLACEHOLDER
        case "embedded":
            if document.pictures and not kept:
                message = "The pictures of this document were not kept. Submit it with the option include_images"
                raise FileError(ErrorCode.PICTURES_NOT_KEPT, message)
            return ImageRefMode.EMBEDDED
        case "referenced":
            for name, picture in list(_named(document)):
                _refer(picture, Path(style.links + name))
            return ImageRefMode.REFERENCED


def list_pictures(document_json: bytes, wanted: Pictures) -> Made:
    """The kept pictures of a document, and the list of all that can be had."""
    document = DoclingDocument.model_validate_json(document_json)
    made: dict[str, bytes] = {}
    listed: dict[str, object] = {}
    for name, picture in _named(document):
        listed[name] = None
        if data := _kept(picture):
            made[wanted.key_of(name)] = base64.b64decode(data[1])
        else:
            listed[name] = _place(document, picture)
    return made | {wanted.target: orjson.dumps(listed)}


def list_pages(document_json: bytes, wanted: PageScales) -> Made:
    """The pages that can be drawn, each with its scale."""
    scales = _page_scales(DoclingDocument.model_validate_json(document_json), wanted.scale)
    return {wanted.target: orjson.dumps(scales, option=orjson.OPT_NON_STR_KEYS)}


def link_pages(document: DoclingDocument, links: PageLinks) -> None:
    """Let the pages that can be drawn refer to their pictures."""
    for number, scale in _page_scales(document, links.scale).items():
        page = document.pages[number]
        size = Size(width=math.ceil(page.size.width * scale), height=math.ceil(page.size.height * scale))
        link = Path(links.link.replace("{page}", str(number)))
        page.image = ImageRef(mimetype="image/png", dpi=round(72 * scale), size=size, uri=link)


def _page_scales(document: DoclingDocument, scale: float) -> dict[int, float]:
    if not _is_drawn(document):
        return {}
    return {number: _fitting(scale, page.size.width, page.size.height) for number, page in document.pages.items()}


def _fitting(scale: float, width: float, height: float) -> float:
    """The scale, or less where a picture of this many points would have too many pixels."""
    return min(scale, math.floor((MAX_SIDE - 1) / max(width, height) * 100) / 100)


def _is_drawn(document: DoclingDocument) -> bool:
    """Only PDFs and picture files have pages that can be drawn."""
    media_type = document.origin.mimetype if document.origin else ""
    return media_type.startswith(("application/pdf", "image/"))


def _named(document: DoclingDocument) -> Iterator[tuple[str, PictureItem]]:
    """The pictures that can be had, each with its name. A name counts all pictures, from 1."""
    for number, picture in enumerate(document.pictures, 1):
        if data := _kept(picture):
            yield f"picture-{number}.{SUFFIXES[data[0]]}", picture
        elif _place(document, picture):
            yield f"picture-{number}.png", picture


def _kept(picture: PictureItem) -> tuple[str, str] | None:
    """The media type and the content, in base 64, of a picture that was kept."""
    head, _, content = str(picture.image.uri if picture.image else "").partition(";base64,")
    media_type = head.removeprefix("data:")
    return (media_type, content) if content and media_type in SUFFIXES else None


def _place(document: DoclingDocument, picture: PictureItem) -> dict[str, object] | None:
    """Where a picture can be drawn from its page."""
    if not picture.prov or not _is_drawn(document):
        return None
    where = picture.prov[0]
    page = document.pages.get(where.page_no)
    if page is None:
        return None
    box = where.bbox.to_top_left_origin(page.size.height)
    left, top, right, bottom = (round(side, 2) for side in (box.l, box.t, box.r, box.b))
    if left >= right or top >= bottom:
        return None
    scale = _fitting(DRAWN_SCALE, right - left, bottom - top)
    return {"page": where.page_no, "box": [left, top, right, bottom], "scale": scale}


def _refer(picture: PictureItem, link: Path) -> None:
    """Replace the pixels of a picture by a link."""
    if picture.image is None:
        picture.image = ImageRef(mimetype="image/png", dpi=72, size=Size(), uri=link)
    picture.image.uri = link
