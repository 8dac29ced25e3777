"""Parses a folder with a Ray Data pipeline: read, parse on the fleet, count words, write JSON lines.

python examples/ray_data_pipeline.py [FOLDER [TARGET]]
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import ray

from actors import connect
from actors.errors import FileError

DOCUMENTS = Path(__file__).parent / "documents"


def main(folder: Path, target: str) -> None:
    fleet = connect()

    def parse(row: dict[str, Any]) -> dict[str, Any]:
        name = Path(row["path"]).name
        try:
            document = ray.get(fleet.parse(row["bytes"], filename=name, do_ocr=False))
            text = "\n\n".join(node["text"] for node in document.nodes)
        except FileError as error:
            return {"name": name, "text": "", "error": error.message}
        return {"name": name, "text": text, "error": ""}

    def count_words(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "words": len(row["text"].split())}

    # A waiting task needs hardly any CPU, and the parsers need all CPUs.
    documents = ray.data.read_binary_files(str(folder), include_paths=True).map(parse, num_cpus=0.01)
    counted = documents.map(count_words).materialize()
    counted.write_json(target)
    for row in counted.iter_rows():
        print(f"{row['name']}: {row['error'] or row['words']}")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    source = Path(arguments[0]) if arguments else DOCUMENTS
    main(source, arguments[1] if len(arguments) > 1 else tempfile.mkdtemp(prefix="docfleet-"))
