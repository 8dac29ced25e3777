"""docling's SDK gets through this server what docling itself makes of a file."""

from __future__ import annotations

import gc

import pytest

from tests.conformance.sdk import client, stream
from tests.contract import split_documents
from tests.contract.plain_docling import converted_by_docling
from tests.corpus import CORPUS
from tests.unit.parser.files import make_task

pytestmark = [pytest.mark.slow, pytest.mark.models]

LONG = CORPUS / "redp5110_sampled.pdf"  # 18 pages


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_document_by_the_sdk_equals_that_of_docling_key_for_key(url: str) -> None:
    data = LONG.read_bytes() if LONG.exists() else split_documents.flowing()
    with client(url) as docling:
        result = docling.convert(stream("long.pdf", data))
    assert (result.status.value, result.errors) == ("success", [])
    assert result.document.export_to_dict() == converted_by_docling(data, make_task("long.pdf")).export_to_dict()
    gc.collect()  # the SDK leaves files open
