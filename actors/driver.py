"""The fleet for Python programs on the Ray cluster: documents in, Ray object references out."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import numpy as np
import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from actors.documents import DocumentBytes, document_bytes
from actors.errors import FleetUnavailable
from actors.formats import printable
from actors.handles.driver_calls import DriverClient
from actors.messages import FileTask, JobSpec
from actors.nodes import checked_metadata
from client.models import ParseOptions, UrlSource

if TYPE_CHECKING:
    from client.models import BatchParseResponse, JobStatusResponse, ParseResponse

#: A path, bytes in any form, a numpy array of uint8, or a Ray reference to bytes or to such an array.
Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | DocumentBytes | ray.ObjectRef[Any]"
Options: TypeAlias = ParseOptions | Mapping[str, Any] | None

UNNAMED = "document.pdf"


class Fleet:
    """A running application. Thread-safe, and may be passed to Ray tasks: each process makes its own connection.

    At most `max_in_flight` documents of one Fleet are parsed at once; beyond that, `parse` blocks.
    """

    def __init__(self, app: str, max_in_flight: int) -> None:
        if max_in_flight < 1:
            raise ValueError("max_in_flight must be at least 1")
        self._app = app
        self._max_in_flight = max_in_flight
        self._client = _client_of(app)
        self._id = uuid4().hex  # by which the dispatcher gives jobs and drivers fair turns
        self._count = itertools.count()
        self._turn = threading.Lock()
        self._in_flight: list[ray.ObjectRef[ParseResponse]] = []

    def __reduce__(self) -> tuple[Any, tuple[str, int]]:
        return (Fleet, (self._app, self._max_in_flight))

    def parse(
        self,
        source: Source,
        *,
        filename: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        options: Options = None,
        **option: Any,
    ) -> ray.ObjectRef[ParseResponse]:
        """Parse a document; returns a reference to its ParseResponse. `ray.get` raises FileError when parsing fails.

        A path is read in this process. `filename` tells the format; without it and without a path, the document is
        taken for a PDF. `option` are fields of ParseOptions. Raises OSError for a file that cannot be read, and
        TypeError or ValueError for invalid arguments.
        """
        name, document = _document(source, filename)
        task = FileTask(
            job_id=self._id,
            index=next(self._count),
            filename=name,
            size=0,  # unknown here: the document may be a reference
            options=_options(options, option),
            metadata=checked_metadata(metadata or {}),
        )
        with self._turn:
            if len(self._in_flight) >= self._max_in_flight:
                _, self._in_flight = ray.wait(self._in_flight, fetch_local=False)
            ref: ray.ObjectRef[ParseResponse] = self._client.call("parse", document, task)
            self._in_flight.append(ref)
        return ref

    def submit(
        self,
        files: Iterable[Source | UrlSource | tuple[str, Source | UrlSource]],
        *,
        metadata: Mapping[str, Any] | None = None,
        options: Options = None,
        **option: Any,
    ) -> str:
        """Make a durable job and return its id. The job goes on if this program ends.

        A pair is a file's name and its source. The server fetches a UrlSource after this call. Raises the errors of
        `parse`, FileError for an unsupported format and an invalid URL, QueueFull, and StoreUnavailable.
        """
        if isinstance(files, str | bytes | os.PathLike):
            raise TypeError("submit takes a list of files; put a single file into a list")
        named = [file if isinstance(file, tuple) else (None, file) for file in files]
        if not named:
            raise ValueError("a job needs at least one file")
        chosen, noted = _options(options, option), checked_metadata(metadata or {})
        job_id: str = ray.get(self._client.call("new_job_id"))
        try:
            # One at a time, so that a large batch does not fill the object store.
            stored = tuple(self._store(job_id, index, name, source) for index, (name, source) in enumerate(named))
        except BaseException:
            with suppress(FleetUnavailable):
                self._client.call("discard", job_id)
            raise
        spec = JobSpec(job_id=job_id, files=stored, options=chosen, submitted_at=time.time(), metadata=noted)
        submitted: str = ray.get(self._client.call("submit", spec))
        return submitted

    def status(self, job_id: str) -> ray.ObjectRef[JobStatusResponse]:
        """The job's status as a reference; `ray.get` raises JobNotFound, JobExpired."""
        return self._client.call("status", job_id)

    def results(self, job_id: str) -> ray.ObjectRef[BatchParseResponse]:
        """The job's results as a reference that is ready when the job ends.

        `ray.get` raises JobFailed, JobNotFound, JobExpired.
        """
        return self._client.call("results", job_id)

    def _store(self, job_id: str, index: int, filename: str | None, source: Source | UrlSource) -> Any:
        if isinstance(source, UrlSource):
            named = source.model_copy(update={"filename": filename or source.filename})
            return ray.get(self._client.call("remote_file", named, job_id, index))
        name, document = _document(source, filename)
        return ray.get(self._client.call("store", document, job_id, index, name))


def _client_of(app: str) -> DriverClient:
    """Connect to the Ray cluster if necessary. Raises FleetUnavailable when there is no cluster, or no `app` on it."""
    try:
        if not ray.is_initialized():
            ray.init(address="auto")  # join a running cluster, never start one
        serve.get_deployment_handle("Dispatcher", app)
    except ConnectionError as error:
        raise FleetUnavailable("No Ray cluster is running here: start one, or set RAY_ADDRESS") from error
    except (RayServeException, KeyError) as error:
        raise FleetUnavailable(f"No application '{app}' is running on this Ray cluster: deploy it first") from error
    except RayError as error:
        raise FleetUnavailable("Ray Serve's controller does not answer; please try again") from error
    return DriverClient(app)


def _document(source: Source, filename: str | None) -> tuple[str, DocumentBytes | ray.ObjectRef[Any]]:
    """A document's name, and its content as a reference or as an array, which Ray shares without a copy.

    Bytes in a path that are not UTF-8 become lone surrogates in Python, which `printable` replaces.
    """
    if isinstance(source, ray.ObjectRef):
        return printable(filename or UNNAMED), source
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return printable(filename or path.name), np.frombuffer(path.read_bytes(), np.uint8)
    return printable(filename or UNNAMED), np.frombuffer(document_bytes(source), np.uint8)


def _options(options: Options, fields: Mapping[str, Any]) -> ParseOptions:
    """Merge and validate the options. Raises pydantic's ValidationError, which is a ValueError."""
    given = options.model_dump(exclude_unset=True) if isinstance(options, ParseOptions) else dict(options or {})
    return ParseOptions.model_validate(given | dict(fields))
