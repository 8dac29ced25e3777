"""What is checked before the service starts on a machine of its own, in words for its operator.

Ray would find the same mistakes later, one process after the other, and would try again and again.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from client.keys import read_keys
from serve_app.settings import Settings

#: Connections that Serve allows HAProxy, and how many by default. Each takes two sockets, and every fourth a pipe with
#: two ends. HAProxy does not start where it may not open so many files, and some more for itself.
CONNECTIONS = "RAY_SERVE_HAPROXY_MAXCONN"
DEFAULT_CONNECTIONS = 4096
FILES_OF_A_CONNECTION = 2.5
OTHER_FILES = 100

#: pydantic's error for a default that is computed from other settings, when one of those is wrong.
_FOLLOWS = "default_factory_not_called"


class CannotStart(Exception):
    """The service cannot run with its settings. The message is for its operator."""


def read_settings() -> Settings:
    """The settings of the environment. Raises CannotStart with a line for each that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        lines = [_line(each["loc"], each["msg"]) for each in wrong if each["type"] != _FOLLOWS]
        raise CannotStart("\n".join(lines)) from None


def _line(where: tuple[str | int, ...], message: str) -> str:
    name = f"{where[0]}: ".upper() if where else ""
    return name + message.removeprefix("Value error, ")


def check_files(settings: Settings) -> None:
    """Raises CannotStart when a file or folder that a setting names cannot be used."""
    if reason := next(_unusable(settings), None):
        raise CannotStart(reason)


def _unusable(settings: Settings) -> Iterator[str]:
    if settings.api_keys_file:
        try:
            read_keys(Path(settings.api_keys_file))
        except (OSError, ValueError) as error:
            yield f"API_KEYS_FILE={settings.api_keys_file} cannot be used: {_reason(error)}"
    for name, folder in (
        ("TOKENIZERS_DIR", settings.tokenizers_dir),
        ("DOCLING_ARTIFACTS_PATH", settings.docling_artifacts_path),
    ):
        if folder and not Path(folder).is_dir():
            yield f"{name}={folder} is not a folder"
    if settings.is_local:
        yield from _unwritable("STATE_DIR", settings.state_dir)
    if settings.bucket is None:
        yield from _unwritable("BLOB_URL", settings.blob_url)


def _unwritable(name: str, folder: str) -> Iterator[str]:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        yield f"{name}={folder} cannot be made: {_reason(error)}"
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield f"{name}={folder} is a folder in which this user may not write"


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def check_open_files() -> None:
    """Raises CannotStart when HAProxy could not open as many files as it asks for."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = int(os.environ.get(CONNECTIONS) or DEFAULT_CONNECTIONS)
    needed = int(FILES_OF_A_CONNECTION * connections) + OTHER_FILES
    if most != resource.RLIM_INFINITY and most < needed:
        raise CannotStart(
            f"A process may open {most} files here, and HAProxy needs {needed}. Raise the hard limit (ulimit -Hn), or "
            f"set {CONNECTIONS} lower than {connections}"
        )


def check_journal(settings: Settings) -> None:
    """Raises CannotStart when a journal of the service cannot be used, or its database does not answer for half a
    minute."""
    from actors.registry.journal import Journal, JournalUnusable  # not above: a replica that only imports this saves it
    from actors.registry.opening import open_patiently

    for shard in range(settings.registry_shards):
        journal = Journal(settings.database_url, shard)
        try:
            open_patiently(journal)
        except JournalUnusable as error:
            raise CannotStart(str(error)) from None
        finally:
            journal.close()


def check_room(settings: Settings, resources: Mapping[str, float]) -> None:
    """Raises CannotStart when the parsers that are always kept do not fit into the `resources` of Ray's cluster."""
    kept = max(1, settings.parser_min_replicas)
    for name, variable, each in (
        ("CPU", "PARSER_NUM_CPUS", settings.parser_num_cpus),
        ("GPU", "PARSER_NUM_GPUS", settings.parser_num_gpus),
    ):
        there = resources.get(name, 0.0)
        if kept * each > there:
            raise CannotStart(
                f"PARSER_MIN_REPLICAS={settings.parser_min_replicas} with {variable}={each:g} needs {kept * each:g} "
                f"{name}s at once, and this machine has {there:g}. Set one of them lower"
            )
