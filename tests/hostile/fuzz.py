"""Changes files at random and parses them, for some minutes. Prints what went wrong, and keeps those files.

`python -m tests.hostile.fuzz MINUTES FOLDER [FIRST]`: the files are numbered from FIRST, and a number always makes the
same file. The parser runs in a child, because a crash or a deadline ends its process.
"""

from __future__ import annotations

import json
import os
import random
import re
import select
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actors.formats import suffix_of
from tests.hostile.cases import CASES
from tests.hostile.mutations import mutated
from tests.hostile.process import task_for
from tests.hostile.seeds import seeds
from tests.hostile.test_hostile_files import CLEAR, SLOW

#: What a file of at most 100 KB should not need.
MOST_CPU_S = 8.0
MOST_GROWTH_MIB = 1_500  # a PDF that asks for all that a call may have
MOST_KEPT_MIB = 300

START_WITHIN_S = 300.0  # on a busy machine

CODES = CLEAR | {"unsupported_format", "content_mismatch", "empty_file", "password_required", "no_pages",
                 "page_range_outside"}  # fmt: skip

#: What users should not read in a message: traces, objects, paths, control characters.
NONSENSE = re.compile(
    r"Traceback|object at 0x|NoneType|/site-packages|/tmp/|\w+Error\b|<class|[\x00-\x1f]|\bhas no attribute\b|"
    r"unhashable|subscriptable|unexpected keyword|not iterable|out of range|unpack \(|: *$"
)


class Child:
    """A parser in a process of its own, which is started again when it dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def parse(self, path: Path, limit_s: float) -> dict[str, Any] | None:
        """What became of the file; None when the process died, or did not answer within its time limit."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        ends_at = time.monotonic() + START_WITHIN_S + limit_s
        while select.select([process.stdout], [], [], max(0.0, ends_at - time.monotonic()))[0]:
            line = process.stdout.readline()
            if not line:
                break
            if line.startswith('{"ready"'):
                ends_at = time.monotonic() + limit_s
            elif line.startswith('{"name"'):  # the other lines are the log
                answer: dict[str, Any] = json.loads(line)
                return answer
        self.end()
        return None

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        temporary = self._folder / "temporary"
        temporary.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.process", "bundled"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self._folder / "stderr.log").open("a"),
            text=True,
            bufsize=1,
            env=os.environ | {"TMPDIR": str(temporary)},
        )
        return self._process


def files(first: int) -> Iterator[tuple[str, bytes]]:
    """Named contents without end. Every suffix comes as often as any other, PDFs three times as often."""
    originals = [*seeds(), *((name, make()) for name, make in CASES.items() if name not in SLOW)]
    by_suffix: defaultdict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for name, data in originals:
        by_suffix[suffix_of(name)].append((name, data))
    suffixes = [*sorted(by_suffix), ".pdf", ".pdf"]
    for number in range(first, sys.maxsize):
        rng = random.Random(number)
        suffix = rng.choice(suffixes)
        name, data = rng.choice(by_suffix[suffix])
        yield f"{number}{suffix}", mutated(name, data, [content for _, content in by_suffix[suffix]], rng)


def problems(answer: dict[str, Any] | None) -> list[str]:
    if answer is None:
        return ["died"]
    found = [] if answer["outcome"] in CODES else [answer["outcome"]]
    found += [f"nonsense: {answer['message']!r}"] if NONSENSE.search(answer["message"]) else []
    found += [f"{answer['cpu_s']:.0f} s"] if answer["cpu_s"] > MOST_CPU_S else []
    found += [f"grew by {answer['grown_mib']} MiB"] if answer["grown_mib"] > MOST_GROWTH_MIB else []
    found += [f"kept {answer['kept_mib']} MiB"] if answer["kept_mib"] > MOST_KEPT_MIB else []
    return found + [f"left {answer['left']}"] * bool(answer["left"])


def fuzz(minutes: float, folder: Path, first: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    child, outcomes, ends_at = Child(folder), Counter[str](), time.monotonic() + 60 * minutes
    for name, data in files(first):
        if time.monotonic() > ends_at:
            break
        path = folder / name
        path.write_bytes(data)
        answer = child.parse(path, task_for(name, len(data)).time_limit_s + 60)
        outcomes[f"{suffix_of(name)} {answer['outcome'] if answer else 'died'}"] += 1
        if found := problems(answer):
            print(name, len(data), *found, sep="\t", flush=True)
        else:
            path.unlink()
    child.end()
    print(outcomes.total(), "files", dict(sorted(outcomes.items())))


if __name__ == "__main__":
    fuzz(float(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
