"""Keeps docling from encoding the pictures of office files. docling 2.x encodes every picture that it finds, whether
the request asks for pixels or not. That takes a second for a large photograph, and no option turns it off."""

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
    """Inside this context, docling's picture references hold no PNG. docling also saves a PNG to find out whether a
    picture can be read; that one is not compressed. Models still see the picture itself. Call `drop` before the
    document is stored."""
    Image.preinit()  # Pillow otherwise registers its formats only when it opens a first picture
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
    """Remove all pixels from the document: docling keeps those of office files without being asked."""
    for picture in document.pictures:
        picture.image = None
