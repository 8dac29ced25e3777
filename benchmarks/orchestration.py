"""The cost of the orchestration alone: 400 pages of 0.1 s on 32 logical parsers. `python -m benchmarks.orchestration`.

The parsers sleep, so 32 of them fit on a small machine. The ideal time is pages x seconds / parsers.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

from benchmarks.service import describe_machine, service, spread
from benchmarks.sleeping import SECONDS_PER_PAGE
from client import DoclingParserClient

PARSERS = 32
PAGES = 400
ROUNDS = 5


def main() -> None:
    print(describe_machine())
    env = {"PARSER_MIN_REPLICAS": str(PARSERS), "PARSER_MAX_REPLICAS": str(PARSERS), "PARSER_NUM_CPUS": "0.01"}
    with (
        service(module="benchmarks.sleeping", **env) as url,
        DoclingParserClient(url) as client,
        tempfile.TemporaryDirectory() as folder,
    ):
        large, small = _document(folder, PAGES), _document(folder, 1)
        for _ in range(3):  # until every parser has had a call
            client.submit_and_wait(large)
        ideal = PAGES * SECONDS_PER_PAGE / PARSERS
        times, small_times = [], []
        for _ in range(ROUNDS):
            times.append(_timed(client, large))
        for _ in range(ROUNDS):
            small_times.append(_small_in_the_middle(client, large, small, ideal))
    print(f"{PAGES} pages on {PARSERS} parsers: {spread(times)} s; ideal {ideal:.2f} s")
    print(f"ratio of the median to the ideal: {sorted(times)[ROUNDS // 2] / ideal:.2f}")
    print(f"a one-page job submitted in the middle of it: {spread(small_times)} s")


def _small_in_the_middle(client: DoclingParserClient, large: Path, small: Path, ideal: float) -> float:
    thread = threading.Thread(target=client.submit_and_wait, args=(large,))
    thread.start()
    time.sleep(ideal / 2)
    elapsed = _timed(client, small)
    thread.join()
    return elapsed


def _timed(client: DoclingParserClient, path: Path) -> float:
    started = time.perf_counter()
    client.submit_and_wait(path)
    return time.perf_counter() - started


def _document(folder: str, pages: int) -> Path:
    path = Path(folder, f"{pages}.pdf")
    path.write_text(str(pages))
    return path


if __name__ == "__main__":
    main()
