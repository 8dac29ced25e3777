"""Write what follows from the code: openapi.json, the settings in the Helm chart's schema, and in the pages the tables
of settings, errors, states and metrics.

    python docs/generate.py            renew them
    python docs/generate.py --check    say which are out of date; exit code 1 when one is

A page marks such a part with `<!-- begin generated: NAME -->` and `<!-- end generated -->`.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml
from error_texts import FILE, JOB, REQUEST, WARNING
from pydantic import BaseModel, SecretStr

from actors.registry.lifecycle import ENDED, ON_THE_WIRE, TRANSITIONS, State
from actors.telemetry.metrics import METRICS, Metric
from client.errors import error_from
from client.models import ErrorCode, WarningCode
from serve_app.api import make_api
from serve_app.docling_v1.chunking import ChunkingRequest
from serve_app.docling_v1.options import ConvertOptions
from serve_app.docling_v1.rules import IfThere, Ignored, Native, Only, Remote, Reply, Rule, Substituted, rule_of, spoken
from serve_app.problems import STATUS
from serve_app.settings import Settings

DOCS = Path(__file__).parent
CHART_SCHEMA = DOCS.parent / "deploy" / "helm" / "docfleet" / "values.schema.json"
SET_BY_THE_CHART = {"host", "port", "state_dir"}
MARKED = re.compile(r"(<!-- begin generated: (\w+) -->\n).*?(<!-- end generated -->)", re.DOTALL)
TYPES = {"integer": "whole number", "number": "number", "boolean": "`true`, `false`", "string": "text"}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}  # of JSON Schema


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def settings() -> str:
    """Every setting, in the order of the class. Raises LookupError for one without a docstring."""
    schema = Settings.model_json_schema()["properties"]
    if unexplained := [name for name, setting in schema.items() if "description" not in setting]:
        raise LookupError(f"settings without a docstring: {unexplained}")
    rows = (
        (f"`{name.upper()}`", default_of(setting), values_of(setting), " ".join(setting["description"].split()))
        for name, setting in schema.items()
    )
    return table(("variable", "default", "values", "meaning"), rows)


def docling_options() -> str:
    """docling-serve's conversion options, by what is done with them here."""
    return rules_of(ConvertOptions)


def docling_chunking() -> str:
    """docling-serve's chunking options, by what is done with them here."""
    return rules_of(ChunkingRequest)


def rules_of(options: type[BaseModel]) -> str:
    groups: dict[tuple[str, str], list[str]] = {}
    for name in options.model_fields:
        groups.setdefault(done_with(rule_of(options, name)), []).append(f"`{name}`")
    return table(("option", "done here", "meaning"), ((", ".join(names), *done) for done, names in groups.items()))


def done_with(rule: Rule) -> tuple[str, str]:
    match rule:
        case Native(name):
            return "yes", f"the option `{name}` of this server"
        case Substituted(ours):
            return "replaced", f"another value is replaced by `{ours}`"
        case IfThere(name, ours):
            return "if there", f"the option `{name}` of this server, or replaced by `{ours}` where its model is missing"
        case Only(taken):
            values = " or ".join(f"`{spoken(value)}`" for value in taken if value not in ("", None, ()))
            return "refused", f"422 unless it is {values or 'empty'}"
        case Reply():
            return "yes", "what the answer holds"
        case Remote():
            return (
                "endpoints",
                "one of the [model endpoints](models.md#docling-serves-options), else 422",
            )
        case Ignored(reason):
            return "ignored", reason


def default_of(setting: Mapping[str, Any]) -> str:
    match setting.get("default", "computed"):
        case None | "" | "computed" as word:
            return word or "–"
        case bool() as flag:
            return f"`{str(flag).lower()}`"
        case list() as words:
            return f"`{','.join(words)}`"
        case value:
            return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def values_of(setting: Mapping[str, Any]) -> str:
    """A setting's type and bounds, as people say it."""
    kind = setting.get("anyOf", [setting])[0]
    kind = kind.get("items", kind)
    if choices := kind.get("enum"):
        return ", ".join(f"`{choice}`" for choice in choices)
    bounds = [f"{sign} {kind[name]:g}" for name, sign in BOUNDS.items() if name in kind]
    return " ".join([TYPES[kind["type"]], " and ".join(bounds)]).strip()


