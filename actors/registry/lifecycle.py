"""The lifecycle of a job as one transition table. Only this table decides how a job's state may change.

    queued ──claim──▶ running ──complete──▶ completed
      │ ▲                │  │ ──fail──────▶ failed
      │ └────requeue─────┘  └────cancel──▶ cancelled
      └─────────────cancel────────────────────▲

A missing row is an error, and a state without rows is final. A request to cancel a running job is a flag on the job
and not a state: the work goes on until the dispatcher stops it.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from client.models import JobStatusEnum


class State(StrEnum):
    """The state of a job. Each comment says how a job enters the state and how it leaves."""

    #: Durable and waiting for a dispatcher. Entered by a submit, or when a lease ends. Left by a dispatcher's claim.
    QUEUED = "queued"
    #: Held by one dispatcher under a lease. Entered by its claim. Left when it finishes the job or the lease ends.
    RUNNING = "running"
    #: Every file has a result, which may be a failed entry. Removed after its time to live.
    COMPLETED = "completed"
    #: The job as a whole could not run: `outcome.failure` says why. Removed after its time to live.
    FAILED = "failed"
    #: Stopped by request. Removed after its time to live.
    CANCELLED = "cancelled"


class Event(StrEnum):
    """An event in the life of a job after its submit."""

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

#: The wire has four states only. A cancelled job is `failed` there, with the reason `cancelled`.
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
    """The event is not allowed in this state. The caller should have checked, so this is a bug."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"a job that is {state} cannot {event}")


def after(state: State, event: Event) -> State:
    """The state that `event` leads to. Raises IllegalTransition."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(state, event) from None
