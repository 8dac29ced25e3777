"""Refuses HTML whose elements nest too deeply. docling walks them by recursion, in time that grows with the square of
their depth, and fails at last."""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag
from docling.backend import html_backend

from actors.errors import FileError
from client.models import ErrorCode

#: docling reads up to 400 nested <div> elements and 100 nested lists. Web pages have up to a few dozen levels.
MAX_DEPTH = 500


class ShallowSoup(BeautifulSoup):
    """A parsed page. Its constructor raises FileError while it parses, at the first element that is too deep."""

    def pushTag(self, tag: Tag) -> None:  # noqa: N802 - the library's name
        super().pushTag(tag)
        if len(self.tagStack) > MAX_DEPTH:
            raise FileError(ErrorCode.INVALID_FILE, f"The file nests HTML elements more than {MAX_DEPTH} levels deep")


def limit_nesting() -> None:
    """Let docling parse HTML, also that of mails, books and web archives, with `ShallowSoup`."""
    html_backend.BeautifulSoup = ShallowSoup  # type: ignore[attr-defined]
