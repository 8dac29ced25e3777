"""Verify webhooks signed according to Standard Webhooks (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from client.errors import WebhookInvalid

TOLERANCE_S = 300.0
SECRET_PREFIX = "whsec_"


def verify_webhook(
    body: bytes | str, headers: Mapping[str, str], secret: str, *, tolerance: float = TOLERANCE_S
) -> dict[str, Any]:
    """Check a webhook's signature and age, and return its payload.

    `body` is the raw body, byte for byte as received. `secret` is base64, with or without the prefix `whsec_`.
    Raises `WebhookInvalid` when a header is missing, no signature matches, or the timestamp is more than `tolerance`
    seconds away from now. Raises a plain `ValueError` when the secret is invalid. The same webhook may arrive twice;
    compare `headers["webhook-id"]`.
    """
    key = _key(secret)
    raw = body.encode() if isinstance(body, str) else body
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, timestamp, signatures = (given[f"webhook-{part}"] for part in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise WebhookInvalid(f"the header {missing} is missing") from missing
    _check_age(timestamp, tolerance)
    signed = f"{message_id}.{timestamp}.".encode() + raw
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    if not any(hmac.compare_digest(expected, candidate) for candidate in _version_one(signatures)):
        raise WebhookInvalid("no signature matches")
    return _payload(raw)


def _check_age(timestamp: str, tolerance: float) -> None:
    try:
        age = int(time.time()) - int(timestamp)  # integers, because a float cannot hold every number that may be sent
    except ValueError as error:
        raise WebhookInvalid("the timestamp is not a number") from error
    if abs(age) > tolerance:
        raise WebhookInvalid("the timestamp is too old" if age > 0 else "the timestamp lies in the future")


def _version_one(signatures: str) -> list[bytes]:
    """The HMAC signatures of the header, which holds several during a change of secrets; others are skipped."""
    return [value.encode() for version, _, value in (s.partition(",") for s in signatures.split()) if version == "v1"]


def _key(secret: str) -> bytes:
    """The secret's bytes. Refuses an empty secret, as from an unset variable: anyone could sign with it."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("the secret is not base64") from error
    if not 24 <= len(key) <= 64:
        raise ValueError("the secret must be 24 to 64 bytes, in base64")
    return key


def _payload(raw: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(raw)
    except ValueError as error:
        raise WebhookInvalid("the body is not JSON") from error
    if not isinstance(payload, dict):
        raise WebhookInvalid("the body is not a JSON object")
    return payload
