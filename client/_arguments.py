"""Arguments shared by the commands, their parsing, and the commands' retry times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from client._paths import PictureFormat
from client._uploads import Input, source_of
from client._waiting import JsonDict
from client.models import ChunkOptions, ExportFormat, JobSource, UrlSource

_SOURCES = TypeAdapter(list[UrlSource | JobSource])

INTERRUPTED = 130  # the exit status after Ctrl-C
FIRST_CONTACT_S = 3.0  # how long a read-only command retries a missing server
RESTART_S = 180.0  # how long a waiting command does: a restarted server first loads its models

Url = Annotated[str, typer.Option("--url", envvar="DOCFLEET_URL", help="The server's address.")]
ApiKey = Annotated[
    str | None, typer.Option("--api-key", envvar="DOCFLEET_API_KEY", help="The server's API key, if it requires one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="A job's id.")]
Format = Annotated[ExportFormat, typer.Option("--format", "-f", help="The format of the results.")]
Pages = Annotated[str | None, typer.Option("--pages", metavar="FIRST-LAST", help="Only these pages, for example 3-7.")]
FilesOrUrls = Annotated[
    list[str] | None, typer.Argument(metavar="FILE|URL...", help="Files of the job. The server fetches those at a URL.")
]
Sources = Annotated[
    str | None,
    typer.Option(
        metavar="JSON",
        envvar="DOCFLEET_SOURCES",
        help='More files to fetch: a list such as \'[{"url": "https://…", "headers": {"Authorization": "…"}}]\'.',
    ),
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Wait until the job has ended.")]
Force = Annotated[bool, typer.Option("--force", help="Parse finished documents again, too.")]


def chunk_options(**given: object) -> ChunkOptions | None:
    """How to cut, as given on the command line; None when nothing is given. Raises `BadParameter`."""
    named = {name: value for name, value in given.items() if value is not None}
    try:
        return ChunkOptions.model_validate(named) if named else None
    except ValidationError as error:
        wrong = error.errors()[0]
        raise typer.BadParameter(f"{wrong['loc'][0]}: {wrong['msg']}") from None


def box_of(text: str | None) -> list[float] | None:
    """A box as given on the command line. Raises `BadParameter` unless it is four numbers."""
    try:
        box = [float(side) for side in text.split(",")] if text is not None else None
    except ValueError:
        box = []
    if box is not None and len(box) != 4:
        raise typer.BadParameter(f"{text} is not a box such as 72,90,523,140")
    return box


def picture_format(output: Path | None) -> PictureFormat:
    """The format that the name of a file asks for: PNG without a suffix. Raises `BadParameter` for another one."""
    suffix = output.suffix.lower() if output else ""
    if suffix not in ("", ".png", ".webp"):
        raise typer.BadParameter(f"a page is drawn as PNG or WebP, not as {suffix}; save it as .png or .webp")
    return "webp" if suffix == ".webp" else "png"


def inputs(files_or_urls: Sequence[str] | None, sources: str | None) -> list[Input]:
    """The files of a job, in order. Raises `BadParameter` for a path that is no file, and when there is nothing."""
    found: list[Input] = list(files_or_urls or [])
    for given in found:
        if not source_of(given) and not Path(str(given)).is_file():
            raise typer.BadParameter(f"File '{given}' does not exist or is a directory.")
    try:
        found += _SOURCES.validate_json(sources or "[]")
    except ValidationError as error:
        raise typer.BadParameter(f"the sources are not valid: {error.errors()[0]['msg']}") from None
    if not found:
        raise typer.BadParameter("name a file or a URL")
    return found


def json_object(text: str | None, what: str) -> JsonDict | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"{what} are not JSON: {error}") from None
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{what} must be a JSON object")
    return value
