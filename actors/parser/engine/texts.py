"""Text files as docling reads them: in UTF-8 and with sound quotes, and with a warning where either was in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bs4.dammit import EncodingDetector

from actors.parser.engine.csv_text import mend
from actors.parser.engine.encoding import BROWSERS_READ_AS, Decoded, decode
from client.models import FileWarning, WarningCode
from client.text_encodings import is_text_encoding

#: Families whose files are decoded here. docling decodes the files of all other formats by the formats' own rules.
DECODED = ("text", "md", "csv", "html", "asciidoc", "vtt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """`content` is for docling; `encoding` is the one that the file was read in, by Python's name."""

    content: str
    encoding: str
    warnings: tuple[FileWarning, ...]
    looks_binary: bool

    def as_bytes(self, family: str) -> bytes:
        """In UTF-8. With a mark for HTML, whose reader would else believe what the page says of its old encoding."""
        return self.content.encode("utf-8-sig" if family == "html" else "utf-8")


def read_text(data: bytes, family: str, requested: str | None) -> Text:
    """A file of one of the families that are `DECODED`; in the encoding that was `requested`, if any."""
    decoded = decode(data, requested, _declared(data) if family == "html" else None)
    content, warnings = decoded.text, [*_doubts(decoded)]
    if family == "csv":
        content, line = mend(content)
        if line is not None:
            message = f"The quotes in line {line} do not fit together; cells are read with such quotes as they stand"
            warnings.append(FileWarning(code=WarningCode.CSV_QUOTES, message=message))
    return Text(content=content, encoding=decoded.encoding, warnings=tuple(warnings), looks_binary=decoded.looks_binary)


def _declared(page: bytes) -> str | None:
    """The encoding that an HTML page names, as browsers understand the name."""
    name = EncodingDetector.find_declared_encoding(page, is_html=True) or ""
    name = BROWSERS_READ_AS.get(name, name)
    if name.startswith("utf") or not is_text_encoding(name):  # what can name itself UTF-16 in ASCII is not in it
        return None
    return name


def _doubts(decoded: Decoded) -> Iterator[FileWarning]:
    if decoded.guessed:
        message = (
            f"The file does not name its encoding; it was read as {decoded.encoding}, which is a guess. "
            "The option 'encoding' sets another one"
        )
        yield FileWarning(code=WarningCode.ENCODING_GUESSED, message=message)
    if decoded.undecodable:
        line = decoded.text.count("\n", 0, decoded.text.find("\ufffd")) + 1
        message = (
            f"{decoded.undecodable} character{'s are' if decoded.undecodable > 1 else ' is'} not valid "
            f"{decoded.encoding}, the first in line {line}; U+FFFD stands in place of each"
        )
        yield FileWarning(code=WarningCode.UNDECODABLE_TEXT, message=message)
