"""Checks the values of settings, and brings them into the form in which other processes take them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from actors.deliveries.payloads import parse_secrets
from actors.egress.guard import Hosts
from actors.endpoints import keys_of, parse_endpoints
from client.keys import parse_keys

#: The schemes of `BLOB_URL`, and all that obstore knows.
DOCUMENTED_STORES = ("s3", "gs", "az")
OBJECT_STORES = (*DOCUMENTED_STORES, "s3a", "azure", "adl", "abfs", "abfss", "memory")

#: `s3:/bucket` would be a folder named `s3:`.
_LOST_SLASH = re.compile(rf"({'|'.join(OBJECT_STORES)}):(?!//)")

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]+")


def absolute(location: str) -> str:
    """Resolve a relative path in the folder where the service is started. Ray's processes run in other folders.

    Raises ValueError for an empty one, which would be that folder itself.
    """
    if not location:
        raise ValueError("must not be empty")
    scheme, separator, path = location.rpartition("sqlite:///")
    if path.startswith(":memory:") or "://" in path:
        return location
    return f"{scheme}{separator}{Path(path).absolute()}"


def checked_database(url: str) -> str:
    """The URL as SQLAlchemy takes it. Raises ValueError for another database than SQLite and PostgreSQL."""
    scheme, _, rest = url.partition("://")
    if scheme in ("postgresql", "postgres"):  # as PostgreSQL's own programs and clouds write it
        return f"postgresql+psycopg://{rest}"
    if scheme not in ("sqlite", "postgresql+psycopg"):
        raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
    if scheme == "sqlite" and rest in ("", "/", "/:memory:"):
        raise ValueError("must name a file, as in sqlite:////data/journal.db: jobs in memory would be lost")
    return url


def checked_blobs(location: str) -> str:
    """The absolute path of a folder, or the URL of an object store. Raises ValueError for any other."""
    scheme, separator, rest = location.partition("://")
    if (separator and scheme not in OBJECT_STORES) or _LOST_SLASH.match(location):
        raise ValueError(f"must be a folder, or begin with {', '.join(f'{each}://' for each in DOCUMENTED_STORES)}")
    if separator and scheme != "memory" and not rest.strip("/"):
        raise ValueError(f"must name a bucket or container, as in {scheme}://bucket")
    return absolute(location)


def checked_origins(text: str) -> str:
    """Raises ValueError for what no browser sends as an origin, which would never match."""
    for origin in text.replace(",", " ").split():
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"'{origin}' is no origin: write scheme, host and port alone, as in https://app.example.org"
            )
    return text


def checked_destinations(text: str) -> str:
    Hosts.parse(text)
    return text


def checked_denied(text: str) -> str:
    Hosts.parse(without_star(text)[0])
    return text


def without_star(text: str) -> tuple[str, bool]:
    """The entries of a list but `*`, and whether it has that one."""
    entries = [entry.strip() for entry in text.split(",")]
    return ",".join(entry for entry in entries if entry != "*"), "*" in entries


def absolute_file(path: str) -> str:
    return str(Path(path).absolute()) if path else ""


def checked_keys(text: SecretStr) -> SecretStr:
    parse_keys(lines(text))
    return text


def lines(text: SecretStr) -> str:
    return "\n".join(text.get_secret_value().replace(",", " ").split())


def split_words(given: object) -> object:
    """Words separated by commas, as the environment gives them."""
    return given.replace(",", " ").split() if isinstance(given, str) else given


def as_json(given: object) -> object:
    """A mapping, as `args:` have it, as text."""
    return json.dumps(given) if isinstance(given, dict) else given


def checked_endpoints(text: str) -> str:
    """The endpoints as JSON, also those of a file: its path means nothing in other processes."""
    endpoints = parse_endpoints(text)
    keys_of(endpoints, os.environ)
    return json.dumps({name: each.model_dump(exclude_unset=True) for name, each in endpoints.items()})


def checked_secrets(text: SecretStr) -> SecretStr:
    parse_secrets(text.get_secret_value())
    return text


def downloaded_models() -> str | None:
    """The download folder of docling. Its code also names it, but importing docling takes seconds."""
    folder = Path.home() / ".cache" / "docling" / "models"
    return str(folder) if folder.is_dir() else None


Location = Annotated[str, AfterValidator(absolute)]
"""A folder's path, or a URL."""
