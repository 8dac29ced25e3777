"""FastAPI takes 30 ms to find out which parameters the endpoints of an API have. The tests make a thousand APIs of the
same endpoints, so here it looks at each endpoint once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant

_known: dict[tuple[str, Any], Dependant] = {}


def known_dependant(*, path: str, call: Callable[..., Any], **options: Any) -> Dependant:
    """The parameters belong to the endpoint's function, whatever object it is bound to."""
    endpoint = inspect.unwrap(call)
    key = path, getattr(endpoint, "__func__", endpoint)
    if key not in _known:
        _known[key] = get_dependant(path=path, call=call, **options)
    known = _known[key]
    return replace(known, call=call, dependencies=[*known.dependencies])  # each API adds dependencies of its own
