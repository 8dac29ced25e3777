"""Pictures of several frames: TIFFs, and animated GIFs, PNGs and WebPs. Each frame is a page."""

from __future__ import annotations

from PIL import Image

from actors.errors import FileError
from client.models import ErrorCode

#: Formats whose frames are read one without the other, and may differ in size.
INDEPENDENT = ("TIFF", "MPO")

#: The pixels that an animation may unpack to, for any file and for each of its bytes. A frame of an animation is made
#: from all frames before it, and each call of a parser begins with the first.
MAX_PIXELS = 1_000_000_000
MAX_PIXELS_PER_BYTE = 2_000

#: The frames that one call parses, and the pixels that they have together if it is more than one.
FRAMES_OF_A_SPAN = 2
PIXELS_OF_A_SPAN = 25_000_000


def check_animation(picture: Image.Image, size: int) -> None:
    """Raises FileError when a file of `size` bytes is an animation that unpacks to too many pixels."""
    frames: int = getattr(picture, "n_frames", 1)
    most = MAX_PIXELS + MAX_PIXELS_PER_BYTE * size
    if frames * picture.width * picture.height > most and frames > 1 and picture.format not in INDEPENDENT:
        message = f"The picture is too large to unpack: {frames} frames of {picture.width} x {picture.height} pixels"
        raise FileError(ErrorCode.DECOMPRESSION_BOMB, message)


def frames_of_a_span(picture: Image.Image) -> int:
    """How many frames one call should parse, so that other jobs soon have their turn."""
    return max(1, min(FRAMES_OF_A_SPAN, PIXELS_OF_A_SPAN // _largest(picture)))


def _largest(picture: Image.Image) -> int:
    """The pixels of the largest frame. Those of an animation have one size; the others are not decoded for this."""
    if picture.format not in INDEPENDENT:
        return picture.width * picture.height
    largest = 0
    for frame in range(getattr(picture, "n_frames", 1)):
        picture.seek(frame)
        largest = max(largest, picture.width * picture.height)
    return largest
