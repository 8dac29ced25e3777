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

from actors.derivations import ExportStyle, Made, Pictures
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
    """Where a picture can be drawn from its page: only PDFs and picture files have pages that can be drawn."""
    media_type = document.origin.mimetype if document.origin else ""
    if not picture.prov or not media_type.startswith(("application/pdf", "image/")):
        return None
    where = picture.prov[0]
    page = document.pages.get(where.page_no)
    if page is None:
        return None
    box = where.bbox.to_top_left_origin(page.size.height)
    left, top, right, bottom = (round(side, 2) for side in (box.l, box.t, box.r, box.b))
    if left >= right or top >= bottom:
        return None
    scale = min(DRAWN_SCALE, math.floor((MAX_SIDE - 1) / max(right - left, bottom - top) * 100) / 100)
    return {"page": where.page_no, "box": [left, top, right, bottom], "scale": scale}


def _refer(picture: PictureItem, link: Path) -> None:
    """Replace the pixels of a picture by a link."""
    if picture.image is None:
        picture.image = ImageRef(mimetype="image/png", dpi=72, size=Size(), uri=link)
    picture.image.uri = link
