"""Load documents into LangChain as chunks that know their pages and boxes. Needs `pip install langchain-core`.

python examples/langchain_loader.py report.pdf
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document

from client import DoclingParserClient


class DocfleetLoader(BaseLoader):  # type: ignore[misc] # mypy does not see langchain-core
    """Parses `paths` on the server and yields a LangChain document for each chunk.

    `chunking` are the arguments of `DoclingParserClient.chunks`, such as `max_tokens=512`.
    """

    def __init__(self, client: DoclingParserClient, paths: Sequence[str], **chunking: Any) -> None:
        self._client = client
        self._paths = paths
        self._chunking = chunking

    def lazy_load(self) -> Iterator[Document]:
        job_id = self._client.submit_job(*self._paths)["job_id"]
        self._client.wait_for_job(job_id)
        for chunk in self._client.chunks(job_id, **self._chunking):
            yield as_document(chunk)


def as_document(chunk: dict[str, Any]) -> Document:
    """`page_content` is what to embed. The metadata is enough to cite the place."""
    metadata = {
        "source": chunk["filename"],
        "headings": chunk["headings"],
        "page_numbers": chunk["page_numbers"],
        "items": chunk["items"],
    }
    return Document(id=chunk["id"], page_content=chunk["text"], metadata=metadata)


if __name__ == "__main__":
    with DoclingParserClient() as server:
        for document in DocfleetLoader(server, sys.argv[1:], max_tokens=256).lazy_load():
            print(document.metadata["page_numbers"], document.page_content[:70].replace("\n", " / "))
