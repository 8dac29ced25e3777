"""Jobs with the async client: poll by hand, let the client wait, run several at once.

python examples/async_job_example.py [FILE FILE]
"""

import asyncio
import os
import sys

from fetchcraft.parsing.docling import AsyncDoclingParserClient

URL = os.environ.get("DOCFLEET_URL", "http://localhost:8080")


async def submit_and_poll(client: AsyncDoclingParserClient, document: str) -> None:
    submitted = await client.submit_job(document)
    job_id = submitted["job_id"]
    print(f"submitted {document}: {submitted['status']}")
    while True:
        status = await client.get_job_status(job_id)
        if status["status"] == "completed":
            break
        if status["status"] == "failed":
            sys.exit(status["error"])
        await asyncio.sleep(1)
    results = await client.get_job_results(job_id)
    batch = results["results"]
    print(f"{batch['total_nodes']} nodes in {batch['total_processing_time_ms']:.0f} ms")


async def submit_and_wait(client: AsyncDoclingParserClient, *documents: str) -> None:
    batch = await client.submit_and_wait(*documents, poll_interval=1.0, timeout=300)
    for result in batch["results"]:
        print(f"{result['filename']}: {result['num_nodes']} nodes")


async def several_jobs(client: AsyncDoclingParserClient, *documents: str) -> None:
    waiting = set()
    for document in documents:
        waiting.add((await client.submit_job(document))["job_id"])
    while waiting:
        for job_id in sorted(waiting):
            status = await client.get_job_status(job_id)
            if status["status"] in ("completed", "failed"):
                waiting.remove(job_id)
                print(f"{job_id} {status['status']}")
        await asyncio.sleep(1 if waiting else 0)


async def main(first: str, second: str) -> None:
    client = AsyncDoclingParserClient(base_url=URL)
    health = await client.health()
    print(f"server {health['version']} is {health['status']}")
    await submit_and_poll(client, first)
    await submit_and_wait(client, first, second)
    await several_jobs(client, first, second)


if __name__ == "__main__":
    default = ["examples/documents/report.pdf", "examples/documents/memo.docx"]
    asyncio.run(main(*(sys.argv[1:3] or default)))
