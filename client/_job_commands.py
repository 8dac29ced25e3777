"""The commands for existing jobs, no matter who submitted them."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import typer

from client._arguments import (
    FIRST_CONTACT_S,
    INTERRUPTED,
    RESTART_S,
    ApiKey,
    AsJson,
    JobId,
    Pages,
    Url,
    Watch,
    box_of,
    chunk_options,
    picture_format,
)
from client._flows import DEFAULT_URL
from client._option_flags import with_option_flags
from client._printing import print_change, print_deliveries, print_jobs, print_json, print_status, printer_of_changes
from client._waiting import JsonDict
from client.errors import JobEnded, JobNotFound
from client.models import ImageMode, JobSource, JobStatusEnum
from client.options import Tables
from client.sync import DoclingParserClient

#: The values of `ExportFormat` and `ChunkFormat`, the confidence scores, and an archive of all files.
ResultFormat = Literal[
    "nodes",
    "json",
    "markdown",
    "html",
    "text",
    "doctags",
    "doclang",
    "latex",
    "vtt",
    "yaml",
    "chunks",
    "chunks.jsonl",
    "confidence",
    "zip",
]

of_jobs = typer.Typer()


@of_jobs.command()
def status(
    job_id: JobId,
    watch: Watch = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Show a job's status and progress. With --watch, the exit status is 1 if the job failed.

    docfleet status JOB --watch
    """
    with DoclingParserClient(url, api_key=api_key, retry_for=RESTART_S if watch else FIRST_CONTACT_S) as client:
        if not watch:
            (print_json if as_json else print_status)(client.get_job_status(job_id))
            return
        try:
            last = client.wait_for_job(job_id, on_progress=print_json if as_json else printer_of_changes())
        except KeyboardInterrupt:
            typer.echo(f"The job goes on. `docfleet status {job_id} --watch` follows it again.", err=True)
            raise typer.Exit(INTERRUPTED) from None
    if last["status"] == JobStatusEnum.FAILED:
        raise typer.Exit(1)


