"""Pictures of office files, whose pixels docling encodes as it meets them: a second of work for a large photograph,
whether anybody asked for pixels or not, and no option of docling's turns it off (docling 2.x)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from docling_core.types.doc.base import Size
from docling_core.types.doc.common.reference import ImageRef
from docling_core.types.doc.document import DoclingDocument
from PIL import Image

_ENCODING = "from_pil"


@contextmanager
def unencoded() -> Iterator[None]:
    """Within, docling's references to pictures hold no PNG, and the PNG that it makes to see whether a picture can be
    read at all is not compressed. What it does with the picture itself, such as telling what it shows, goes on as ever;
    `drop` the references before the document is stored."""
    Image.preinit()  # else Pillow knows its formats only once it has met one
    encoding, save = vars(ImageRef)[_ENCODING], Image.SAVE["PNG"]

    def store(image: Image.Image, out: IO[bytes], name: str | bytes) -> None:
        image.encoderinfo.setdefault("compress_level", 0)
        save(image, out, name)

    setattr(ImageRef, _ENCODING, classmethod(_bare_reference))
    Image.register_save("PNG", store)
    try:
        yield
    finally:
        Image.register_save("PNG", save)
        setattr(ImageRef, _ENCODING, encoding)


def _bare_reference(cls: type[ImageRef], /, image: Image.Image, dpi: int, **_: Any) -> ImageRef:
    size = Size(width=image.width, height=image.height)
    reference = cls(mimetype="image/png", dpi=dpi, size=size, uri="data:image/png;base64,")
    reference._pil = image
    return reference


def drop(document: DoclingDocument) -> None:
    """Leave no pixels in the document: office files come with them, whoever asked."""
    for picture in document.pictures:
        picture.image = None
