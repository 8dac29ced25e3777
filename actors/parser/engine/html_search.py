"""Finds the elements of a page as Beautiful Soup does, in a fraction of its time.

For one page, docling asks thousands of times for the elements of some names. Beautiful Soup makes rules of each
question and asks each rule about each element. Here such a question is one look into a set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from bs4 import ResultSet, Tag
from bs4.element import NavigableString, PageElement
from bs4.filter import SoupStrainer

Test = Callable[[PageElement], bool]

#: A selector of the elements of one name that contain an element of another, such as `p:has(div,table)`.
_CONTAINS = re.compile(r"(\w+):has\((\w+(?:,\w+)*)\)")
_NO_RULES = SoupStrainer()


class FastTag(Tag):
    """An element of HTML with fast searches. In HTML, a colon is a part of a name like any other character.

    Questions that docling seldom asks go to the base class.
    """

    def _find_all(  # every search of the library ends here
        self, name: Any, attrs: Any, string: Any, limit: int | None, generator: Iterator[PageElement], **kwargs: Any
    ) -> Any:
        if attrs or kwargs:
            return super()._find_all(name, attrs, string, limit, _with_keys(generator, attrs, kwargs), **kwargs)
        test = _test_of(name, string)
        if test is None:
            return super()._find_all(name, attrs, string, limit, generator)
        return ResultSet(_NO_RULES, islice(filter(test, generator), limit or None))

    def select(self, selector: str, *args: Any, **kwargs: Any) -> Any:
        contains = _CONTAINS.fullmatch(selector)
        if contains is None or args or kwargs:
            return super().select(selector, *args, **kwargs)
        outer, inner = contains[1], contains[2].split(",")
        return ResultSet(_NO_RULES, (tag for tag in self.find_all(outer) if tag.find(inner)))


def _with_keys(generator: Iterator[PageElement], attrs: Any, more: dict[str, Any]) -> Iterator[PageElement]:
    """The elements that have the attributes asked for, whatever their values. The base class compares the values."""
    if attrs and not isinstance(attrs, dict):
        return generator
    wanted = {**(attrs or {}), **more}
    if "class_" in wanted or not all(value is True or isinstance(value, str) for value in wanted.values()):
        return generator
    keys = wanted.keys()
    return (element for element in generator if isinstance(element, Tag) and keys <= element.attrs.keys())


def _test_of(name: Any, string: Any) -> Test | None:
    """What an element must pass; None when only the base class can tell."""
    if string is not None:
        return _is_string if string is True and name is None else None
    if isinstance(name, str):
        return _is_named({name})
    if isinstance(name, list | set | frozenset) and all(isinstance(one, str) for one in name):
        return _is_named(name)
    if callable(name) and not isinstance(name, SoupStrainer):
        return lambda element: isinstance(element, Tag) and bool(name(element))
    return None


def _is_string(element: PageElement) -> bool:
    return isinstance(element, NavigableString) and bool(element)


def _is_named(names: Iterable[str]) -> Test:
    wanted = frozenset(names)
    return lambda element: isinstance(element, Tag) and element.name in wanted
