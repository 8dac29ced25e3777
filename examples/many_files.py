"""Parses a folder of any size in constant memory: a few files at a time, with failures as values.

python examples/many_files.py [FOLDER]
"""

import os
import sys
from pathlib import Path

from client import DoclingParserClient

URL = os.environ.get("DOCFLEET_URL", "http://localhost:8080")


def main(folder: Path) -> int:
    paths = (path for path in folder.rglob("*") if path.is_file())
    failed = 0
    with DoclingParserClient(URL) as client:
        for outcome in client.parse_many(paths, max_in_flight=8, options={"do_ocr": False}):
            if outcome.result is not None and outcome.ok:
                print(f"{outcome.path}: {outcome.result.num_nodes} nodes")
            else:
                failed += 1
                print(f"{outcome.path}: {outcome.error}")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if sys.argv[1:] else "examples/documents")))
