"""API keys: how they are made, and the file that a server reads them from. Needs nothing but Python itself.

A key file has one `name:hash` a line; empty lines and lines that begin with `#` say nothing. The hash is plain SHA-256:
slow, salted hashes protect words that people choose, and a key is 256 random bits that no dictionary holds.
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

PREFIX = "dfk_"  # so that people, and scanners for leaked secrets, know one when they see it
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")


class KeyFileError(ValueError):
    """What is wrong with keys or their file. Holds no line of it: somebody may have put a key there."""


def new_key() -> str:
    """256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """What is kept of a key."""
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
            raise KeyFileError(f"the API key '{name}' is there twice")
        keys[name] = value
    return keys


def read_keys(path: Path) -> dict[str, str]:
    """The keys of a file. Raises KeyFileError, OSError."""
    return parse_keys(path.read_text("utf-8"))


def add_key(path: Path, name: str) -> str:
    """Make a key and write its hash into the file. The key is nowhere but here. Raises KeyFileError, OSError."""
    if not NAME.fullmatch(name):
        raise KeyFileError("a key's name has up to 64 letters, digits, dots, dashes and underscores")
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
    """All or nothing: a server may read the file at this moment. Comments that somebody wrote into it are lost.

    Whoever could read it still can: it may be a server under another name. A new file is for its owner's eyes only.
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
