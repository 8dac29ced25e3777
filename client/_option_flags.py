"""The parse options that have a flag of their own, for each command that parses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any

import typer

from client._arguments import Pages, json_object

#: By the names of `ParseOptions`, but for `others`, which has the rest of them.
FLAGS: Mapping[str, Any] = {
    "profile": Annotated[
        str | None,
        typer.Option("--profile", help="The models to use: auto, standard, bundled, native, vlm, or vlm:NAME."),
    ],
    "do_ocr": Annotated[
        bool | None, typer.Option("--ocr/--no-ocr", help="Read text from pictures. [default: the server's]")
    ],
    "do_table_structure": Annotated[
        bool | None, typer.Option("--tables/--no-tables", help="Find tables. [default: the server's]")
    ],
    "picture_description": Annotated[
        str | None,
        typer.Option(
            "--describe-pictures", metavar="NAME", help="Have this model endpoint of the server describe pictures."
        ),
    ],
    "do_picture_classification": Annotated[
        bool | None, typer.Option("--classify-pictures", help="Tell the class of each picture.")
    ],
    "do_code_enrichment": Annotated[
        bool | None, typer.Option("--read-code", help="Read code from its picture, and tell its language.")
    ],
    "do_formula_enrichment": Annotated[bool | None, typer.Option("--read-formulas", help="Read formulas as LaTeX.")],
    "page_range": Pages,
    "password": Annotated[
        str | None,
        typer.Option("--password", envvar="DOCFLEET_PASSWORD", help="The password of encrypted PDFs."),
    ],
    "others": Annotated[
        str | None,
        typer.Option("--options", metavar="JSON", help="Other parse options, for example '{\"force_ocr\": true}'."),
    ],
}


def with_option_flags(command: Callable[..., None]) -> Callable[..., None]:
    """The command with all FLAGS before its `--json`. Its parameter `options` gets the options that are given."""

    @wraps(command)
    def run(**given: Any) -> None:
        command(options=_options(**{name: given.pop(name) for name in FLAGS}), **given)

    own = signature(command, eval_str=True)
    parameters = [parameter for parameter in own.parameters.values() if parameter.name != "options"]
    before = [parameter.name for parameter in parameters].index("as_json")
    parameters[before:before] = [
        Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=kind) for name, kind in FLAGS.items()
    ]
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined] # typer reads it
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _options(*, others: str | None, page_range: str | None, **given: object) -> dict[str, Any]:
    """The options that are given. The server's defaults apply to the rest."""
    chosen = given | {"page_range": _pages(page_range)}
    named = {name: chosen[name] for name in FLAGS if chosen.get(name) is not None}
    return (json_object(others, "the options") or {}) | named


def _pages(text: str | None) -> list[int] | None:
    if text is None:
        return None
    first, _, last = text.partition("-")
    try:
        return [int(first), int(last or first)]
    except ValueError:
        raise typer.BadParameter(f"{text} is neither a page nor a range of pages such as 3-7") from None
