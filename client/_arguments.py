"""The arguments that commands share, what their texts mean, and how patient the commands are."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from client._waiting import JsonDict
from client.models import ExportFormat

INTERRUPTED = 130  # the exit status of a program that Ctrl-C ended
FIRST_CONTACT_S = 3.0  # how long a command that only looks bears a server that is not there
RESTART_S = 180.0  # how long one that waits does: a server that is started anew loads its models first

Url = Annotated[str, typer.Option("--url", envvar="DOCFLEET_URL", help="The server's address.")]
ApiKey = Annotated[str | None, typer.Option("--api-key", envvar="DOCFLEET_API_KEY", help="The key it wants, if any.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="A job's id.")]
Format = Annotated[ExportFormat, typer.Option("--format", "-f", help="What to turn the documents into.")]
Profile = Annotated[str | None, typer.Option(help="The models: auto, standard, bundled or native.")]
Ocr = Annotated[bool | None, typer.Option("--ocr/--no-ocr", help="Read text from pictures. [default: the server's]")]
Tables = Annotated[bool | None, typer.Option("--tables/--no-tables", help="Find tables. [default: the server's]")]
Pages = Annotated[str | None, typer.Option(metavar="FIRST-LAST", help="Only these pages, such as 3-7.")]
Password = Annotated[str | None, typer.Option(envvar="DOCFLEET_PASSWORD", help="Opens encrypted PDFs.")]
Options = Annotated[
    str | None, typer.Option("--options", metavar="JSON", help="Any others, such as '{\"force_ocr\": true}'.")
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Stay until it has ended.")]
Force = Annotated[bool, typer.Option("--force", help="Parse what is done already, too.")]


def options(
    *,
    profile: str | None,
    ocr: bool | None,
    tables: bool | None,
    pages: str | None,
    password: str | None,
    others: str | None,
) -> dict[str, Any]:
    """The parse options that were given; the server has its own for the rest."""
    given = {
        "profile": profile,
        "do_ocr": ocr,
        "do_table_structure": tables,
        "page_range": _page_range(pages),
        "password": password,
    }
    named = {name: value for name, value in given.items() if value is not None}
    return (json_object(others, "the options") or {}) | named


def _page_range(text: str | None) -> list[int] | None:
    if text is None:
        return None
    first, _, last = text.partition("-")
    try:
        return [int(first), int(last or first)]
    except ValueError:
        raise typer.BadParameter(f"{text} is not a page or a range of pages such as 3-7") from None


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
