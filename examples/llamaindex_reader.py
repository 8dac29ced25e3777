"""Read documents into LlamaIndex as nodes that know their pages and boxes. Needs `pip install llama-index-core`.

python examples/llamaindex_reader.py report.pdf
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from llama_index.core.schema import TextNode

from client import DoclingParserClient

#: What is for the program alone: neither the embedding nor the language model gets it.
FOR_THE_PROGRAM = ["items", "page_numbers"]


class DocfleetReader:
    """Parses files on the server. `chunking` are the arguments of `DoclingParserClient.chunks`."""

    def __init__(self, client: DoclingParserClient, **chunking: Any) -> None:
        self._client = client
        self._chunking = chunking

    def lazy_load_nodes(self, *paths: str) -> Iterator[TextNode]:
        """A node for each chunk. The chunk's text has its headings already."""
        job_id = self._client.submit_job(*paths)["job_id"]
        self._client.wait_for_job(job_id)
        for chunk in self._client.chunks(job_id, **self._chunking):
            yield as_node(chunk)


def as_node(chunk: dict[str, Any]) -> TextNode:
    """The node of a chunk, under the chunk's own id."""
    metadata = {"file_name": chunk["filename"], "page_numbers": chunk["page_numbers"], "items": chunk["items"]}
    return TextNode(
        id_=chunk["id"],
        text=chunk["text"],
        metadata=metadata,
        excluded_embed_metadata_keys=FOR_THE_PROGRAM,
        excluded_llm_metadata_keys=FOR_THE_PROGRAM,
    )


if __name__ == "__main__":
    with DoclingParserClient() as server:
        for node in DocfleetReader(server, max_tokens=256).lazy_load_nodes(*sys.argv[1:]):
            print(node.metadata["page_numbers"], node.text[:70].replace("\n", " / "))
