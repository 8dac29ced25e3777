"""One call that submits, waits and returns the results, through both clients; then the same with progress.

python examples/submit_and_wait.py [FILE...]
"""

import asyncio
import os
import sys

from client import AsyncDoclingParserClient, DoclingParserClient, JobStatusResponse

URL = os.environ.get("DOCFLEET_URL", "http://localhost:8080")


def blocking(paths: list[str]) -> None:
    client = DoclingParserClient(URL)
    batch = client.submit_and_wait(*paths, poll_interval=1.0, timeout=300)
    print(f"sync: {batch['successful']} of {batch['total_files']} files, {batch['total_nodes']} nodes")


async def asynchronous(paths: list[str]) -> None:
    client = AsyncDoclingParserClient(URL)
    batch = await client.submit_and_wait(*paths, poll_interval=1.0, timeout=300)
    print(f"async: {batch['successful']} of {batch['total_files']} files, {batch['total_nodes']} nodes")


def with_progress(paths: list[str]) -> None:
    def show(status: JobStatusResponse) -> None:
        print(f"  {status.status}: {status.progress.pages_done} of {status.progress.pages_total} pages")

    with DoclingParserClient(URL) as client:
        job = client.job(client.submit_job(*paths)["job_id"])
        for result in job.result(on_progress=show).results:
            print(f"{result.filename}: {result.nodes[0]['text'][:60]!r}" if result.nodes else result.error)


if __name__ == "__main__":
    files = sys.argv[1:] or ["examples/documents/report.pdf", "examples/documents/notes.md"]
    blocking(files)
    asyncio.run(asynchronous(files))
    with_progress(files)
