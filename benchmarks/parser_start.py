"""What the start of a parser costs: CPU time and memory of a new process until its models are loaded.

`python -m benchmarks.parser_start`. Reference is a process that imports docling's converter and loads no model.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from benchmarks.service import describe_machine

RUNS = 3

PARSER = """
from actors.handles.parser_replica import ParserReplica
from actors.parser.parser import ParserConfig, docling_engine
docling_engine(ParserConfig()).warm_up()
"""
DOCLING = "import docling.document_converter"
REPORT = """
import json, psutil
process = psutil.Process()
times = process.cpu_times()
print(json.dumps([times.user + times.system, process.memory_info().rss / 2**20]))
"""


def main() -> None:
    print(describe_machine())
    for what, code in (("a parser with its models", PARSER), ("docling's converter, imported", DOCLING)):
        runs = [_measured(code) for _ in range(RUNS)]
        cpu_s, mib = (statistics.median(values) for values in zip(*runs, strict=True))
        print(f"{what}: {cpu_s:.1f} s of CPU time, {mib:.0f} MiB")


def _measured(code: str) -> tuple[float, float]:
    ran = subprocess.run([sys.executable, "-c", f"{code}\n{REPORT}"], check=True, capture_output=True, text=True)
    cpu_s, mib = json.loads(ran.stdout.splitlines()[-1])
    return cpu_s, mib


if __name__ == "__main__":
    main()
