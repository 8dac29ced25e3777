"""Why a file could not be read, in one short line for its sender."""

from __future__ import annotations

import re
from zipfile import BadZipFile

from pydantic import ValidationError

UNKNOWN = "it is damaged, incomplete or of another kind"

_HASH = re.compile(r" with hash \w+")  # by which docling names a file
_NO_REASON = re.compile(r"could not (load|initialize)|failed to convert", re.IGNORECASE)
_PATH = re.compile(r"(/[^\s/:'\"]+){2,}")
#: For those who call libxml2 or Python's `int`.
_ADVICE = re.compile(r",? (use|see) (XML_PARSE|xmlCtxt)\w+( option)?\.?|; use sys\.set_int_max_str_digits.*")
_FOLDERS = re.compile(r"[^\s'\"]*/(?=\S)")  # in an archive


def reason_of(error: BaseException | None) -> str:
    """The first cause of an error, without details that only its library understands."""
    cause = _first_cause(error)
    match cause:
        case RecursionError():
            return "its parts are nested too deeply"
        case None | BadZipFile() | EOFError() | AttributeError() | TypeError() | IndexError() | AssertionError():
            return UNKNOWN  # what such an error says is about a library's code
        case KeyError() if " " not in str(cause):
            return UNKNOWN  # only the key, which says nothing to the sender
        case UnicodeDecodeError():
            return f"byte {cause.start} is not valid {cause.encoding}"
        case ValidationError():
            return "its JSON is not a document of docling's" if cause.title == "DoclingDocument" else UNKNOWN
        case _:
            reason = _FOLDERS.sub("", presentable(_ADVICE.sub("", _HASH.sub("", str(cause))))).replace("/", "")
            return UNKNOWN if not reason or _NO_REASON.search(reason) else reason


def presentable(message: str) -> str:
    """A library's message in one short line, without paths."""
    first_line = message.strip().strip('"').partition("\n")[0]
    return _PATH.sub("…", first_line)[:200]


def _first_cause(error: BaseException | None) -> BaseException | None:
    while error is not None and (error.__cause__ or error.__context__):
        error = error.__cause__ or error.__context__
    return error
