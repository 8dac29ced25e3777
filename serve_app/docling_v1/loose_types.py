"""Types as docling-serve's clients send them: as JSON, as repeated form fields, or as text in a form field."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias

import orjson
from pydantic import BeforeValidator

#: JavaScript cannot send a larger integer exactly. From here on, an upper page means "to the end".
LARGEST_EXACT_INTEGER = 2**53 - 1


def _json(sent: object) -> object:
    """A text that is JSON as what it says; anything else as it is."""
    if not isinstance(sent, str):
        return sent
    try:
        return orjson.loads(sent)
    except orjson.JSONDecodeError:
        return sent


def _words(sent: object) -> object:
    """A list, JSON text of a list, or words with commas between them; also several of these in one list."""
    if isinstance(sent, str):
        read = _json(sent)
        return read if isinstance(read, list) else [word for word in map(str.strip, sent.split(",")) if word]
    if isinstance(sent, list):
        return [word for item in sent for word in _listed(_words(item))]
    return sent


def _listed(sent: object) -> Iterable[object]:
    return sent if isinstance(sent, list) else [sent]


def _one(sent: object) -> object:
    """The last value of a form field that was repeated; an empty one counts as not sent."""
    value = sent[-1] if isinstance(sent, list) and sent else sent
    return None if value == "" else value


def _object(sent: object) -> object:
    return _json(_one(sent))


def _page_range(sent: object) -> object:
    """First and last page. `last` is None for "to the end", and the whole range for all pages."""
    pages = _words(sent)
    if not isinstance(pages, list) or len(pages) != 2:
        return sent
    first, last = (_whole_number(page) for page in pages)
    if isinstance(last, int) and last >= LARGEST_EXACT_INTEGER:
        last = None
    return (first, last)


def _whole_number(sent: object) -> object:
    """JavaScript sends a large integer as 9223372036854775807 or as 9.223372036854776e+18."""
    try:
        number = float(sent) if isinstance(sent, str) else sent
    except ValueError:
        return sent
    if isinstance(number, float) and math.isfinite(number) and number.is_integer():
        return int(number)
    return sent


Words: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_words)]
Flag: TypeAlias = Annotated[bool, BeforeValidator(_one)]
Number: TypeAlias = Annotated[float, BeforeValidator(_one)]
Text: TypeAlias = Annotated[str, BeforeValidator(_one)]
Config: TypeAlias = Annotated[dict[str, Any] | None, BeforeValidator(_object)]
PageRange: TypeAlias = Annotated[tuple[int, int | None], BeforeValidator(_page_range)]
as_words = BeforeValidator(_words)
as_one = BeforeValidator(_one)
as_object = BeforeValidator(_object)
