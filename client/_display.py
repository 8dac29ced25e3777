"""The output of a run: progress bars on a terminal, one line per document elsewhere, or JSON lines for programs."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from client._batch import Document, Outcome, State
from client._printing import counted, how_far
from client.models import JobStatusResponse

MARKS = {State.PARSED: ("✓", "green"), State.SKIPPED: ("·", "dim"), State.FAILED: ("✗", "red")}


class Display(Protocol):
    """Shows a run. `progress` may be called from any thread, the other methods only from the command's thread."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def progress(self, document: Document, status: JobStatusResponse) -> None:
        """A document's job has a new status."""

    def ended(self, outcome: Outcome) -> None:
        """A document has ended."""

    def summary(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """The run is over."""


_retries = logging.getLogger("client._retry")


class _Troubles(logging.Handler):
    """Passes the log message of every retry to `show`."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        self._show(record.getMessage())


class Live:
    """Progress bars: one for each document being parsed, and one for the whole run."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", table_column=Column(ratio=2, no_wrap=True, overflow="ellipsis")),
            BarColumn(bar_width=None, table_column=Column(ratio=2)),
            TextColumn("{task.fields[detail]}", justify="right", table_column=Column(no_wrap=True)),
            TimeElapsedColumn(),
            console=console,
            expand=True,
            transient=True,
        )
        self._lock = threading.Lock()
        self._tasks: dict[Document, TaskID] = {}
        self._pages: dict[Document, int] = {}
        self._failed = 0
        self._started = time.monotonic()
        self._run = self._bars.add_task("documents", total=total, detail="")
        self._troubles = _Troubles(self._trouble)

    def __enter__(self) -> Self:
        self._bars.start()
        _retries.setLevel(logging.INFO)
        _retries.addHandler(self._troubles)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _retries.removeHandler(self._troubles)
        self._bars.stop()

    def progress(self, document: Document, status: JobStatusResponse) -> None:
        with self._lock:
            if document not in self._tasks:
                self._tasks[document] = self._bars.add_task(document.source.name, total=None, detail="")
            pages = status.progress
            self._pages[document] = pages.pages_done
            self._bars.update(
                self._tasks[document],
                completed=pages.pages_done,
                total=pages.pages_total or None,
                detail=how_far(status) or "parsing",
            )
            self._bars.update(self._run, detail=self._totals())

    def ended(self, outcome: Outcome) -> None:
        with self._lock:
            if outcome.document in self._tasks:
                self._bars.remove_task(self._tasks.pop(outcome.document))
            self._failed += outcome.state is State.FAILED
            self._bars.advance(self._run)
            self._bars.update(self._run, detail=self._totals())
        if outcome.state is not State.SKIPPED:
            mark, style = MARKS[outcome.state]
            self._console.print(Text(f"{mark} ", style), Text(told(outcome)), sep="", end="\n", soft_wrap=True)

    def summary(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        failed = [outcome for outcome in outcomes if outcome.state is State.FAILED]
        if failed:
            table = Table("document", "reason", title=f"{len(failed)} failed", title_justify="left", title_style="red")
            for outcome in failed:
                table.add_row(Text(str(outcome.document.source)), Text(outcome.error or ""))
            self._console.print(table)
        self._console.print(totals(outcomes, seconds), highlight=False, markup=False)

    def _trouble(self, message: str) -> None:
        """Show why the bars stand still; the next progress replaces the message."""
        self._bars.update(self._run, detail=message)

    def _totals(self) -> str:
        pages = sum(self._pages.values())
        rate = f"{pages / max(time.monotonic() - self._started, 0.001):.1f} pages/s"
        done, total = (self._bars.tasks[0].completed, self._bars.tasks[0].total)
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{done:.0f}/{total:.0f}{failed}, {rate}"


class Plain:
    """One line per document and a summary, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def progress(self, document: Document, status: JobStatusResponse) -> None:
        pass

    def ended(self, outcome: Outcome) -> None:
        self._console.out(f"{outcome.state}: {told(outcome)}", highlight=False)

    def summary(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        self._console.out(totals(outcomes, seconds), highlight=False)


class JsonLines(Plain):
    """One JSON object per document."""

    def ended(self, outcome: Outcome) -> None:
        line = {
            "source": str(outcome.document.source),
            "target": str(outcome.document.target),
            "state": outcome.state,
            "job_id": outcome.job_id,
            "pages": outcome.pages,
            "pages_lost": outcome.pages_lost,
            "seconds": round(outcome.seconds, 3),
            "error": outcome.error,
            "code": outcome.code,
        }
        self._console.out(json.dumps(line, ensure_ascii=False), highlight=False)

    def summary(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        pass


def told(outcome: Outcome) -> str:
    """An outcome in one line."""
    if outcome.state is State.FAILED:
        return f"{outcome.document.source}: {outcome.error}"
    if outcome.state is State.SKIPPED:
        return f"{outcome.document.source}, {outcome.document.target} is up to date"
    lost = f", {counted(outcome.pages_lost, 'page')} lost" if outcome.pages_lost else ""
    pages = counted(outcome.pages, "page")
    return f"{outcome.document.source} -> {outcome.document.target} ({pages}{lost}, {outcome.seconds:.1f} s)"


def totals(outcomes: Sequence[Outcome], seconds: float) -> str:
    """A run in one line."""
    counts = {state: sum(outcome.state is state for outcome in outcomes) for state in State}
    pages = sum(outcome.pages for outcome in outcomes)
    kinds = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    rate = f" ({counted(pages, 'page')}, {pages / seconds:.1f} pages/s)" if pages else ""
    return f"{kinds or 'nothing to do'} in {seconds:.1f} s{rate}"
