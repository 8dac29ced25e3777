"""Scans that tests make: pictures of printed lines, and PDFs of such pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

#: A page as small as a playing card at 144 dpi, in pixels, and the same page in points. OCR takes a second for A5.
PIXELS = (320, 452)
POINTS = (160.0, 226.0)


def picture_of(lines: Sequence[str], *, top: int = 60, step: int = 30) -> Image.Image:
    """A white page with lines of print from `top` on."""
    picture = Image.new("RGB", PIXELS, "white")
    ink = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        ink.text((20, top + number * step), line, fill="black", font=ImageFont.load_default(18))
    return picture


def encoded(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """The picture as a file."""
    out = BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def pdf_of(pictures: Iterable[Image.Image]) -> bytes:
    """A PDF of scanned pages."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=POINTS, invariant=True)
    for picture in pictures:
        canvas.drawImage(ImageReader(picture), 0, 0, *POINTS)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def pdf_around(picture: bytes, *, of: str, bits: int = 8, colours: str, decode: str = "") -> bytes:
    """A PDF of one page, whose picture is stored with the PDF filter `of` as it is."""
    width, height = PIXELS
    size = f"/Width {width} /Height {height}"
    page = b"q %g 0 0 %g 0 0 cm /Im0 Do Q" % POINTS
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %g %g]/Contents 4 0 R/Resources<</XObject<</Im0 5 0 R>>>>>>" % POINTS,
        b"<</Length %d>>stream\n%s\nendstream" % (len(page), page),
        f"<</Type/XObject/Subtype/Image {size}/ColorSpace/{colours}/BitsPerComponent {bits}/Filter/{of}{decode}"
        f"/Length {len(picture)}>>stream\n".encode()
        + picture
        + b"\nendstream",
    ]
    return _numbered(objects)


def _numbered(objects: Sequence[bytes]) -> bytes:
    """A PDF file of these objects, the catalog first."""
    out, offsets = b"%PDF-1.5\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    tail = b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + tail
