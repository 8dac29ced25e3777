"""Refuses names that nothing would read, so that they are not ignored in silence: misspelt parameters and fields, and
fields or options in the query of an upload.

Other unknown names stay ignored: clients that were written for another server may send them, and proxies add some.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from fastapi import Request
from fastapi.dependencies.models import Dependant

from actors.formats import printable
from client.models import ErrorCode, ParseOptions
from serve_app.invalid_options import refuse_outside_options
from serve_app.problems import Refused
from serve_app.uploads import TEXT_FIELDS

#: How like two names are at least, of 1, when one is taken for the other: `wiat` and `wait` are.
LIKENESS = 0.75

#: The time to compare names grows with the square of their length.
LONGEST_NAME = 40

#: What the body of an upload may have.
FIELDS = TEXT_FIELDS | {"files", "sources"}


async def refuse_misspelt(request: Request) -> None:
    """Raises Refused for a parameter that has nearly the name of one of the route's parameters, or is sent twice."""
    if not request.query_params:
        return
    known = _parameters(request.scope["route"].dependant)
    for name in request.query_params.keys() - known:
        _refuse_like("query parameter", name, known)
    for name in request.query_params.keys() & known:
        if len(request.query_params.getlist(name)) > 1:
            raise Refused(ErrorCode.INVALID_REQUEST, f"The query parameter '{name}' is sent twice. Send it once")


async def refuse_in_query(request: Request) -> None:
    """Raises Refused for a query parameter that has the name of a field or an option, or nearly.

    The body of an upload has the fields, and its field `options` the options.
    """
    for name in request.query_params:
        refuse_outside_options(name)
        if name in FIELDS:
            reason = f"{name} is a field of the body. Send it in the form or the JSON, not in the query"
            raise Refused(ErrorCode.INVALID_REQUEST, reason)
        _refuse_like("query parameter", name, FIELDS | ParseOptions.model_fields.keys())


def refuse_misspelt_field(name: str) -> None:
    """Raises Refused for a field of an upload that has nearly the name of a field or an option."""
    if name not in FIELDS:
        _refuse_like("field", name, FIELDS | ParseOptions.model_fields.keys())


def _refuse_like(what: str, name: str, known: Collection[str]) -> None:
    if len(name) <= LONGEST_NAME and (meant := get_close_matches(name, known, 1, LIKENESS)):
        reason = f"Unknown {what} '{printable(name)}'; did you mean '{meant[0]}'?"
        raise Refused(ErrorCode.INVALID_REQUEST, reason)


def _parameters(dependant: Dependant) -> set[str]:
    """The query parameters of an endpoint and of what it depends on."""
    own = {parameter.alias for parameter in dependant.query_params}
    return own.union(*(_parameters(each) for each in dependant.dependencies))
