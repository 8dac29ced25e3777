"""Everything docfleet counts and times, each defined once: what a dashboard or an alert may ask for.

Recording needs no Ray: `export_to` binds a process to whatever exports, and without one nothing is kept. Each
combination of labels is a time series for ever, so labels have few values, all of them named here; never ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Kind = Literal["counter", "gauge", "histogram"]
Room = Literal["registry", "dispatcher", "parser"]

#: Seconds. From a page of text to a job that waited for an hour.
_SHORT = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
_PAGES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_JOBS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)

_PROFILES = ("standard", "bundled", "native")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`labels` maps each label to the values that it takes. `room` is whose processes record it."""

    name: str
    kind: Kind
    room: Room
    help: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()

    def record(self, value: float = 1, **labels: str) -> None:
        """Add to a counter, set a gauge, or put one observation into a histogram. Microseconds; from any thread."""
        _recorder.record(self, value, labels)


class Recorder(Protocol):
    """What exports."""

    def record(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None: ...


class _Nowhere:
    def record(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        """Nobody asks in this process."""


NOWHERE = _Nowhere()
_recorder: Recorder = NOWHERE


def export_to(recorder: Recorder) -> None:
    """From now on this process' metrics go to `recorder`."""
    global _recorder
    _recorder = recorder


# -- the registry ---------------------------------------------------------------------------------------------------

JOBS = Metric(
    name="docfleet_jobs",
    kind="gauge",
    room="registry",
    help="Unfinished jobs",
    labels={"state": ("queued", "running")},
)
OLDEST_QUEUED = Metric(
    name="docfleet_oldest_queued_job_age_seconds",
    kind="gauge",
    room="registry",
    help="Since the submit of the queued job that has waited longest; 0 when none waits",
)
TIME_IN_QUEUE = Metric(
    name="docfleet_job_queue_seconds",
    kind="histogram",
    room="registry",
    help="From a job's submit to its first claim",
    buckets=_JOBS,
)
TIME_TO_RESULT = Metric(
    name="docfleet_job_seconds",
    kind="histogram",
    room="registry",
    help="From a job's submit to its end; its count is the number of ended jobs",
    labels={"state": ("completed", "failed", "cancelled")},
    buckets=_JOBS,
)
REQUEUED = Metric(
    name="docfleet_jobs_requeued_total",
    kind="counter",
    room="registry",
    help="Running jobs that went back to the queue, because their dispatcher left or fell silent",
)
JOURNAL_COMMIT = Metric(
    name="docfleet_journal_commit_seconds",
    kind="histogram",
    room="registry",
    help="One transaction of the journal, which carries the changes of one moment",
    buckets=_SHORT,
)

# -- dispatchers ----------------------------------------------------------------------------------------------------

SPAN_RETRIES = Metric(
    name="docfleet_span_retries_total",
    kind="counter",
    room="dispatcher",
    help="Calls of a parser that came to nothing; each is made again, or in smaller pieces, until one page is left",
    labels={"reason": ("died", "hung", "failed")},
)
PAGES_LOST = Metric(
    name="docfleet_pages_lost_total",
    kind="counter",
    room="dispatcher",
    help="Pages that were given up because no parser survived them",
)
WORDS_LOST = Metric(
    name="docfleet_words_lost_total",
    kind="counter",
    room="dispatcher",
    help="Words that were read in a file and are missing from its document; the file's warnings name the pages",
    labels={"profile": _PROFILES},
)
DELIVERIES = Metric(
    name="docfleet_deliveries_total",
    kind="counter",
    room="dispatcher",
    help="Turns at telling a receiver of an ended job: all sent, to be tried again after an error, or given up",
    labels={"kind": ("callback", "webhook"), "outcome": ("delivered", "retried", "given_up")},
)

# -- parsers --------------------------------------------------------------------------------------------------------

PAGES = Metric(
    name="docfleet_pages_total",
    kind="counter",
    room="parser",
    help="Pages that went through a parser, a file without pages being one; `failed` ones are missing in the result",
    labels={"profile": _PROFILES, "outcome": ("parsed", "failed")},
)
PAGE_SECONDS = Metric(
    name="docfleet_page_parse_seconds",
    kind="histogram",
    room="parser",
    help="A span's or a file's time in a parser, divided by its pages",
    labels={"profile": _PROFILES},
    buckets=_PAGES,
)
PARSERS_RECYCLED = Metric(
    name="docfleet_parsers_recycled_total",
    kind="counter",
    room="parser",
    help="Parser replicas that asked to be replaced: after their share of pages, or for memory or threads that leak",
)

METRICS: Sequence[Metric] = (
    JOBS,
    OLDEST_QUEUED,
    TIME_IN_QUEUE,
    TIME_TO_RESULT,
    REQUEUED,
    JOURNAL_COMMIT,
    SPAN_RETRIES,
    PAGES_LOST,
    WORDS_LOST,
    DELIVERIES,
    PAGES,
    PAGE_SECONDS,
    PARSERS_RECYCLED,
)
