"""Maps Ray's errors to docfleet's.

A parser replica that dies during a call becomes ParserDied, and a call without any live replica becomes
FleetUnavailable. An error that our own code raises on the other side is raised unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from ray.exceptions import (
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    RayTaskError,
    WorkerCrashedError,
)
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, RayServeException

from actors.errors import DocfleetError, FleetUnavailable, ParserDied, ParserFailed, ResultLost

# The replica, its node, or an object on that node is gone: the same call may succeed on another replica.
_REPLICA_GONE = (RayActorError, WorkerCrashedError, NodeDiedError, ObjectLostError, OutOfMemoryError)
_NO_REPLICA_YET = (DeploymentUnavailableError, BackPressureError)


def own_error(error: RayTaskError) -> Exception:
    """The error that our code raised on the other side; Ray wraps it together with the remote traceback."""
    return error.cause if isinstance(error.cause, DocfleetError) else error


@contextmanager
def parser_errors() -> Iterator[None]:
    """Wrap a call to a parser. Raises FleetUnavailable, ParserDied, ParserFailed, and the parser's own errors."""
    try:
        yield
    except RayTaskError as error:
        _raise_as_ours(error, "the parser failed", lost=_REPLICA_GONE)  # an argument was lost with its node
    except _NO_REPLICA_YET as error:
        raise FleetUnavailable("No parser replica is ready at present") from error
    except _REPLICA_GONE as error:
        raise ParserDied("the parser process died", getattr(error, "actor_id", None) or "") from error
    except RayServeException as error:  # for example, the actor that an argument comes from died
        raise ResultLost("a parser's result was lost") from error


@contextmanager
def remote_model_errors() -> Iterator[None]:
    """Wrap a call to the replica that asks the remote models. Raises FleetUnavailable, ResultLost, ParserFailed, and
    the replica's own errors."""
    try:
        yield
    except RayTaskError as error:
        _raise_as_ours(error, "asking the model failed", lost=(ObjectLostError,))
    except (RayActorError, RayServeException) as error:
        raise FleetUnavailable("Nobody asks the remote models at present") from error


@contextmanager
def dispatcher_errors() -> Iterator[None]:
    """Wrap a call to a dispatcher. Raises FleetUnavailable, and the dispatcher's own errors."""
    try:
        yield
    except RayTaskError as error:
        raise own_error(error) from None
    except (*_REPLICA_GONE, RayServeException) as error:
        raise FleetUnavailable("No dispatcher answers at present; please try again") from error


def _raise_as_ours(error: RayTaskError, failed: str, *, lost: tuple[type[Exception], ...]) -> NoReturn:
    """Raise our own error of the other side; ResultLost for a cause in `lost`, and ParserFailed for any other."""
    own = own_error(error)
    if isinstance(own, DocfleetError):
        raise own from None
    if isinstance(error.cause, lost):
        raise ResultLost("a parser's result was lost") from error
    raise ParserFailed(f"{failed} with {type(error.cause).__name__}") from error
