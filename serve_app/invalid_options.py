"""Refusals of parse options that are unknown or invalid."""

from __future__ import annotations

from pydantic import ValidationError

from client.models import ChunkOptions, ErrorCode, ParseOptions
from serve_app.problems import Refused


def invalid_option(error: ValidationError) -> Refused:
    """The refusal for the first error. It holds no value of the request: one of them may be a password."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "extra_forbidden":
        return unknown_option(*map(str, first["loc"]))
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error" and not first["loc"]:  # about options together, which the reason names
        return Refused(ErrorCode.INVALID_OPTION, reason)
    where = ".".join(map(str, first["loc"])) or "options"
    return Refused(ErrorCode.INVALID_OPTION, f"Invalid option '{where}': {reason}")


def unknown_option(*path: str) -> Refused:
    """The refusal of an option that does not exist. `path` leads to it."""
    known = ChunkOptions if path[0] == "chunks" else ParseOptions
    known_names = ", ".join(known.model_fields)
    return Refused(ErrorCode.UNKNOWN_OPTION, f"Unknown option '{'.'.join(path)}'; the options are {known_names}")


def refuse_outside_options(name: str) -> None:
    """Raises Refused for a form field with the name of an option: nothing would read it."""
    if name in ParseOptions.model_fields:
        example = f'options={{"{name}": ...}}'
        raise Refused(ErrorCode.INVALID_OPTION, f"{name} is an option. Send it in the field options, as in {example}")
