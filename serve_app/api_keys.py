"""API keys: compares the key of a request with the stored hashes."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from actors.telemetry.logs import get_logger
from client.keys import KeyFileError, digest, parse_keys, read_keys
from serve_app.form_fields import NOBODY
from serve_app.settings import Settings

log = get_logger()

#: Seconds until a change of the key file takes effect, at most.
KEYS_POLL_INTERVAL_S = 1.0


class ApiKeys:
    """The keys of a server. Without a configured key, every caller is admitted as the anonymous owner."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises KeyFileError or OSError when the key file cannot be used: no server is better than an open one."""
        self._fixed = parse_keys(settings.api_keys_text)
        self._file = _WatchedFile(Path(settings.api_keys_file), clock) if settings.api_keys_file else None
        self.are_required = settings.requires_keys
        if not self.are_required:
            log.warning("no_api_keys", meaning="Everybody who can reach this server can use it and see every job")

    def owner_of(self, key: str | None) -> str | None:
        """The name of a key, or None when the key is unknown. Takes the same time for every wrong key."""
        if not self.are_required:
            return NOBODY
        if key is None:
            return None
        hashed = digest(key)
        known = {**(self._file.keys() if self._file else {}), **self._fixed}
        matches = [
            name for name, value in known.items() if hmac.compare_digest(value, hashed)
        ]  # compares with all of them
        return matches[0] if matches else None


class _WatchedFile:
    """The current keys of a key file. Revoking a key needs no restart."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._looked_at = clock()
        self._seen = _fingerprint(path)
        self._keys: Mapping[str, str] = read_keys(path)

    def keys(self) -> Mapping[str, str]:
        if self._clock() >= self._looked_at + KEYS_POLL_INTERVAL_S:
            self._looked_at = self._clock()
            self._look()
        return self._keys

    def _look(self) -> None:
        """Read the file again if it has changed. If it cannot be read, admit nobody: any key may have been revoked."""
        try:
            seen = _fingerprint(self._path)
            if seen != self._seen:
                self._keys, self._seen = read_keys(self._path), seen
        except (OSError, KeyFileError) as error:
            log.error("api_keys_unusable", file=str(self._path), reason=str(error))  # noqa: TRY400 - a traceback adds nothing
            self._keys, self._seen = {}, None


def _fingerprint(path: Path) -> tuple[int, int, int] | None:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
