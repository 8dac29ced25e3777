"""Write the parts of the pages that follow from the code: settings, error codes, job states.

    python docs/generate.py            renew them
    python docs/generate.py --check    say which are out of date; exit code 1 when one is

A page marks such a part with `<!-- begin generated: NAME -->` and `<!-- end generated -->`.
"""

from __future__ import annotations

import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import annotated_types
import httpx
from error_texts import FILE, JOB, REQUEST
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from actors.registry.lifecycle import ENDED, ON_THE_WIRE, TRANSITIONS, State
from client.errors import error_from
from client.models import ErrorCode
from serve_app.problems import STATUS
from serve_app.settings import Settings

DOCS = Path(__file__).parent
MARKED = re.compile(r"(<!-- begin generated: (\w+) -->\n).*?(<!-- end generated -->)", re.DOTALL)
BOUNDS = {annotated_types.Ge: ("≥", "ge"), annotated_types.Gt: (">", "gt"), annotated_types.Le: ("≤", "le")}


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def settings() -> str:
    """Every setting, in the order of the class."""
    unexplained = [name for name, field in Settings.model_fields.items() if not field.description]
    if unexplained:
        raise LookupError(f"settings without a docstring: {unexplained}")
    return table(
        ("variable", "default", "values", "meaning"),
        (
            (f"`{name.upper()}`", default_of(field), values_of(field), " ".join((field.description or "").split()))
            for name, field in Settings.model_fields.items()
        ),
    )


def default_of(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "computed"
    if field.default is None:
        return "–"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"


def values_of(field: FieldInfo) -> str:
    """A setting's type and bounds, as people say it."""
    if choices := typing.get_args(field.annotation) if typing.get_origin(field.annotation) is typing.Literal else ():
        return ", ".join(f"`{choice}`" for choice in choices)
    kind = next((part for part in typing.get_args(field.annotation) if part is not type(None)), field.annotation)
    inner = FieldInfo.from_annotation(kind)
    name = {int: "whole number", float: "number", bool: "`true`, `false`", str: "text"}[inner.annotation]
    bounds = [
        f"{sign} {getattr(rule, attribute):g}"
        for rule in (*field.metadata, *inner.metadata)
        for kind_of_rule, (sign, attribute) in BOUNDS.items()
        if isinstance(rule, kind_of_rule)
    ]
    return " ".join([name, " and ".join(bounds)]).strip()


def request_errors() -> str:
    rows = ((f"`{code}`", str(STATUS[code].value), f"`{exception_for(code)}`", REQUEST[code]) for code in REQUEST)
    return table(("code", "HTTP", "client raises", "meaning"), rows)


def exception_for(code: ErrorCode) -> str:
    answer = httpx.Response(STATUS[code], json={"code": code, "detail": ""})
    return type(error_from(answer)).__name__


def file_errors() -> str:
    return table(("code", "meaning"), ((f"`{code}`", text) for code, text in FILE.items()))


def job_errors() -> str:
    rows = ((f"`{code}`", str(STATUS[code].value), text) for code, text in JOB.items())
    return table(("reason", "HTTP on `/parse`", "meaning"), rows)


def states() -> str:
    """The transitions as a diagram, and what each state means."""
    moves = [("[*]", "queued: submit")]
    moves += [(source, f"{target}: {event}") for source, row in TRANSITIONS.items() for event, target in row.items()]
    moves += [(state, "[*]") for state in ENDED]
    arrows = "".join(f"    {source} --> {target}\n" for source, target in moves)
    meanings = state_meanings()
    rows = ((f"`{state}`", f"`{ON_THE_WIRE[state]}`", meanings[state]) for state in State)
    return f"```mermaid\nstateDiagram-v2\n{arrows}```\n\n" + table(("state", "clients see", "meaning"), rows)


def state_meanings() -> Mapping[str, str]:
    """The `#:` comment above each state."""
    found = re.findall(r"((?: +#: .*\n)+) +\w+ = \"(\w+)\"", inspect.getsource(State))
    return {state: " ".join(re.sub(r" *#: ", " ", comment).split()) for comment, state in found}


PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "request_errors": request_errors,
    "file_errors": file_errors,
    "job_errors": job_errors,
    "states": states,
}


def renewed(text: str) -> str:
    """`text` with its generated parts as the code has them now."""
    return MARKED.sub(lambda mark: mark[1] + PARTS[mark[2]]() + mark[3], text)


def main(arguments: list[str]) -> int:
    missing = set(ErrorCode) - {*REQUEST, *FILE, *JOB}
    if missing:
        raise LookupError(f"docs/error_texts.py has no text for {sorted(missing)}")
    stale = [page for page in sorted(DOCS.glob("*.md")) if renewed(page.read_text()) != page.read_text()]
    for page in stale:
        sys.stderr.write(f"{page.name} is out of date\n")
        if arguments != ["--check"]:
            page.write_text(renewed(page.read_text()))
    return 1 if stale and arguments == ["--check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
