"""Who is asking: API keys as they are sent, against the hashes that are kept of them."""

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

#: How long a change of the key file may stay unnoticed, in seconds.
KEYS_POLL_INTERVAL_S = 1.0


class ApiKeys:
    """The keys of a server. Without any configured everybody is let in, as nobody in particular."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises KeyFileError or OSError for a key file that cannot be used: better no server than an open one."""
        self._fixed = parse_keys(settings.api_keys_text)
        self._file = _WatchedFile(Path(settings.api_keys_file), clock) if settings.api_keys_file else None
        self.are_required = settings.requires_keys
        if not self.are_required:
            log.warning("no_api_keys", meaning="everybody who reaches this server may use it and see every job")

    def owner_of(self, key: str | None) -> str | None:
        """The name of a key; None when it is none. Takes as long for a key that is almost right as for any other."""
        if not self.are_required:
            return NOBODY
        if key is None:
            return None
        hashed = digest(key)
        known = {**(self._file.keys() if self._file else {}), **self._fixed}
        matches = [name for name, value in known.items() if hmac.compare_digest(value, hashed)]  # looks at all
        return matches[0] if matches else None


class _WatchedFile:
    """A key file's keys as they are now: who revokes a key does not restart servers."""

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
        """A file that cannot be read any more lets nobody in, rather than those whose keys may be revoked."""
        try:
            seen = _fingerprint(self._path)
            if seen != self._seen:
                self._keys, self._seen = read_keys(self._path), seen
        except (OSError, KeyFileError) as error:
            log.error("api_keys_unusable", file=str(self._path), reason=str(error))  # noqa: TRY400 - no news in a traceback
            self._keys, self._seen = {}, None


def _fingerprint(path: Path) -> tuple[int, int, int] | None:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
