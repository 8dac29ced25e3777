"""The work of `docfleet parse`: which files to parse, where results go, and how each document is parsed.

Independent of the terminal. A result file appears only when it is complete, so its presence means "done". While a
document's job runs, a ticket file beside the result holds the job's id, so that a later run resumes the job.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from client._drivers import in_threads
from client._uploads import Options
from client._waiting import JsonDict
from client.errors import (
    ApiError,
    ConnectionFailed,
    ExportUnavailable,
    FileFailed,
    JobFailed,
    JobNotFound,
    RequestTimeout,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from client.models import ExportFormat, JobStatusEnum, JobStatusResponse
from client.sync import DoclingParserClient

#: Failures that the next document would meet too: they end the run, not just one document.
RUN_ENDING = (ConnectionFailed, RequestTimeout, Unauthorized, Unavailable, UnexpectedAnswer)


class State(StrEnum):
    """How a document ended."""

    PARSED = "parsed"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Document:
    """A file to parse, and the file for its result."""

    source: Path
    target: Path

    @property
    def ticket(self) -> Path:
        """The file that holds the job's id while the job runs."""
        return self.target.with_name(f"{self.target.name}.job")

    @property
    def done(self) -> bool:
        """Whether there is a result at least as new as the source, and no job for a newer one."""
        if self.ticket.exists() or not self.target.exists():
            return False
        return self.target.stat().st_mtime >= self.source.stat().st_mtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a document ended. `seconds` is the time from its start to its result."""

    document: Document
    state: State
    job_id: str | None = None
    pages: int = 0
    pages_lost: int = 0
    seconds: float = 0.0
    error: str | None = None
    code: str | None = None


class TargetTaken(ValueError):
    """Two sources would be written to the same place."""


def plan(paths: Iterable[Path], output: Path, suffix: str, accepted: frozenset[str]) -> list[Document]:
    """The documents in `paths`, in a stable order.

    A folder gives every file with an `accepted` suffix, except hidden files and those in `output`; results keep the
    same relative path below `output`. A file named directly is taken whatever its suffix. Results keep the source's
    suffix, so that `a.pdf` and `a.docx` do not collide. Raises `TargetTaken` and `FileNotFoundError`.
    """
    documents: dict[Path, Document] = {}
    for path in paths:
        for source, name in _sources(path, output, accepted):
            document = Document(source, output / f"{name}{suffix}")
            other = documents.setdefault(document.target, document)
            if other.source.resolve() != source.resolve():
                raise TargetTaken(f"{other.source} and {source} would both become {document.target}")
    return list(documents.values())


def _sources(path: Path, output: Path, accepted: frozenset[str]) -> Iterator[tuple[Path, Path]]:
    if path.is_file():
        yield path, Path(path.name)
        return
    if not path.is_dir():
        raise FileNotFoundError(f"{path} is neither a file nor a folder")
    for source in _visible(path, output):
        if _is_one_of(accepted, source):
            yield source, source.relative_to(path)


def left_out(paths: Iterable[Path], output: Path, accepted: frozenset[str]) -> list[Path]:
    """The files in the folders of `paths` that `plan` passes over because of their suffix."""
    folders = [path for path in paths if path.is_dir()]
    return [file for folder in folders for file in _visible(folder, output) if not _is_one_of(accepted, file)]


def _visible(folder: Path, output: Path) -> Iterator[Path]:
    """The files in a folder, except hidden ones and those in `output`."""
    below = output.resolve()
    for source in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in source.relative_to(folder).parts)
        if not hidden and source.is_file() and not source.resolve().is_relative_to(below):
            yield source


def _is_one_of(suffixes: frozenset[str], file: Path) -> bool:
    return file.name.lower().endswith(tuple(suffixes))  # a suffix may have two parts, as .tar.gz


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """How to parse each document of a run. `force` ignores the results and jobs of earlier runs."""

    client: DoclingParserClient
    export: ExportFormat
    options: Options
    on_progress: Callable[[Document, JobStatusResponse], None]
    force: bool = False

    def parse(self, document: Document) -> Outcome:
        """Parse one document. Raises only errors that would stop the other documents too."""
        if document.done and not self.force:
            return Outcome(document=document, state=State.SKIPPED)
        started = time.monotonic()
        try:
            status = self._ended(document)
            self._write(document, status.job_id)
        except RUN_ENDING:
            raise
        except (ApiError, FileFailed, JobFailed, OSError) as error:
            document.ticket.unlink(missing_ok=True)
            return Outcome(
                document=document,
                state=State.FAILED,
                error=str(error),
                code=getattr(error, "code", None) or getattr(error, "reason", None),
                seconds=time.monotonic() - started,
            )
        document.ticket.unlink(missing_ok=True)
        return Outcome(
            document=document,
            state=State.PARSED,
            job_id=status.job_id,
            pages=status.progress.pages_done,
            pages_lost=status.progress.pages_failed,
            seconds=time.monotonic() - started,
        )

    def _ended(self, document: Document) -> JobStatusResponse:
        """The status of the document's completed job, which may be a job of an earlier run."""
        job_id = attached(document, self.client.base_url)
        if job_id is not None and not self.force:
            try:
                return self._completed(document, job_id)
            except JobNotFound:
                pass  # the server no longer has the job, so submit the document again
        document.target.parent.mkdir(parents=True, exist_ok=True)
        job_id = self.client.submit_job(document.source, options=self.options)["job_id"]
        document.ticket.write_text(json.dumps({"url": self.client.base_url, "job_id": job_id}))
        return self._completed(document, job_id)

    def _completed(self, document: Document, job_id: str) -> JobStatusResponse:
        status = self.client.job(job_id).wait(on_progress=lambda now: self.on_progress(document, now))
        if status.status is JobStatusEnum.FAILED:
            raise JobFailed(job_id, status.error or "no reason given", status.reason)
        return status

    def _write(self, document: Document, job_id: str) -> None:
        """Raises `FileFailed` when the job completed without this document."""
        if self.export is ExportFormat.NODES:
            _write_whole(document.target, json.dumps(self._entry(job_id)["nodes"], ensure_ascii=False, indent=1))
            return
        try:
            self.client.download_results(job_id, document.target, self.export)
        except ExportUnavailable:
            self._entry(job_id)  # raises with the reason, if the file failed
            raise

    def _entry(self, job_id: str) -> JsonDict:
        entry: JsonDict = self.client.wait_for_results(job_id)["results"][0]
        if not entry["success"]:
            raise FileFailed(entry["filename"], entry.get("error") or "no reason given", entry.get("error_code"))
        return entry


def attached(document: Document, url: str) -> str | None:
    """The id of the job that an earlier run submitted for this document to this server; None if the file changed."""
    try:
        ticket = json.loads(document.ticket.read_text())
        current = document.ticket.stat().st_mtime >= document.source.stat().st_mtime
    except (FileNotFoundError, ValueError):
        return None
    return str(ticket["job_id"]) if current and ticket.get("url") == url else None


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def run(batch: Batch, documents: Iterable[Document], at_once: int, stopped: threading.Event) -> Iterator[Outcome]:
    """Yield each document's outcome as it becomes available. Sets `stopped`, which also ends the client's sleeps."""
    return in_threads(batch.parse, documents, at_once, ordered=False, stopped=stopped)
