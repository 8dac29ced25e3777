"""Refuses a query parameter whose name is misspelt, so that it is not ignored in silence.

Other unknown parameters stay ignored: clients that were written for another server may send them, and proxies add some.
"""

from __future__ import annotations

from difflib import get_close_matches

from fastapi import Request
from fastapi.dependencies.models import Dependant

from client.models import ErrorCode
from serve_app.problems import Refused

#: How like two names are at least, of 1, when one is taken for the other: `wiat` and `wait` are.
LIKENESS = 0.75

#: The time to compare names grows with the square of their length.
LONGEST_NAME = 40


async def refuse_misspelt(request: Request) -> None:
    """Raises Refused for a parameter that has nearly the name of one of the route's parameters."""
    if not request.query_params:
        return
    known = _names(request.scope["route"].dependant)
    for name in request.query_params.keys() - known:
        if len(name) <= LONGEST_NAME and (meant := get_close_matches(name, known, 1, LIKENESS)):
            raise Refused(ErrorCode.INVALID_REQUEST, f"Unknown query parameter '{name}'; did you mean '{meant[0]}'?")


def _names(dependant: Dependant) -> set[str]:
    """The query parameters of an endpoint and of what it depends on."""
    own = {parameter.alias for parameter in dependant.query_params}
    return own.union(*(_names(each) for each in dependant.dependencies))
