"""Refuses text whose elements nest too deeply. docling walks them by recursion, or in time that grows with the square
of their number."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, Tag, UnicodeDammit
from bs4.element import NavigableString, PageElement
from docling.backend import html_backend
from lxml import etree, html
from marko import inline_parser

from actors.errors import FileError
from actors.parser.engine.html_search import FastTag
from client.models import ErrorCode

#: docling reads up to 400 nested <div> elements and 100 nested lists. Web pages have up to a few dozen levels.
MAX_DEPTH = 500

#: Steps that Markdown's parser may take to find the links of one paragraph. A paragraph of 1,000 links takes a million.
MAX_LINK_STEPS = 20_000_000

#: Elements that may stand before the body and show nothing.
_OF_THE_HEAD = {"head", "title", "meta", "link", "base", "style", "script", "noscript", "template"}

#: lxml leaves out what comes after these.
_END_OF_PAGE = re.compile(r"</(body|html)\s*>", re.IGNORECASE)

_BRACKET = re.compile(r"[\[\]]|[*_]+")
_find_links = inline_parser.find_links_or_emphs


class ShallowSoup(FastTag, BeautifulSoup):
    """A parsed page. Its constructor raises FileError while it parses, at the first element that is too deep.

    HTML may leave out the end tags of `<p>`, `<li>` and `<td>`. The parser does not close them by itself, so a page of
    many of them is deep. Such a page is parsed again with the missing end tags.
    """

    def __init__(self, markup: str | bytes, features: str) -> None:
        try:
            self._parse(markup, features)
        except FileError:
            self._parse(_with_end_tags(markup), features)
        if self.body:
            _take_in(self.body)
        for foot in self.find_all("tfoot"):
            _take_for_body(foot)

    def _parse(self, markup: str | bytes, features: str) -> None:
        super().__init__(markup, features, element_classes={Tag: FastTag})

    def handle_endtag(self, name: str, nsprefix: str | None = None) -> None:
        """The body goes on to the end of the file, as in browsers. docling reads the body alone."""
        if name not in ("body", "html"):
            super().handle_endtag(name, nsprefix)

    def pushTag(self, tag: Tag) -> None:  # noqa: N802 - the library's name
        super().pushTag(tag)
        if len(self.tagStack) > MAX_DEPTH:
            raise FileError(ErrorCode.INVALID_FILE, f"The file nests HTML elements more than {MAX_DEPTH} levels deep")


def _take_in(body: Tag) -> None:
    """Put what stands before the body at its beginning, as browsers do. Mail servers write notices there."""
    for element in (body, *body.parents):
        for before in list(element.previous_siblings):
            if _is_shown(before):
                body.insert(0, before.extract())


def _take_for_body(foot: Tag) -> None:
    """Make the foot of a table its last body, which browsers show in its place. docling passes over a foot."""
    table = foot.parent
    if table is not None and table.name == "table":
        foot.name = "tbody"
        table.append(foot.extract())


def _is_shown(node: PageElement) -> bool:
    """Comments and declarations are of subclasses of NavigableString."""
    if isinstance(node, Tag):
        return node.name not in _OF_THE_HEAD
    return type(node) is NavigableString and bool(node.strip())


def _with_end_tags(markup: str | bytes) -> str:
    text = markup if isinstance(markup, str) else UnicodeDammit(markup, is_html=True).unicode_markup or ""
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    page = html.document_fromstring(_END_OF_PAGE.sub("", text).encode(), parser=parser)
    return str(etree.tostring(page, method="html", encoding="unicode"))


def limit_nesting() -> None:
    """Let docling parse HTML, also that of mails, books and web archives, with `ShallowSoup`. Let it refuse Markdown
    whose brackets take too long to match."""
    html_backend.BeautifulSoup = ShallowSoup  # type: ignore[attr-defined,assignment]
    inline_parser.find_links_or_emphs = _find_links_in_time


def _find_links_in_time(text: str, link_ref_defs: dict[str, tuple[str, str]]) -> list[inline_parser.MatchObj]:
    if _link_steps(text) > MAX_LINK_STEPS:
        raise FileError(ErrorCode.TOO_LARGE_TO_PARSE, "A paragraph of the file has too many brackets inside brackets")
    return _find_links(text, link_ref_defs)


def _link_steps(text: str) -> int:
    """The most steps that marko takes: at a closing bracket it reads back to the opening one, and lists all marks."""
    steps, marks = 0, 0
    opened: list[int] = []
    for mark in _BRACKET.finditer(text):
        if mark.group() == "]":
            steps += marks + (mark.start() - opened.pop() if opened else 0)
        else:
            marks += 1
            opened += [mark.start()] if mark.group() == "[" else []
    return steps
