"""Searches in a page find what Beautiful Soup finds, in its order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag

from actors.parser.engine.html_search import FastTag

PAGE = """<html><head><title>T</title></head><body class="a b"><h1 id="top">One <b>two</b></h1>
<p>Text <a href="/x">link</a><br>more<div hidden>gone <p class="a">in</p></div>after</p>
<ul><li>first<li>second <input type="checkbox" id="c"><label for="c">Tick</label><ul><li>deep</ul></ul>
<svg:rect width="1"/><p></p><table><tr><td>1<td>2<tr><th>3</table><p hidden="">none<h2>Two</h2></body></html>"""

QUESTIONS: dict[str, Callable[[Tag], Any]] = {
    "a name": lambda page: page.find_all("li"),
    "a name that is in no page": lambda page: page.find_all("video"),
    "a name with a colon": lambda page: page.find_all("svg:rect"),
    "a part of a name with a colon": lambda page: page.find_all("rect"),
    "names": lambda page: page.find_all(["td", "th", "p"]),
    "a set of names": lambda page: page.find_all({"td", "li"}),
    "no names": lambda page: page.find_all([]),
    "everything": lambda page: page.find_all(True),
    "no question": lambda page: page.find_all(),
    "a function": lambda page: page.find_all(lambda tag: len(tag.contents) > 1),
    "two of them": lambda page: page.find_all(["li", "p"], limit=2),
    "children alone": lambda page: page.body.find_all(["p", "li"], recursive=False) if page.body else None,
    "texts": lambda page: page.find_all(string=True),
    "one text": lambda page: page.find_all(string="Tick"),
    "the first": lambda page: page.find("p"),
    "the first of some names": lambda page: page.find(["table", "ul"]),
    "none": lambda page: page.find("video"),
    "an attribute": lambda page: page(hidden=True),
    "a value": lambda page: page.find_all("label", attrs={"for": "c"}),
    "another value": lambda page: page.find_all("label", attrs={"for": "d"}),
    "one value of several": lambda page: page.find_all(None, {"class": "b"}),
    "a class by name": lambda page: page.find_all(class_="a"),
    "no attribute": lambda page: page.find_all("p", hidden=False),
    "a name and a text": lambda page: page.find_all("label", string="Tick"),
    "parents": lambda page: [item.find_parent(["ul", "table"]) for item in page.find_all(["li", "td", "h1"])],
    "the next one parent": lambda page: [item.find_parent("li") for item in page.find_all(["li", "label"])],
    "elements that contain others": lambda page: page.select("p:has(div,table,h2)"),
    "elements that contain none of them": lambda page: page.select("p:has(video)"),
    "another selector": lambda page: page.select("ul > li"),
    "the first of a selector": lambda page: page.select("p:has(div,a)", limit=1),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_search_finds_what_beautiful_soup_finds(question: Callable[[Tag], Any]) -> None:
    fast = BeautifulSoup(PAGE, "html.parser", element_classes={Tag: FastTag})
    assert fast.body is not None
    assert isinstance(fast.body, FastTag)
    plain = BeautifulSoup(PAGE, "html.parser")
    assert str(question(fast.html or fast)) == str(question(plain.html or plain))
