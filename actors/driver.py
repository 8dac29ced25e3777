"""The fleet as a Python program on the Ray cluster uses it: documents in, Ray's own object references out."""

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

from actors.errors import FleetUnavailable
from actors.handles.driver_calls import DriverClient
from actors.messages import DocumentBytes, FileTask, JobSpec, document_bytes
from actors.nodes import checked_metadata
from client.models import ParseOptions

if TYPE_CHECKING:
    from client.models import BatchParseResponse, JobStatusResponse, ParseResponse

#: A path, bytes in any form, or the reference of bytes or of a numpy array of uint8.
Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | DocumentBytes | ray.ObjectRef[Any]"
Options: TypeAlias = ParseOptions | Mapping[str, Any] | None

UNNAMED = "document.pdf"


class Fleet:
    """A running application. May be used by several threads, and travels into tasks: each process connects itself.

    At most `max_in_flight` documents are parsed at once for one Fleet; `parse` waits for its turn.
    """

    def __init__(self, app: str, max_in_flight: int) -> None:
        if max_in_flight < 1:
            raise ValueError("max_in_flight must be at least 1")
        self._app = app
        self._max_in_flight = max_in_flight
        self._client = _client_of(app)
        self._id = uuid4().hex  # whose turn it is among jobs and other drivers
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
        """The reference of a document's ParseResponse; `ray.get` of it raises FileError when it cannot be parsed.

        A path is read here. Without `filename`, which tells the format, what has no path is taken for a PDF. `option`
        are fields of ParseOptions. Raises OSError, TypeError and ValueError for what cannot be sent.
        """
        name, document = _document(source, filename)
        task = FileTask(
            job_id=self._id,
            index=next(self._count),
            filename=name,
            size=0,  # only known where the document is
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
        files: Iterable[Source | tuple[str, Source]],
        *,
        metadata: Mapping[str, Any] | None = None,
        options: Options = None,
        **option: Any,
    ) -> str:
        """Make a durable job and return its id; the job goes on whatever becomes of this program.

        A pair is a file's name and its source. Raises what `parse` raises, FileError for a format that is not
        supported, QueueFull, StoreUnavailable.
        """
        if isinstance(files, str | bytes | os.PathLike):
            raise TypeError("submit takes a list of files")
        named = [file if isinstance(file, tuple) else (None, file) for file in files]
        if not named:
            raise ValueError("a job needs at least one file")
        job_id = str(uuid4())
        chosen, noted = _options(options, option), checked_metadata(metadata or {})
        try:
            # One after the other, so that a large batch does not fill the object store.
            stored = tuple(self._store(job_id, index, name, source) for index, (name, source) in enumerate(named))
        except BaseException:
            with suppress(FleetUnavailable):
                self._client.call("discard", job_id)
            raise
        spec = JobSpec(job_id=job_id, files=stored, options=chosen, submitted_at=time.time(), metadata=noted)
        submitted: str = ray.get(self._client.call("submit", spec))
        return submitted

    def status(self, job_id: str) -> ray.ObjectRef[JobStatusResponse]:
        """`ray.get` of it raises JobNotFound, JobExpired."""
        return self._client.call("status", job_id)

    def results(self, job_id: str) -> ray.ObjectRef[BatchParseResponse]:
        """Ready when the job has ended. `ray.get` of it raises JobFailed, JobNotFound, JobExpired."""
        return self._client.call("results", job_id)

    def _store(self, job_id: str, index: int, filename: str | None, source: Source) -> Any:
        name, document = _document(source, filename)
        return ray.get(self._client.call("store", document, job_id, index, name))


def _client_of(app: str) -> DriverClient:
    """Joins the Ray cluster if need be. Raises FleetUnavailable when there is none, or no `app` on it."""
    try:
        if not ray.is_initialized():
            ray.init(address="auto")  # never a cluster of its own
        serve.get_deployment_handle("Dispatcher", app)
    except ConnectionError as error:
        raise FleetUnavailable("There is no running Ray cluster: start one, or set RAY_ADDRESS") from error
    except (RayServeException, KeyError) as error:
        raise FleetUnavailable(f"There is no running application '{app}' on this Ray cluster") from error
    except RayError as error:
        raise FleetUnavailable("Serve's controller does not answer at present") from error
    return DriverClient(app)


def _document(source: Source, filename: str | None) -> tuple[str, DocumentBytes | ray.ObjectRef[Any]]:
    """What a document is called, and what is sent: an array, which Ray shares without copying it, or a reference."""
    if isinstance(source, ray.ObjectRef):
        return _label(filename or UNNAMED), source
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return _label(filename or path.name), np.frombuffer(path.read_bytes(), np.uint8)
    return _label(filename or UNNAMED), np.frombuffer(document_bytes(source), np.uint8)


def _label(filename: str) -> str:
    """A name that JSON can hold: bytes in a path that are no UTF-8 reach Python as half characters."""
    return filename.encode(errors="replace").decode()


def _options(options: Options, fields: Mapping[str, Any]) -> ParseOptions:
    """Both together, checked. Raises pydantic's ValidationError, which is a ValueError."""
    given = options.model_dump(exclude_unset=True) if isinstance(options, ParseOptions) else dict(options or {})
    return ParseOptions.model_validate(given | dict(fields))
