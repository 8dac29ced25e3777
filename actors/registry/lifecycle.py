"""The life of a job, as one table. Everything that may change a job's state is decided here.

    queued ──claim──▶ running ──complete──▶ completed
      │ ▲                │  │ ──fail──────▶ failed
      │ └────requeue─────┘  └────cancel──▶ cancelled
      └─────────────cancel────────────────────▲

A row that is missing is an error, and a state without rows is final. A request to cancel a running job is a flag
on the job and not a state: the work goes on until somebody stops it.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from client.models import JobStatusEnum


class State(StrEnum):
    """Where a job is. Each says who puts a job there and who takes it on."""

    #: Durable and waiting. From a submit, or from a lease that ended. A dispatcher's claim takes it on.
    QUEUED = "queued"
    #: Held by one dispatcher under a lease. From its claim. Ended by that dispatcher, or by the end of the lease.
    RUNNING = "running"
    #: Every file has its result, which may be a failed entry. Removed when its time to live is over.
    COMPLETED = "completed"
    #: The job could not run as a whole: `outcome.failure` says why. Removed likewise.
    FAILED = "failed"
    #: Somebody asked for it to stop, and it has. Removed likewise.
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to a job after its submit."""

    CLAIM = "claim"
    REQUEUE = "requeue"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"


TRANSITIONS = MappingProxyType(
    {
        State.QUEUED: MappingProxyType({Event.CLAIM: State.RUNNING, Event.CANCEL: State.CANCELLED}),
        State.RUNNING: MappingProxyType(
            {
                Event.REQUEUE: State.QUEUED,
                Event.COMPLETE: State.COMPLETED,
                Event.FAIL: State.FAILED,
                Event.CANCEL: State.CANCELLED,
            }
        ),
        State.COMPLETED: MappingProxyType({}),
        State.FAILED: MappingProxyType({}),
        State.CANCELLED: MappingProxyType({}),
    }
)

UNFINISHED = tuple(state for state, row in TRANSITIONS.items() if row)
ENDED = tuple(state for state, row in TRANSITIONS.items() if not row)

#: The wire knows four words. What a cancelled job has of its own there is its reason.
ON_THE_WIRE = MappingProxyType(
    {
        State.QUEUED: JobStatusEnum.PENDING,
        State.RUNNING: JobStatusEnum.PROCESSING,
        State.COMPLETED: JobStatusEnum.COMPLETED,
        State.FAILED: JobStatusEnum.FAILED,
        State.CANCELLED: JobStatusEnum.FAILED,
    }
)


class IllegalTransition(Exception):
    """An event that cannot happen in this state: the caller did not check, which is a bug."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"a job that is {state} cannot {event}")


def after(state: State, event: Event) -> State:
    """The state that `event` leads to. Raises IllegalTransition."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(state, event) from None
