"""Bytes of a text file into characters: which encoding they are in, and which of them do not fit it."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass

import chardet
from chardet import EncodingEra

_SAMPLE = 64 * 1024  # bytes that a guess is made from

#: UTF-32 comes first, because its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

#: Text has tabs, line ends, form feeds, overstrikes and terminal colours, and no other control characters.
_CONTROLS = re.compile(rb"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
_BINARY_FROM = 0.02  #: share of control characters

_MORE_THAN_ASCII = re.compile(rb"[\x80-\xff\x1b]")

#: Escape sequences that switch character sets, as in ISO-2022-JP. All bytes of such a text are ASCII.
_SHIFTS = re.compile(rb"\x1b[$(]")

#: Bytes of UTF-16 text that look like control characters. Every second byte does in an alphabet's text, which is valid
#: UTF-8 all the same. In Chinese it is one in sixteen, and the text is no valid UTF-8.
_UTF16_CONTROLS_IN_UTF8 = 0.2
_UTF16_CONTROLS = 0.02
_IMPLAUSIBLE = ("Cc", "Cn", "Co", "Cs")  #: Unicode's categories of what no text holds: controls, unassigned, private
_MAX_IMPLAUSIBLE = 0.01

#: Of the bytes above ASCII, the share that valid UTF-8 sequences have in damaged UTF-8. Other encodings reach 0.3.
_DAMAGED_UTF8_FROM = 0.5

_FALLBACK = "cp1252"

#: Names that pages give and browsers take for a larger encoding, because the pages do.
BROWSERS_READ_AS = {
    **dict.fromkeys(("iso-8859-1", "latin1", "us-ascii", "ascii"), "cp1252"),
    **dict.fromkeys(("iso-8859-9", "latin5"), "cp1254"),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987"), "cp949"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A text, and the encoding that it was read in, by Python's name.

    `guessed`: neither the file nor the request named the encoding. `undecodable` counts the bytes, or sequences of
    bytes, that do not fit the encoding; each of them is U+FFFD in the text.
    """

    text: str
    encoding: str
    guessed: bool = False
    undecodable: int = 0

    @property
    def looks_binary(self) -> bool:
        """Whether the text has more control characters than any text."""
        sample = self.text[:_SAMPLE]
        return len(_CONTROL_CHARACTERS.findall(sample)) > _BINARY_FROM * len(sample)


def decode(data: bytes, requested: str | None = None, declared: str | None = None) -> Decoded:
    """The text. A byte-order mark decides; then the encoding that was `requested`; then valid UTF-8; then the encoding
    that the file itself has `declared`, if all of it fits; then a guess."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _read(data[len(mark) :], encoding)
    if requested:
        return _read(data, codecs.lookup(requested).name)
    utf16 = _utf16_without_mark(data)
    if utf16:
        return _read(data, utf16, guessed=True)
    if _fits(data, "utf-8") and not _SHIFTS.search(data):
        return _read(data, "utf-8")
    if declared and _fits(data, declared):
        return _read(data, codecs.lookup(declared).name)
    if _is_damaged_utf8(data):
        return _read(data, "utf-8")
    return _read(data, _guess(data), guessed=True)


def _read(data: bytes, encoding: str, *, guessed: bool = False) -> Decoded:
    text = data.decode(encoding, errors="replace")
    undecodable = 0 if _fits(data, encoding) else text.count("\ufffd")
    nulls = text.count("\0")  # no HTML or XML can hold one
    if nulls:
        text = text.replace("\0", "\ufffd")
    return Decoded(text=text, encoding=encoding, guessed=guessed, undecodable=undecodable + nulls)


def _fits(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True


def _utf16_without_mark(data: bytes) -> str | None:
    sample = data[: min(len(data), _SAMPLE) // 2 * 2]
    least = _UTF16_CONTROLS_IN_UTF8 if _fits(data, "utf-8") else _UTF16_CONTROLS
    if not sample or len(_CONTROLS.findall(sample)) < least * len(sample):
        return None
    # A text uses few scripts, so the high bytes of its characters vary less than the low bytes.
    orders = (("utf-16-le", sample[1::2], sample[::2]), ("utf-16-be", sample[::2], sample[1::2]))
    encoding, high, low = min(orders, key=lambda order: len(set(order[1])))
    plausible = len(set(high)) <= len(set(low)) and _is_plausible(sample.decode(encoding, errors="replace"))
    return encoding if plausible else None


def _is_plausible(text: str) -> bool:
    implausible = sum(unicodedata.category(char) in _IMPLAUSIBLE and char not in "\t\n\r\f" for char in text)
    return implausible <= _MAX_IMPLAUSIBLE * len(text)


def _telling_part(data: bytes) -> bytes:
    """From the first line that has more than ASCII."""
    more = _MORE_THAN_ASCII.search(data)
    start = data.rfind(b"\n", 0, more.start()) + 1 if more else 0
    return data[start : start + _SAMPLE]


def _is_damaged_utf8(data: bytes) -> bool:
    part = _telling_part(data)
    high = sum(byte >= 0x80 for byte in part)
    valid = part.decode("utf-8", errors="ignore")
    return sum(len(char.encode()) for char in valid if char >= "\x80") >= _DAMAGED_UTF8_FROM * high > 0


def _guess(data: bytes) -> str:
    """By the letters' frequencies, among the encodings that the web uses."""
    found = chardet.detect(
        _telling_part(data),
        encoding_era=EncodingEra.MODERN_WEB,
        prefer_superset=True,
        compat_names=False,
        no_match_encoding=_FALLBACK,
    )
    return codecs.lookup(found["encoding"] or _FALLBACK).name
