"""Text of OpenDocument files that docling itself does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel

from tests.unit.parser.files import parsed
from tests.unit.parser.office import open_document

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

BOATS = "<text:p>boats</text:p>"


def read(engine: Engine, kind: str, body: str) -> DoclingDocument:
    suffix = {"text": "odt", "presentation": "odp"}[kind]
    file = parsed(engine, f"a.{suffix}", open_document(kind, body))
    assert not file.warnings
    return DoclingDocument.model_validate_json(file.document)


@pytest.mark.parametrize("index", ["table-of-content", "alphabetical-index", "bibliography", "user-index"])
def test_an_index_of_a_text_is_read_in_its_place(engine: Engine, index: str) -> None:
    title = "<text:index-title><text:p>Contents</text:p></text:index-title>"
    body = f"<text:{index}><text:index-body>{title}{BOATS}</text:index-body></text:{index}><text:p>end</text:p>"
    assert [item.text for item in read(engine, "text", body).texts] == ["Contents", "boats", "end"]


def test_the_header_of_a_list_is_an_item_of_it(engine: Engine) -> None:
    body = (
        f"<text:list><text:list-header>{BOATS}</text:list-header><text:list-item>{BOATS}</text:list-item></text:list>"
    )
    items = read(engine, "text", body).texts
    assert [(item.label, item.text) for item in items] == [(DocItemLabel.LIST_ITEM, "boats")] * 2


def test_a_numbered_paragraph_is_read(engine: Engine) -> None:
    body = f"<text:numbered-paragraph>{BOATS}</text:numbered-paragraph>"
    assert [item.text for item in read(engine, "text", body).texts] == ["boats"]


def test_a_word_is_read_without_the_signs_that_tell_how_it_is_spoken(engine: Engine) -> None:
    spoken = "<text:ruby><text:ruby-base>boats</text:ruby-base><text:ruby-text>bəʊts</text:ruby-text></text:ruby>"
    assert [item.text for item in read(engine, "text", f"<text:p>{spoken} at sea</text:p>").texts] == ["boats at sea"]


def test_shapes_in_groups_of_a_slide_are_read(engine: Engine) -> None:
    shape = f"<draw:custom-shape>{BOATS}</draw:custom-shape>"
    page = f"<draw:page><draw:g>{shape}<draw:g>{shape}</draw:g></draw:g>{shape}</draw:page>"
    texts = [item.text for item in read(engine, "presentation", page).texts]
    assert texts.count("boats") == 3
