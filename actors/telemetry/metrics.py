"""Every metric of docfleet, defined once, for dashboards and alerts.

Recording needs no Ray: `export_to` connects a process to an exporter, and without one the values are dropped. Each
combination of label values is a time series for ever, so a label has few values, all listed here, and never an id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from actors.job_ids import MAX_SHARDS

Kind = Literal["counter", "gauge", "histogram"]
Room = Literal["registry", "dispatcher", "parser", "remote_models"]

#: Histogram buckets, in seconds: from a page of text to a job that waited for an hour.
_SHORT = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
_PAGES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_JOBS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)

_PROFILES = ("standard", "bundled", "native", "vlm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`labels` maps each label to its possible values. `room` names the processes that record the metric."""

    name: str
    kind: Kind
    room: Room
    help: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()

    def record(self, value: float = 1, **labels: str) -> None:
        """Add to a counter, set a gauge, or observe a histogram value. Takes microseconds; safe from any thread."""
        _recorder.record(self, value, labels)


class Recorder(Protocol):
    """An exporter of metrics."""

    def record(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None: ...


class _Nowhere:
    def record(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        """This process exports no metrics."""


NOWHERE = _Nowhere()
_recorder: Recorder = NOWHERE


def export_to(recorder: Recorder) -> None:
    """Send this process' metrics to `recorder` from now on."""
    global _recorder
    _recorder = recorder


# -- the registry ---------------------------------------------------------------------------------------------------

JOBS = Metric(
    name="docfleet_jobs",
    kind="gauge",
    room="registry",
    help="Unfinished jobs, by state and by the registry that has them",
    labels={"state": ("queued", "running"), "shard": tuple(map(str, range(MAX_SHARDS)))},
)
OLDEST_QUEUED = Metric(
    name="docfleet_oldest_queued_job_age_seconds",
    kind="gauge",
    room="registry",
    help="Age of the oldest queued job; 0 when the queue is empty",
)
TIME_IN_QUEUE = Metric(
    name="docfleet_job_queue_seconds",
    kind="histogram",
    room="registry",
    help="Time from a job's submit to its first claim",
    buckets=_JOBS,
)
TIME_TO_RESULT = Metric(
    name="docfleet_job_seconds",
    kind="histogram",
    room="registry",
    help="Time from a job's submit to its end; the count is the number of ended jobs",
    labels={"state": ("completed", "failed", "cancelled")},
    buckets=_JOBS,
)
REQUEUED = Metric(
    name="docfleet_jobs_requeued_total",
    kind="counter",
    room="registry",
    help="Running jobs that were queued again because their dispatcher left or stopped reporting",
)
JOURNAL_COMMIT = Metric(
    name="docfleet_journal_commit_seconds",
    kind="histogram",
    room="registry",
    help="Duration of one journal transaction; changes that arrive together share one",
    buckets=_SHORT,
)

# -- dispatchers ----------------------------------------------------------------------------------------------------

SPAN_RETRIES = Metric(
    name="docfleet_span_retries_total",
    kind="counter",
    room="dispatcher",
    help="Parser calls without a result, by reason; each is retried, and split down to single pages",
    labels={"reason": ("died", "hung", "failed")},
)
PAGES_LOST = Metric(
    name="docfleet_pages_lost_total",
    kind="counter",
    room="dispatcher",
    help="Pages without a result because every parser that tried them died or hung",
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
    help="Delivery attempts, by outcome",
    labels={"kind": ("callback", "webhook"), "outcome": ("delivered", "retried", "given_up")},
)
SOURCES_FETCHED = Metric(
    name="docfleet_sources_fetched_total",
    kind="counter",
    room="dispatcher",
    help="Files that were to be fetched from a URL, by outcome; retries of one file count once",
    labels={"outcome": ("fetched", "refused", "denied", "not_found", "too_large", "failed")},
)
SOURCE_SECONDS = Metric(
    name="docfleet_source_fetch_seconds",
    kind="histogram",
    room="dispatcher",
    help="Time to fetch a file from its URL, with the retries, also of one that could not be fetched",
    buckets=_PAGES,
)

# -- parsers --------------------------------------------------------------------------------------------------------

PAGES = Metric(
    name="docfleet_pages_total",
    kind="counter",
    room="parser",
    help="Pages handled by parsers, by outcome; a file without pages counts as one; failed pages have no result",
    labels={"profile": _PROFILES, "outcome": ("parsed", "failed")},
)
PAGE_SECONDS = Metric(
    name="docfleet_page_parse_seconds",
    kind="histogram",
    room="parser",
    help="Parse time per page: the time of a span or file divided by its pages",
    labels={"profile": _PROFILES},
    buckets=_PAGES,
)
PARSERS_RECYCLED = Metric(
    name="docfleet_parsers_recycled_total",
    kind="counter",
    room="parser",
    help="Parser replicas that asked to be replaced: after their page quota, or because memory or threads leak",
)
SPARES_STARTED = Metric(
    name="docfleet_parser_spares_started_total",
    kind="counter",
    room="parser",
    help="Spare processes that parsers started, for calls that would wait behind one that is stuck or long",
)

# -- remote models --------------------------------------------------------------------------------------------------

MODEL_REQUESTS = Metric(
    name="docfleet_model_requests_total",
    kind="counter",
    room="remote_models",
    help="Requests to remote models, by outcome; failed ones may pass and are repeated, refused ones are not",
    labels={"outcome": ("answered", "refused", "failed", "silent", "unavailable")},
)
MODEL_SECONDS = Metric(
    name="docfleet_model_request_seconds",
    kind="histogram",
    room="remote_models",
    help="Time that a remote model takes for one request",
    buckets=_PAGES,
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
    SOURCES_FETCHED,
    SOURCE_SECONDS,
    PAGES,
    PAGE_SECONDS,
    PARSERS_RECYCLED,
    SPARES_STARTED,
    MODEL_REQUESTS,
    MODEL_SECONDS,
)
