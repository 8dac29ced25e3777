"""Tiny pictures that declare many pixels, or many frames."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

from PIL import Image


def png(side: int, *extra: bytes) -> bytes:
    """A PNG of one colour that declares so many pixels on each side, and holds none."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunk(b"zTXt", text) for text in extra) + chunk(b"IDAT", b"")


def png_with_a_long_text() -> bytes:
    return png(8, b"Comment\0\0" + zlib.compress(bytes(60_000_000), 9))


def saved(form: str, side: int, frames: int = 1) -> bytes:
    out = BytesIO()
    picture = Image.new("1", (side, side), 1)
    more = {"save_all": True, "append_images": [picture] * (frames - 1)} if frames > 1 else {}
    compression = {"compression": "group4"} if form == "TIFF" else {}
    picture.save(out, form, **more, **compression)
    return out.getvalue()


def gif_of_frames(frames: int, side: int = 5_000) -> bytes:
    """Each frame is one pixel, of a large picture."""
    frame = b"\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    control = b"\x21\xf9\x04\x00\x0a\x00\x00\x00"
    head = b"GIF89a" + struct.pack("<2HBBB", side, side, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    return head + (control + frame) * frames + b"\x3b"


def jpeg(side: int) -> bytes:
    small = saved("JPEG", 8).replace(b"\x00\x08\x00\x08", struct.pack(">2H", side, side), 1)
    assert struct.pack(">2H", side, side) in small
    return small


def jpeg_of_scans(side: int, most: int = 95_000) -> bytes:
    """A progressive JPEG: thousands of scans go over the whole picture, and each is a few bytes."""

    def segment(marker: int, content: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content

    def code(table: int, symbol: int) -> bytes:
        return segment(0xC4, bytes([table, 1, *bytes(15), symbol]))

    out = b"\xff\xd8" + segment(0xDB, b"\0" + b"\1" * 64)
    out += segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0") + code(0, 0) + code(0x10, 0xE0)
    out += segment(0xDA, b"\1\1\0\0\0\0") + b"\0"
    scan = segment(0xDA, b"\1\1\0\1\x3f\0") + b"\0"
    return out + scan * ((most - len(out)) // len(scan)) + b"\xff\xd9"


def webp(side: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (side - 1).to_bytes(3, "little") * 2 + b"VP8L" + bytes(40)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def bmp(side: int) -> bytes:
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 154, 0, 54, 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(99)


def tiff(side: int, following: int = 0) -> bytes:
    """A TIFF of one strip; `following` is where its next picture is said to be."""
    tags = [(256, 4, side), (257, 4, side), (258, 3, 1), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, side),
            (279, 4, 8)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return b"II*\0" + struct.pack("<I", 16) + bytes(8) + directory


CASES: dict[str, Callable[[], bytes]] = {
    "declared.png": lambda: png(60_000),
    "long_text.png": png_with_a_long_text,
    "declared.jpg": lambda: jpeg(65_500),
    "scans.jpg": lambda: jpeg_of_scans(8_000),
    "declared.gif": lambda: gif_of_frames(1).replace(struct.pack("<2H", 5000, 5000), b"\xff\xff\xff\xff"),
    "frames.gif": lambda: gif_of_frames(4_000),
    "declared.webp": lambda: webp(16_383),
    "declared.bmp": lambda: bmp(100_000),
    "declared.tif": lambda: tiff(1_000_000),
    "loop.tif": lambda: tiff(8, following=16),
    "pages.tif": lambda: saved("TIFF", 3_000, frames=80),
    "uniform.tif": lambda: saved("TIFF", 9_000),
}
