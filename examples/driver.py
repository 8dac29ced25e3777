"""Documents parsed by a Python program on the Ray cluster, without HTTP: first while it waits, then as a durable job.

python examples/driver.py [FILE...]
"""

import sys
from pathlib import Path

import ray

from actors import connect
from actors.errors import FileError

DOCUMENTS = Path(__file__).parent / "documents"


def main(paths: list[str]) -> None:
    fleet = connect()

    paths_of = {fleet.parse(path): path for path in paths}
    waiting = list(paths_of)
    while waiting:
        [ready], waiting = ray.wait(waiting)
        try:
            document = ray.get(ready)
            print(f"{document.filename}: {document.num_nodes} nodes")
        except FileError as error:
            print(f"{paths_of[ready]}: {error.message}")

    job_id = fleet.submit(paths, metadata={"case": 17})
    print(f"job {job_id}: {ray.get(fleet.status(job_id)).status}")
    batch = ray.get(fleet.results(job_id))  # waits for the job's end; another program may do this
    print(f"job {job_id}: {batch.successful} of {batch.total_files} files, {batch.total_nodes} nodes")


if __name__ == "__main__":
    main(sys.argv[1:] or [str(DOCUMENTS / name) for name in ("report.pdf", "notes.md")])
