"""API keys: how to make them, and the file from which a server reads them. Uses the standard library only.

A key file has one `name:hash` per line; empty lines and lines that begin with `#` are ignored. The hash is plain
SHA-256: slow, salted hashes protect passwords that people choose, but a key is 256 random bits.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

PREFIX = "dfk_"  # lets people and secret scanners recognise a key
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")


class KeyFileError(ValueError):
    """Keys or their file are invalid. The message never quotes a line of the file, because it may hold a key."""


def new_key() -> str:
    """A new key of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """A key's hash, which the key file holds."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def parse_keys(text: str) -> dict[str, str]:
    """Hashes by name. Raises KeyFileError."""
    keys: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        name, _, value = line.partition(":")
        if not NAME.fullmatch(name):
            raise KeyFileError(f"line {number} of the API keys does not begin with a name and a colon")
        if not _HASH.fullmatch(value):
            raise KeyFileError(f"the API key '{name}' has no SHA-256 hash: 64 hexadecimal digits in lower case")
        if name in keys:
            raise KeyFileError(f"the API key '{name}' appears twice; remove one of the lines")
        keys[name] = value
    return keys


def read_keys(path: Path) -> dict[str, str]:
    """The keys of a file. Raises KeyFileError, OSError."""
    return parse_keys(path.read_text("utf-8"))


def add_key(path: Path, name: str) -> str:
    """Make a key, write its hash into the file, and return the key, which is stored nowhere.

    Raises KeyFileError, OSError.
    """
    if not NAME.fullmatch(name):
        raise KeyFileError(
            "a key's name begins with a letter or digit and has up to 64 letters, digits, dots, dashes and underscores"
        )
    keys = read_keys(path) if path.exists() else {}
    if name in keys:
        raise KeyFileError(f"there is a key '{name}' already; revoke it first, or choose another name")
    key = new_key()
    _write(path, {**keys, name: digest(key)})
    return key


def revoke_key(path: Path, name: str) -> None:
    """Remove a key from the file. Raises KeyFileError, OSError."""
    keys = read_keys(path)
    if name not in keys:
        raise KeyFileError(f"there is no key '{name}'")
    _write(path, {other: value for other, value in keys.items() if other != name})


def _write(path: Path, keys: Mapping[str, str]) -> None:
    """Replace the file atomically, because a server may be reading it. Comments in the file are lost.

    The file keeps its owner and mode, because the server may run as another user. A new file is readable by its owner
    only.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        if path.exists():
            old = path.stat()
            os.chown(temporary, old.st_uid, old.st_gid)
            Path(temporary).chmod(stat.S_IMODE(old.st_mode))
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{name}:{value}\n" for name, value in keys.items())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
