"""A parser that breaks where it is told to.

A document is text: its number of pages, and at will the fault that one of them has: `12` or `12 crash@7`. Only a `.pdf`
can be split. `wait` ends when the parser is asked to stop. The faults of DRAWING come when a page of it is drawn:
`1 draw_crash`.
"""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

from actors.derivations import Derivation, Made, PagePicture
from actors.documents import DocumentBytes
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from benchmarks.sleeping import SleepingEngine

FOR_EVER_S = 100_000


def _hold_the_interpreter() -> None:
    """Sleep in native code that does not let any other thread run."""
    ctypes.PyDLL(None).sleep(FOR_EVER_S)


FAULTS = {
    "crash": lambda: os._exit(1),
    "segfault": lambda: ctypes.string_at(0),  # in this thread: a signal to the process may come after the result
    "raise": lambda: 1 // 0,
    "hang": lambda: time.sleep(FOR_EVER_S),
    "freeze": _hold_the_interpreter,
}


def _draw_once_killed() -> None:
    """The first to draw writes its pid into the file `drawing` of the state, and waits to be killed. Others draw."""
    drawing = Path(os.environ["STATE_DIR"], "drawing")
    if drawing.exists():
        return
    written = drawing.with_suffix(".new")
    written.write_text(str(os.getpid()))
    written.replace(drawing)
    time.sleep(FOR_EVER_S)


DRAWING = {"draw_crash": lambda: os._exit(1), "draw_once_killed": _draw_once_killed}


class FaultyEngine(SleepingEngine):
    def open(self, document: DocumentBytes, task: FileTask, *, split_above: int) -> ParsedFile | PagePlan:
        pages, fault, page = _read(document)
        if pages > split_above and task.filename.endswith(".pdf"):
            return PagePlan(pages=PageSpan(1, pages))
        if fault in FAULTS and page <= pages:
            FAULTS[fault]()
        time.sleep(pages * self._seconds_per_page)
        return self._file(task, range(1, pages + 1), ())

    def parse_pages(self, document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard:
        _, fault, page = _read(document)
        if span.first <= page <= span.last:
            if fault == "garbage":
                return "no shard"  # type: ignore[return-value] # which is the point
            if fault == "wait":
                self._stop.clear()
                self._stop.wait(FOR_EVER_S)
                raise InterruptedError("the call was stopped")
            FAULTS[fault]()
        return super().parse_pages(document, task, span)

    def derive(self, source: DocumentBytes, wanted: Derivation) -> Made:
        if isinstance(wanted, PagePicture):
            _, fault, _ = _read(source)
            DRAWING.get(fault, lambda: None)()
        return super().derive(source, wanted)


def _read(document: DocumentBytes) -> tuple[int, str, int]:
    """Pages, and which fault is on which page; page 0 for none."""
    pages, _, rest = document.tobytes().decode().partition(" ")
    fault, _, page = rest.partition("@")
    return int(pages), fault, int(page or 0)


if __name__ == "__main__":
    import sys

    from serve_app.__main__ import main
    from tests.faults import engine  # by its real name: Ray's workers import the class from there

    sys.exit(main(engine.FaultyEngine))
