"""Checks the values of settings, and brings them into the form in which other processes take them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from actors.deliveries.payloads import parse_secrets
from actors.egress.guard import Hosts
from actors.endpoints import keys_of, parse_endpoints
from client.keys import parse_keys


def absolute(location: str) -> str:
    """Resolve a relative path in the folder where the service is started. Ray's processes run in other folders."""
    scheme, separator, path = location.rpartition("sqlite:///")
    if path.startswith(":memory:") or "://" in path:
        return location
    return f"{scheme}{separator}{Path(path).absolute()}"


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
