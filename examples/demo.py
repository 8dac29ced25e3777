"""Parse the sample documents from end to end: `make demo`.

Starts the whole service on this machine, submits every document of `examples/documents/` as a job of its own,
shows their progress, writes the results to `demo-results/`, and stops everything again.
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from client import DoclingParserClient
from client.models import BatchParseResponse, JobStatusResponse
from serve_app.__main__ import choose_http_mode, free_port
from serve_app.settings import Settings

DOCUMENTS = Path(__file__).parent / "documents"
RESULTS = Path("demo-results")


@dataclass(frozen=True)
class Outcome:
    path: Path
    job_id: str
    batch: BatchParseResponse
    pages: int
    seconds: float


def main() -> int:
    console = Console()
    with tempfile.TemporaryDirectory(prefix="docfleet-") as state:
        settings = Settings(host="127.0.0.1", port=free_port(), state_dir=state, parser_min_replicas=1)
        choose_http_mode()
        from serve_app.local import running_service  # Ray reads the environment when it is imported

        console.print("Starting the service: Ray, then the models ...")
        with running_service(settings), DoclingParserClient(f"http://127.0.0.1:{settings.port}") as client:
            console.print(f"Models: {_models(client)}")
            outcomes = parse_all(client, sorted(DOCUMENTS.iterdir()), console)
            for outcome in outcomes:
                save(client, outcome)
            report(outcomes, console)
            console.print("Stopping the service ...")
    return 0 if all(outcome.batch.failed == 0 for outcome in outcomes) else 1


def parse_all(client: DoclingParserClient, paths: list[Path], console: Console) -> list[Outcome]:
    """Submit each document, and follow all of them at once."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, ThreadPoolExecutor(len(paths)) as threads:

        def parse(path: Path) -> Outcome:
            return parse_one(client, path, progress, progress.add_task(f"{path.name:14}", total=None))

        return list(threads.map(parse, paths))


def parse_one(client: DoclingParserClient, path: Path, progress: Progress, bar: TaskID) -> Outcome:
    started = time.monotonic()
    job = client.job(client.submit_job(path)["job_id"])

    def show(status: JobStatusResponse) -> None:
        pages = status.progress
        progress.update(bar, total=pages.pages_total or None, completed=pages.pages_done + pages.pages_failed)

    batch = job.result(on_progress=show)
    pages = job.status().progress.pages_total
    progress.update(bar, total=pages, completed=pages)
    return Outcome(path, job.id, batch, pages, time.monotonic() - started)


def save(client: DoclingParserClient, outcome: Outcome) -> None:
    """Write the nodes, or the reason why there are none, and the document as JSON and Markdown."""
    folder = RESULTS / outcome.path.name
    folder.mkdir(parents=True, exist_ok=True)
    documents = (("json", "document.json"), ("markdown", "document.md"))
    for form, name in (("nodes", "nodes.json"), *(documents if outcome.batch.failed == 0 else ())):
        client.download_results(outcome.job_id, folder / name, form)


def report(outcomes: list[Outcome], console: Console) -> None:
    table = Table("file", "pages", "nodes", "seconds", "result")
    for outcome in outcomes:
        result = outcome.batch.results[0]
        table.add_row(
            outcome.path.name,
            str(outcome.pages),
            str(result.num_nodes),
            f"{outcome.seconds:.1f}",
            result.error or "ok",
        )
    console.print(table)
    for outcome in outcomes:
        lines = [line for node in outcome.batch.results[0].nodes for line in node["text"].splitlines() if line.strip()]
        console.print(f"\n[bold]{outcome.path.name}[/bold]")
        for line in lines[:3]:
            console.print(f"  {line}", markup=False, highlight=False, no_wrap=True, overflow="ellipsis")
    console.print(f"\nThe full results are in {RESULTS}/")


def _models(client: DoclingParserClient) -> str:
    parser = client.health()["parser"]
    return f"profile {parser['profile']} ({', '.join(f'{task}: {name}' for task, name in parser['models'].items())})"


if __name__ == "__main__":
    sys.exit(main())
