"""Submit a job, ask for its status now and then, and fetch its result.

python examples/submit_poll.py [FILE...]
"""

import os
import sys
import time

from client import DoclingParserClient

URL = os.environ.get("DOCFLEET_URL", "http://localhost:8080")


def main(paths: list[str]) -> None:
    client = DoclingParserClient(URL)

    submitted = client.submit_job(*paths)
    job_id = submitted["job_id"]
    print(f"{submitted['message']}: {job_id}")

    while True:
        status = client.get_job_status(job_id)
        print(f"  {status['status']}")
        if status["status"] == "completed":
            break
        if status["status"] == "failed":
            sys.exit(f"  {status['error']}")
        time.sleep(1)

    results = client.get_job_results(job_id)
    for result in results["results"]["results"]:
        print(f"{result['filename']}: {result['num_nodes']} nodes" if result["success"] else result["error"])


if __name__ == "__main__":
    main(sys.argv[1:] or ["examples/documents/report.pdf", "examples/documents/notes.md"])
