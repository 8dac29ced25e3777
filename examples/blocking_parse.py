"""The blocking calls: one request that is answered when everything is parsed.

python examples/blocking_parse.py [FILE...]
"""

import asyncio
import os
import sys

from client import AsyncDoclingParserClient, DoclingParserClient

URL = os.environ.get("DOCFLEET_URL", "http://localhost:8080")


def blocking(paths: list[str]) -> None:
    client = DoclingParserClient(URL)
    result = client.parse_single(paths[0])
    print(f"{result['filename']}: {result['num_nodes']} nodes")
    batch = client.parse(*paths)
    print(f"{batch['successful']} of {batch['total_files']} files, {batch['total_nodes']} nodes")


async def asynchronous(paths: list[str]) -> None:
    client = AsyncDoclingParserClient(URL, timeout=600)
    in_batches = await client.parse_batch(paths, batch_size=2)
    print(f"in batches: {[result['num_nodes'] for result in in_batches]} nodes")
    in_parallel = await client.parse_parallel(paths, max_concurrent=3)
    print(f"in parallel: {[result['num_nodes'] for result in in_parallel]} nodes")


if __name__ == "__main__":
    files = sys.argv[1:] or [f"examples/documents/{name}" for name in ("notes.md", "memo.docx", "article.html")]
    blocking(files)
    asyncio.run(asynchronous(files))
