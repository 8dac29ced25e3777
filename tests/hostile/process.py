"""Runs files through a real parser in a process of its own, which a file may kill.

`python -m tests.hostile.process PROFILE [PATIENCE]` reads paths from its input, one a line, and prints a line of JSON
for each. Their deadlines are multiplied by PATIENCE.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from actors.dispatcher.budget import Budget
from actors.errors import FileError, ParserFailed
from actors.messages import FileTask, PagePlan, ParsedFile
from actors.parser.memory_limit import MIB
from actors.parser.parser import Parser, ParserConfig
from actors.parser.scratch import PREFIX
from client.models import ParseOptions

PAGE_DEADLINE_S = 60.0
PATIENCE = int(sys.argv[2]) if __name__ == "__main__" and len(sys.argv) > 2 else 1
SPLIT_ABOVE = 16
FIRST_USER = b"root:x:"  # how /etc/passwd begins, which some files name


def task_for(name: str, size: int, pages: int = SPLIT_ABOVE) -> FileTask:
    """The task of a call that opens the file, and parses it when it has no more than `pages` pages."""
    task = FileTask(job_id="job", index=0, filename=name, size=size, options=ParseOptions(), metadata={})
    budget = Budget(page_deadline_s=PAGE_DEADLINE_S * PATIENCE)
    return replace(task, time_limit_s=budget.opening_s(task, pages), max_result_bytes=budget.result_bytes(size))


async def outcome(parser: Parser, name: str, data: bytes) -> tuple[str, str]:
    """A code or a word, and the message that a user reads."""
    document = np.frombuffer(data, dtype=np.uint8)
    try:
        answer = await parser.open(document, task_for(name, len(data)), SPLIT_ABOVE)
        if isinstance(answer, PagePlan) and not answer.apart:
            answer = await parser.open(document, task_for(name, len(data), len(answer.pages)), len(answer.pages))
    except FileError as error:
        return error.file_code.value, error.message
    except ParserFailed as error:
        return error.code.value, error.message
    except Exception as error:  # noqa: BLE001 - a defect, which the caller reports
        return "unexpected", repr(error)
    if isinstance(answer, ParsedFile):
        if FIRST_USER in bytes(answer.document) + bytes(answer.nodes):
            return "leaked", "the file contains a file of the machine"
        return "parsed", " ".join(page.reason for page in answer.lost)
    return "planned", ""


def files_left() -> list[str]:
    """Every name in the folders of parsers. `os.walk` takes a folder that is removed meanwhile."""
    parsers = Path(tempfile.gettempdir()).glob(f"{PREFIX}*")
    return [name for parser in parsers for _, folders, files in os.walk(parser) for name in (*folders, *files)]


class Peak:
    """The most resident memory of this process, looked at every 20 ms."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.bytes = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def held(self) -> int:
        return int(self._process.memory_info().rss)

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, self.held())
            time.sleep(0.02)


async def run(profile: str, paths: Iterable[Path]) -> None:
    defaults = ParseOptions(profile=profile)
    parser, peak = Parser(ParserConfig(defaults=defaults, page_deadline_s=PAGE_DEADLINE_S)), Peak()
    print(json.dumps({"ready": profile}), flush=True)
    for path in paths:
        held = peak.bytes = peak.held()
        began, began_cpu = time.monotonic(), time.process_time()
        ended, message = await outcome(parser, path.name, path.read_bytes())
        line = {
            "name": path.name,
            "outcome": ended,
            "message": message,
            "seconds": time.monotonic() - began,
            "cpu_s": time.process_time() - began_cpu,
            "grown_mib": (peak.bytes - held) // MIB,
            "kept_mib": (peak.held() - held) // MIB,
            "left": files_left(),
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], (Path(line.rstrip("\n")) for line in sys.stdin)))
