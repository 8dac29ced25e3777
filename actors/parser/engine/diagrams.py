"""The text of diagrams (SmartArt) in Office files. It stands in a part of its own, which docling never opens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lxml import etree

_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_D = f"{{{_DIAGRAM}}}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"

#: Where a slide or a text has a diagram. `RELATION` names the part with its nodes.
PLACE = f"{_D}relIds"
RELATION = f"{_R}dm"


def paragraphs_of(data: bytes) -> list[etree._Element]:
    """The DrawingML paragraphs of a diagram that have text, those of each point before those of the points below it."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return []
    points = {point.get("modelId", ""): point for point in root.iterfind(f"{_D}ptLst/{_D}pt")}
    paragraphs = [each for name in _in_order(root, points) for each in points[name].iterfind(f"{_D}t/{_A}p")]
    return [paragraph for paragraph in paragraphs if text_of(paragraph).strip()]


def text_of(paragraph: etree._Element) -> str:
    """The text of a DrawingML paragraph."""
    return "".join(text.text or "" for text in paragraph.iter(f"{_A}t"))


def _in_order(root: etree._Element, points: dict[str, etree._Element]) -> Iterator[str]:
    """The names of all points: each once, from the top of the tree that the connections make."""
    below: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for connection in root.iterfind(f"{_D}cxnLst/{_D}cxn"):
        if connection.get("type", "parOf") == "parOf":
            order, name = connection.get("srcOrd", ""), connection.get("destId", "")
            below[connection.get("srcId", "")].append((int(order) if order.isdecimal() else 0, name))
    waiting = [*reversed(points)]  # those that nothing connects come last, in the file's order
    waiting += [name for name in reversed(points) if points[name].get("type") == "doc"]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in points and name not in seen:
            seen.add(name)
            yield name
            waiting += [child for _, child in sorted(below[name], key=lambda pair: -pair[0])]
