"""Output of the commands for single jobs: a line, a table on a terminal, or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from client._waiting import JsonDict
from client.models import DeliveryListResponse, JobStatusResponse

#: Files that a message names.
NAMED = 5


def print_json(value: JsonDict) -> None:
    """Print a value as JSON on one line."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def print_status(status: JsonDict) -> None:
    """Print a job's status on one line."""
    typer.echo(_line(status))


def printer_of_changes() -> Callable[[JsonDict], None]:
    """A `print_status` that skips a line equal to the one before."""
    last = ""

    def show(status: JsonDict) -> None:
        nonlocal last
        if (line := _line(status)) != last:
            typer.echo(line)
        last = line

    return show


def print_change(change: JsonDict) -> None:
    """Print an event of `GET /events` on one line."""
    match change["event"]:
        case "job":
            print_status(change["job"])
        case "removed":
            typer.echo(f"{change['job']['job_id']}  removed")
        case _:
            typer.echo("From here on you see every change. `docfleet jobs` lists the jobs as they are now.", err=True)


def _line(status: JsonDict) -> str:
    job = JobStatusResponse.model_validate(status)
    return "  ".join(filter(None, [job.job_id, *_columns(job)]))


def print_jobs(listed: JsonDict) -> None:
    """Print jobs as a table on a terminal, and tab-separated elsewhere."""
    jobs = [JobStatusResponse.model_validate(job) for job in listed["jobs"]]
    console = Console()
    if not console.is_terminal:
        for job in jobs:
            typer.echo("\t".join([job.job_id, *_columns(job)]))
        return
    table = Table("job", "status", "progress", "submitted", "error", box=None)
    for job in jobs:
        table.add_row(job.job_id, *map(Text, _columns(job)))
    console.print(table)


def print_deliveries(answer: JsonDict) -> None:
    """Print the deliveries of a job, one line per address."""
    deliveries = DeliveryListResponse.model_validate(answer).deliveries
    for delivery in deliveries:
        sent = f"{counted(delivery.messages_sent, 'message')} sent"
        tries = f"{delivery.failed_attempts} failed in a row" if delivery.failed_attempts else ""
        next_at = f"next try at {_clock(delivery.next_attempt_at)}" if delivery.next_attempt_at else ""
        told = [delivery.kind, delivery.url, delivery.state, sent, tries, delivery.last_error, next_at]
        typer.echo("  ".join(filter(None, told)))
    if not deliveries:
        typer.echo("No deliveries: the job has not ended, or it has no callback or webhook.", err=True)


def say_what_is_left_out(files: Sequence[Path]) -> None:
    """Name the files of folders that the server does not parse, on stderr."""
    if files:
        named = ", ".join(map(str, files[:NAMED]))
        more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
        typer.echo(f"Left out, because the server does not parse files of this kind: {named}{more}", err=True)


def print_health(health: JsonDict) -> None:
    """Print the server's health on one or two lines."""
    counts = "".join(f", {health[name]} {name}" for name in ("replicas", "queued", "running") if name in health)
    typer.echo(f"{health['status']}: version {health['version']}{counts}")
    if parser := health.get("parser"):
        typer.echo(f"profile {parser['profile']}, docling {parser['docling']}")


def _columns(job: JobStatusResponse) -> list[str]:
    """Status, progress, time of submission, and error."""
    return [str(job.status), how_far(job), _clock(job.submitted_at), job.error or ""]


def how_far(job: JobStatusResponse) -> str:
    """A job's place in the queue, or its page counts."""
    pages = job.progress
    if job.queue_position is not None:
        return f"number {job.queue_position} in the queue"
    lost = f", {pages.pages_failed} lost" if pages.pages_failed else ""
    return f"{pages.pages_done}/{counted(pages.pages_total, 'page')}{lost}" if pages.pages_total else ""


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def counted(number: int, noun: str) -> str:
    """1 page, 2 pages."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