@of_jobs.command()
def results(
    job_id: JobId,
    format: Annotated[ResultFormat, typer.Option("--format", "-f", help="The format of the results.")] = "markdown",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", dir_okay=False, help="Save the results here instead of printing them."
        ),
    ] = None,
    file: Annotated[int | None, typer.Option(min=0, help="Only this file of the job, counted from 0.")] = None,
    pages: Pages = None,
    chunker: Annotated[str | None, typer.Option(help="For chunks: hybrid, hierarchical or page.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="For chunks: the most tokens of one.")] = None,
    tokenizer: Annotated[str | None, typer.Option(metavar="MODEL", help="For chunks: what counts the tokens.")] = None,
    merge_peers: Annotated[
        bool | None,
        typer.Option("--merge-peers/--no-merge-peers", help="For chunks: join small ones under the same headings."),
    ] = None,
    tables: Annotated[Tables | None, typer.Option(help="For chunks: how to write tables.")] = None,
    images: Annotated[ImageMode | None, typer.Option(help="How documents show their pictures.")] = None,
    page_break: Annotated[str | None, typer.Option(metavar="TEXT", help="Put this text between pages.")] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Print a job's results, or save them. A job with several files gives one JSON object.

    docfleet results JOB > report.md

    docfleet results JOB --format nodes --pages 3-7 -o report.json

    docfleet results JOB --format chunks --max-tokens 512 -o chunks.json

    docfleet results JOB --format zip --images referenced -o everything.zip
    """
    chunks = chunk_options(
        chunker=chunker, max_tokens=max_tokens, tokenizer=tokenizer, merge_peers=merge_peers, tables=tables
    )
    if format == "zip" and output is None and sys.stdout.isatty():
        raise typer.BadParameter("an archive cannot be printed on a terminal; save it with -o FILE")
    with DoclingParserClient(url, api_key=api_key) as client, tempfile.TemporaryDirectory() as folder:
        target = output or Path(folder) / "results"
        path = client.download_results(
            job_id, target, format, file=file, pages=pages, chunks=chunks, images=images, page_break=page_break
        )
        if output is None:
            with path.open("rb") as body:
                shutil.copyfileobj(body, sys.stdout.buffer)


@of_jobs.command()
def page(
    job_id: JobId,
    page: Annotated[int, typer.Argument(min=1, metavar="PAGE", help="A page of the file, from 1.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            dir_okay=False,
            help="Save the picture here, as PNG or, with .webp, as WebP.",
        ),
    ] = None,
    file: Annotated[int, typer.Option(min=0, help="The file of the job, counted from 0.")] = 0,
    scale: Annotated[float, typer.Option(min=0.1, max=3, help="Pixels for each point.")] = 2.0,
    box: Annotated[
        str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="Only this part, in points from the top left corner.")
    ] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Draw a page of an uploaded PDF or picture.

    docfleet page JOB 3 -o page.png

    docfleet page JOB 3 --box 72,90,523,140 -o figure.webp
    """
    if output is None and sys.stdout.isatty():
        raise typer.BadParameter("a picture cannot be printed on a terminal; save it with -o FILE")
    form = picture_format(output)
    with DoclingParserClient(url, api_key=api_key) as client:
        picture = client.page_picture(job_id, file, page, scale=scale, box=box_of(box), format=form)
    if output is None:
        sys.stdout.buffer.write(picture)
    else:
        output.write_bytes(picture)


@of_jobs.command()
@with_option_flags
def again(
    options: JsonDict,
    job_id: JobId,
    file: Annotated[int | None, typer.Option(min=0, help="Only this file of the job, counted from 0.")] = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Parse the files of a job again, with these options. Prints the id of the new job.

    docfleet again JOB --ocr --profile standard
    """
    with DoclingParserClient(url, api_key=api_key) as client:
        job = client.submit_job(JobSource(job_id=job_id, file=file), options=options or None)
    typer.echo(json.dumps(job) if as_json else job["job_id"])


@of_jobs.command()
def cancel(
    job_ids: Annotated[list[str], typer.Argument(metavar="JOBS...")], url: Url = DEFAULT_URL, api_key: ApiKey = None
) -> None:
    """Stop jobs. A job that has already ended is not changed, and the exit status is 1.

    docfleet cancel JOB OTHER
    """
    with DoclingParserClient(url, api_key=api_key) as client:
        _for_each(job_ids, client.cancel_job, "is being cancelled")


@of_jobs.command()
def delete(
    job_ids: Annotated[list[str], typer.Argument(metavar="JOBS...")], url: Url = DEFAULT_URL, api_key: ApiKey = None
) -> None:
    """Delete jobs with their files and results. A job that has not ended is stopped first.

    docfleet delete JOB OTHER
    """
    with DoclingParserClient(url, api_key=api_key) as client:
        _for_each(job_ids, client.delete_job, "is deleted")


def _for_each(job_ids: Sequence[str], act: Callable[[str], object], done: str) -> None:
    """Act on each job, also after one that refuses; then the exit status is 1."""
    refusals = 0
    for job_id in job_ids:
        try:
            act(job_id)
            typer.echo(f"{job_id} {done}")
        except (JobEnded, JobNotFound) as error:
            refusals += 1
            typer.secho(f"Error: {error.detail}", err=True, fg=typer.colors.RED)
    if refusals:
        raise typer.Exit(1)


@of_jobs.command()
def jobs(
    status: Annotated[JobStatusEnum | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The largest number of jobs to list.")] = 20,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """List jobs, newest first.

    docfleet jobs --status failed --limit 1000
    """
    with DoclingParserClient(url, api_key=api_key, retry_for=FIRST_CONTACT_S) as client:
        listed = {"jobs": list(islice(client.iter_jobs(status=status), limit))}
    (print_json if as_json else print_jobs)(listed)


@of_jobs.command()
def events(
    after: Annotated[
        str | None, typer.Option(metavar="ID", help="Begin after this change: an id that --json printed.")
    ] = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Print every change of your jobs as it happens, until Ctrl-C.

    docfleet events

    docfleet events --json | jq 'select(.job.status == "failed")'
    """
    show = print_json if as_json else print_change
    with DoclingParserClient(url, api_key=api_key, retry_for=RESTART_S) as client:
        try:
            for change in client.watch_jobs(after=after):
                show(dict(change))
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


@of_jobs.command()
def deliveries(job_id: JobId, as_json: AsJson = False, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Show the deliveries of a job's callback and webhook.

    docfleet deliveries JOB
    """
    with DoclingParserClient(url, api_key=api_key, retry_for=FIRST_CONTACT_S) as client:
        (print_json if as_json else print_deliveries)(client.list_deliveries(job_id))


@of_jobs.command()
def redeliver(job_id: JobId, as_json: AsJson = False, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Send a job's callback and webhook again, now.

    docfleet redeliver JOB
    """
    with DoclingParserClient(url, api_key=api_key, retry_for=FIRST_CONTACT_S) as client:
        (print_json if as_json else print_deliveries)(client.redeliver(job_id))