def request_errors() -> str:
    rows = ((f"`{code}`", str(STATUS[code].value), f"`{exception_for(code)}`", REQUEST[code]) for code in REQUEST)
    return table(("code", "HTTP", "client raises", "meaning"), rows)


def exception_for(code: ErrorCode) -> str:
    answer = httpx.Response(STATUS[code], json={"code": code, "detail": ""})
    return type(error_from(answer)).__name__


def file_errors() -> str:
    return table(("code", "meaning"), ((f"`{code}`", text) for code, text in FILE.items()))


def warnings() -> str:
    return table(("code", "meaning"), ((f"`{code}`", text) for code, text in WARNING.items()))


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


def metrics() -> str:
    rows = ((f"`ray_{metric.name}`", metric.kind, labels_of(metric), metric.room, metric.help) for metric in METRICS)
    return table(("metric", "kind", "labels", "recorded by", "meaning"), rows)


def labels_of(metric: Metric) -> str:
    return "; ".join(f"`{label}`: {spoken_values(values)}" for label, values in metric.labels.items()) or "–"


def spoken_values(values: tuple[str, ...]) -> str:
    """The values of a label; of consecutive numbers the first and the last."""
    counted = values == tuple(map(str, range(len(values))))
    return f"0 to {len(values) - 1}" if counted else ", ".join(values)


def alerts() -> str:
    groups = yaml.safe_load((DOCS.parent / "deploy" / "alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    rows = ((f"`{rule['alert']}`", rule["labels"]["severity"], rule["annotations"]["summary"]) for rule in rules)
    return table(("alert", "severity", "meaning"), rows)


PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "docling_options": docling_options,
    "docling_chunking": docling_chunking,
    "request_errors": request_errors,
    "file_errors": file_errors,
    "warnings": warnings,
    "job_errors": job_errors,
    "states": states,
    "metrics": metrics,
    "alerts": alerts,
}


def renewed(text: str) -> str:
    """`text` with its generated parts as the code has them now."""
    return MARKED.sub(lambda mark: mark[1] + PARTS[mark[2]]() + mark[3], text)


def openapi() -> str:
    """The description of the API; nothing behind the routes is needed for it."""
    nothing: Any = None
    settings = Settings(api_keys_file="", api_keys=f"docs:{'0' * 64}")
    document = make_api(nothing, nothing, nothing, nothing, settings).openapi()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def chart_schema() -> str:
    """The schema of the chart's values, with the names of all settings but secrets and those that the chart sets."""
    schema = json.loads(CHART_SCHEMA.read_text())
    secrets = {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr}
    names = sorted(Settings.model_fields.keys() - secrets - SET_BY_THE_CHART)
    schema["properties"]["settings"]["propertyNames"]["enum"] = names
    return json.dumps(schema, indent=2) + "\n"


def main(arguments: list[str]) -> int:
    missing = {*ErrorCode, *WarningCode} - {*REQUEST, *FILE, *JOB, *WARNING}
    if missing:
        raise LookupError(f"docs/error_texts.py has no text for {sorted(missing)}")
    current = {page: renewed(page.read_text()) for page in sorted(DOCS.glob("*.md"))}
    current[DOCS / "openapi.json"] = openapi()
    current[CHART_SCHEMA] = chart_schema()
    stale = {page: text for page, text in current.items() if not page.exists() or page.read_text() != text}
    for page, text in stale.items():
        sys.stderr.write(f"{page.name} is out of date\n")
        if arguments != ["--check"]:
            page.write_text(text)
    return 1 if stale and arguments == ["--check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
