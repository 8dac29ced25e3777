"""What is done with an option of docling-serve: a rule, which stands in the annotation of its field."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, model_validator

from client.models import ErrorCode
from serve_app.invalid_options import invalid_option
from serve_app.problems import Refused

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Native:
    """Passed on as the option `name` of this server."""

    name: str


@dataclass(frozen=True, slots=True)
class Substituted:
    """`ours` replaces any other value, and the answer says so. `same` are other names of `ours`."""

    ours: str
    same: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class IfThere:
    """Passed on as the option `name` where the parsers can do it. Else `ours` replaces it, and the answer says so."""

    name: str
    ours: str


@dataclass(frozen=True, slots=True)
class Only:
    """Other values would change the content, and this server cannot do them: they are refused."""

    taken: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """Decides about the answer alone."""


@dataclass(frozen=True, slots=True)
class Remote:
    """Chooses one of the server's model endpoints (`remote_models.py`)."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Changes nothing here, for this reason."""

    reason: str


Rule = Native | Substituted | IfThere | Only | Reply | Remote | Ignored

#: What was asked and what is done instead, by option.
Substitutions = dict[str, tuple[str, str]]


def rule_of(table: type[BaseModel], name: str) -> Rule:
    """The rule of an option. Raises StopIteration for a field without one."""
    return next(each for each in table.model_fields[name].metadata if isinstance(each, Rule))


def native_values(sent: BaseModel, there: Collection[str] = ()) -> tuple[dict[str, Any], Substitutions]:
    """The options of this server that were sent, and what was replaced. The parsers can do the options `there`.

    Raises Refused for a value that this server cannot do and that changes the content.
    """
    native: dict[str, Any] = {}
    substituted: Substitutions = {}
    for name in sorted(sent.model_fields_set):
        value = getattr(sent, name)
        match rule_of(type(sent), name):
            case Native(target):
                native[target] = value
            case Substituted(ours, same) if value != ours and value not in same:
                substituted[name] = (str(value), ours)
            case IfThere(target, ours) if value != ours and name in there:
                native[target] = value
            case IfThere(_, ours) if value != ours:
                substituted[name] = (str(value), ours)
            case Only(taken) if value not in taken:
                raise _unsupported(name, value, taken)
    return native, substituted


def made(model: type[T], values: dict[str, Any]) -> T:
    """The options of this server. Raises Refused."""
    try:
        return model(**values)
    except ValidationError as error:
        raise invalid_option(error) from error


@model_validator(mode="before")
def without_what_is_not_set(sent: Any) -> Any:
    """A null and an empty form field are the default."""
    if not isinstance(sent, dict):
        return sent
    return {name: value for name, value in sent.items() if value not in (None, "", [""])}


def spoken(value: object) -> str:
    """A value as a client would send it, short enough for a message."""
    if isinstance(value, tuple):
        return "[" + ",".join(map(str, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else f"'{value}'"[:60]


def _unsupported(name: str, value: object, taken: tuple[object, ...]) -> Refused:
    known = " or ".join(spoken(each) for each in taken if each is not None)
    return Refused(
        ErrorCode.INVALID_OPTION, f"This server cannot do {name}={spoken(value)}; send {known}, or leave it out"
    )
