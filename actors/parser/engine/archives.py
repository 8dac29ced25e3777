"""Files that are ZIP archives inside: whether they are what their suffix says, and how much they unpack to."""

from __future__ import annotations

import zlib
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from actors.errors import FileError
from client.models import ErrorCode

MIB = 1024 * 1024

#: No office file unpacks to more.
MAX_UNPACKED = 1024 * MIB

#: Below this size a high ratio is only a repetitive document.
RATIO_MATTERS_ABOVE = 64 * MIB
MAX_RATIO = 150

MAX_MEMBERS = 20_000

LOCKED = "The file is protected with a password; only PDFs can be opened with one"

_SLICE = 16 * 1024  # packed bytes: they unpack to 16 MiB at most
_LOCAL_HEADER = 30  # bytes before a member's name

_MARKS = {
    "docx": "word/",
    "pptx": "ppt/",
    "xlsx": "xl/",
    "epub": "META-INF/container.xml",
    "odt": "content.xml",
    "ods": "content.xml",
    "odp": "content.xml",
}
_ODF_TYPES = {"odt": b"text", "ods": b"spreadsheet", "odp": b"presentation"}


def check_zip(data: bytes, family: str, suffix: str) -> None:
    """Raises FileError for a broken archive, one of another family, one that is locked, and a decompression bomb."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            _check_size(data, members)
            _check_family(archive, family, suffix)
    except (BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise FileError(ErrorCode.INVALID_FILE, f"The file is not a readable {suffix} file: it is damaged") from error


def _check_family(archive: ZipFile, family: str, suffix: str) -> None:
    names = archive.namelist()
    mark = _MARKS.get(family, "")
    if not any(name.startswith(mark) for name in names):
        raise FileError(ErrorCode.CONTENT_MISMATCH, f"The file is named {suffix} but holds another kind of archive")
    if family in _ODF_TYPES and "mimetype" in names:
        with archive.open("mimetype") as mimetype:
            declared = mimetype.read(256)
        if b"opendocument." + _ODF_TYPES[family] not in declared:
            raise FileError(ErrorCode.CONTENT_MISMATCH, f"The file is named {suffix} but holds another document type")


def _check_size(data: bytes, members: list[ZipInfo]) -> None:
    """Check the sizes that the directory declares first, which costs nothing. Then unpack the members and drop their
    data, because the directory may lie."""
    if any(member.flag_bits & 1 for member in members):
        raise FileError(ErrorCode.PASSWORD_REQUIRED, LOCKED)
    if len(members) > MAX_MEMBERS:
        raise FileError(ErrorCode.DECOMPRESSION_BOMB, "The file holds too many parts")
    _refuse_bomb(sum(member.file_size for member in members), len(data))
    unpacked = 0
    for member in members:
        unpacked = _unpack(data, member, unpacked)


def _unpack(data: bytes, member: ZipInfo, unpacked: int) -> int:
    start = member.header_offset + _LOCAL_HEADER
    lengths = data[start - 4 : start]  # of the name and the extra field, as the local header has them
    start += int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    if member.compress_type == ZIP_STORED:
        return unpacked + member.compress_size
    if member.compress_type != ZIP_DEFLATED:
        raise NotImplementedError("office files are deflated or stored")
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    packed = memoryview(data)[start : start + member.compress_size]
    try:
        for begin in range(0, len(packed), _SLICE):
            unpacked += len(inflate.decompress(packed[begin : begin + _SLICE]))
            _refuse_bomb(unpacked, len(data))
            if inflate.eof:
                break
    except zlib.error as error:
        raise BadZipFile("a member cannot be inflated") from error
    return unpacked


def _refuse_bomb(unpacked: int, packed: int) -> None:
    if unpacked > MAX_UNPACKED or (unpacked > RATIO_MATTERS_ABOVE and unpacked > packed * MAX_RATIO):
        raise FileError(ErrorCode.DECOMPRESSION_BOMB, "The file unpacks to far more than a document of its size would")
