"""The examples for LangChain and LlamaIndex, where those are installed, over a client that answers from memory."""

from __future__ import annotations

import importlib
import json

import httpx
import pytest

from client import DoclingParserClient

BOX = {"page": 3, "bbox": [72.0, 90.5, 523.1, 140.0], "origin": "top-left"}
ITEMS = [{"ref": "#/texts/31", "label": "text", "boxes": [BOX]}]
CHUNK = {
    "id": "5b0d3c0e-2a55-5c1b-9a0f-6e1c3f0a7d41",
    "index": 0,
    "text": "2 Method\nWe took samples.",
    "raw_text": "We took samples.",
    "num_tokens": 7,
    "headings": ["2 Method"],
    "captions": [],
    "page_numbers": [3],
    "items": ITEMS,
    "file": 0,
    "filename": "report.pdf",
    "pages": {"3": {"width": 595.3, "height": 841.9}},
}


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/submit":
        return httpx.Response(202, json={"job_id": "j1", "status": "pending", "message": "m"})
    if request.url.path == "/jobs/j1":
        return httpx.Response(200, json={"job_id": "j1", "status": "completed", "submitted_at": 1.0})
    assert dict(request.url.params) == {"format": "chunks.jsonl", "max_tokens": "512"}
    return httpx.Response(200, content=json.dumps(CHUNK) + "\n")


@pytest.fixture
def client() -> DoclingParserClient:
    return DoclingParserClient("http://server", http=httpx.Client(transport=httpx.MockTransport(answer)))


@pytest.fixture
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("files") / "report.pdf"
    path.write_bytes(b"%PDF-")
    return str(path)


def test_langchain_loader_makes_documents_that_can_be_cited(client: DoclingParserClient, report: str) -> None:
    pytest.importorskip("langchain_core")
    example = importlib.import_module("examples.langchain_loader")
    [document] = example.DocfleetLoader(client, [report], max_tokens=512).load()
    assert (document.id, document.page_content) == (CHUNK["id"], CHUNK["text"])
    assert document.metadata == {
        "source": "report.pdf",
        "headings": ["2 Method"],
        "page_numbers": [3],
        "items": ITEMS,
    }


def test_llamaindex_reader_makes_nodes_that_can_be_cited(client: DoclingParserClient, report: str) -> None:
    schema = pytest.importorskip("llama_index.core.schema")
    example = importlib.import_module("examples.llamaindex_reader")
    [node] = example.DocfleetReader(client, max_tokens=512).lazy_load_nodes(report)
    assert (node.node_id, node.metadata["items"]) == (CHUNK["id"], ITEMS)
    embedded = node.get_content(metadata_mode=schema.MetadataMode.EMBED)
    assert embedded.endswith(str(CHUNK["text"]))
    assert "bbox" not in embedded
