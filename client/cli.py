"""The command line. Every command is a few lines over the sync client."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from client._arguments import (
    FIRST_CONTACT_S,
    INTERRUPTED,
    RESTART_S,
    ApiKey,
    AsJson,
    FilesOrUrls,
    Force,
    Format,
    Sources,
    Url,
    inputs,
    json_object,
)
from client._batch import RUN_ENDING, Batch, Document, Outcome, State, TargetTaken, attached, left_out, plan, run
from client._display import Display, JsonLines, Live, Plain
from client._drivers import until
from client._flows import DEFAULT_URL
from client._job_commands import of_jobs
from client._key_commands import keys
from client._option_flags import with_option_flags
from client._printing import counted, print_health, print_json, say_what_is_left_out
from client._server_commands import cluster, serve
from client._waiting import JsonDict
from client.errors import ApiError, ClientError, ConnectionFailed, Unauthorized
from client.models import CallbackContent, ExportFormat
from client.sync import DoclingParserClient


class _Commands(TyperGroup):
    """Prints an error as one line instead of a traceback."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the reader closed the pipe; typer exits quietly
        except (ClientError, TargetTaken, OSError) as error:
            typer.secho(f"Error: {error}", err=True, fg=typer.colors.RED)
            if hint := _hint(error):
                typer.echo(hint, err=True)
            raise typer.Exit(1) from error


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        typer.echo(f"docfleet {version('docfleet')}")
        raise typer.Exit


app: typer.Typer = typer.Typer(
    cls=_Commands,
    help="Turn documents into text that machines can use, on a docfleet server.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)
app.add_typer(of_jobs)
app.add_typer(keys, name="keys")
app.add_typer(cluster, name="cluster")


@app.callback()
def _(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
@with_option_flags
def parse(
    options: JsonDict,
    files_or_folders: Annotated[
        list[Path], typer.Argument(exists=True, help="Files to parse. Folders are searched with their subfolders.")
    ],
    format: Format = ExportFormat.MARKDOWN,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", file_okay=False, help="The folder for the results.")
    ] = Path("parsed"),
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Documents to parse at the same time.")] = 8,
    force: Force = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Parse documents and write one result file for each.

    After an interruption, run it again: it skips finished documents and resumes running jobs.
    The exit status is 1 if a document failed.

        docfleet parse report.pdf

        docfleet parse papers/ slides.pptx --format text -o texts --jobs 16

        docfleet parse scans/ --ocr --json | jq 'select(.state == "failed")'
    """
    stopped = threading.Event()
    with DoclingParserClient(url, api_key=api_key, retry_for=RESTART_S, sleep=until(stopped)) as client:
        accepted = _accepted(url, api_key)
        documents = plan(files_or_folders, output, f".{format.suffix}", accepted)
        say_what_is_left_out(left_out(files_or_folders, output, accepted))
        display = _display(len(documents), as_json=as_json)
        batch = Batch(client=client, export=format, options=options, on_progress=display.progress, force=force)
        started = time.monotonic()
        try:
            outcomes = _shown(run(batch, documents, jobs, stopped), display)
        except KeyboardInterrupt:
            _say_what_goes_on(documents, url, force=force)
            raise typer.Exit(INTERRUPTED) from None
        except RUN_ENDING:
            _say_what_goes_on(documents, url, force=force)
            raise
        display.summary(outcomes, time.monotonic() - started)
    if any(outcome.state is State.FAILED for outcome in outcomes):
        raise typer.Exit(1)


@app.command()
@with_option_flags
def submit(
    options: JsonDict,
    files_or_urls: FilesOrUrls = None,
    sources: Sources = None,
    callback_url: Annotated[str | None, typer.Option(help="Receives every node, and the end of the job.")] = None,
    callback_content: Annotated[
        CallbackContent | None, typer.Option(help="What the callback brings. [default: nodes]")
    ] = None,
    webhook_url: Annotated[str | None, typer.Option(help="Receives a signed message when the job ends.")] = None,
    metadata: Annotated[str | None, typer.Option(metavar="JSON", help="A JSON object to copy into every node.")] = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Submit a job and print its id without waiting for the results.

    JOB=$(docfleet submit report.pdf annex.docx)

    docfleet submit scan.png --ocr --metadata '{"case": 17}'

    docfleet submit https://example.org/report.pdf
    """
    with DoclingParserClient(url, api_key=api_key) as client:
        job = client.submit_job(
            *inputs(files_or_urls, sources),
            callback_url=callback_url,
            callback_content=callback_content,
            webhook_url=webhook_url,
            metadata=json_object(metadata, "the metadata"),
            options=options or None,
        )
    typer.echo(json.dumps(job) if as_json else job["job_id"])


@app.command()
def health(as_json: AsJson = False, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Show whether the server is up and what it runs. The exit status is 0 only if the server is healthy."""
    with DoclingParserClient(url, api_key=api_key, retry_for=0.0) as client:
        answer = client.health()
    (print_json if as_json else print_health)(answer)
    if answer["status"] == "initializing":
        raise typer.Exit(1)


app.command()(serve)


def _accepted(url: str, api_key: str | None) -> frozenset[str]:
    """The suffixes that the server parses. This request also fails early if there is no server."""
    with DoclingParserClient(url, api_key=api_key, retry_for=FIRST_CONTACT_S) as client:
        formats = client.info()["supported_formats"]
    return frozenset(f".{suffix.lstrip('.').lower()}" for suffix in formats)


def _display(total: int, *, as_json: bool) -> Display:
    console = Console()
    if as_json:
        return JsonLines(console)
    return Live(console, total) if console.is_terminal else Plain(console)


def _shown(outcomes: Iterator[Outcome], display: Display) -> list[Outcome]:
    """All outcomes, each displayed as soon as it is there."""
    shown: list[Outcome] = []
    with display:
        for outcome in outcomes:
            shown.append(outcome)
            display.ended(outcome)
    return shown


def _say_what_goes_on(documents: Sequence[Document], url: str, *, force: bool) -> None:
    running = [(document, job) for document in documents if (job := attached(document, url.rstrip("/")))]
    if not running:
        typer.echo("Stopped. No job is running.", err=True)
        return
    typer.echo(f"Stopped. {counted(len(running), 'job')} still running at {url}:", err=True)
    for document, job in running:
        typer.echo(f"  {job}  {document.source}", err=True)
    again = "The same command without --force" if force else "The same command"
    typer.echo(f"{again} resumes them; `docfleet status JOB --watch` follows one.", err=True)


def _hint(error: Exception) -> str | None:
    match error:
        case ConnectionFailed():
            return "Is the server running? `docfleet serve` starts one; --url or DOCFLEET_URL set its address."
        case Unauthorized():
            return "Give a valid key with --api-key or DOCFLEET_API_KEY."
        case ApiError(code="result_not_ready"):
            return "Wait for the job with `docfleet status JOB --watch`."
        case _:
            return None
