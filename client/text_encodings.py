"""The encodings of text files that a request may name."""

from __future__ import annotations

import encodings
import pkgutil
from encodings.aliases import aliases

#: Punycode is left out: it takes the square of a text's length, and no text file is in it.
_NAMES = {*aliases, *(module.name for module in pkgutil.iter_modules(encodings.__path__))} - {"punycode"}

#: Half a surrogate pair, as escapes and as UTF-7: a codec that takes one makes a text that cannot be written.
_HALF_A_PAIR = rb"a\ud800 +2AA-"


def is_text_encoding(name: str) -> bool:
    """Whether Python decodes text with an encoding of this name.

    Only names that are known beforehand are looked up: Python keeps every other name that was ever asked for.
    """
    if encodings.normalize_encoding(name).lower() not in _NAMES:
        return False
    try:
        _HALF_A_PAIR.decode(name, "replace").encode()
    except (LookupError, UnicodeError):
        return False
    return True
