"""Webhooks: accepted only with a valid and recent signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest

from client import WebhookInvalid, verify_webhook

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = json.dumps({"type": "job.completed", "data": {"job_id": "j1"}}).encode()


def headers(body: bytes = BODY, *, key: bytes = KEY, at: float | None = None) -> dict[str, str]:
    """The headers that a sender with `key` adds to `body`, computed from the specification instead of our code."""
    stamp = str(int(time.time() if at is None else at))
    mac = hmac.new(key, b"msg_1." + stamp.encode() + b"." + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(mac).decode()
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": stamp, "Webhook-Signature": signature}


def test_specifications_own_example_is_accepted() -> None:
    signed = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    payload = verify_webhook('{"test": 2432232314}', signed, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", tolerance=1e12)
    assert payload == {"test": 2432232314}


def test_signed_body_is_returned_as_its_payload() -> None:
    assert verify_webhook(BODY, headers(), SECRET)["data"] == {"job_id": "j1"}


def test_secret_may_come_without_its_prefix() -> None:
    assert verify_webhook(BODY, headers(), SECRET.removeprefix("whsec_"))


def test_one_matching_signature_of_several_is_enough() -> None:
    both = headers()
    both["Webhook-Signature"] = f"v1a,{'A' * 44} v1,{'A' * 44} {both['Webhook-Signature']}"
    assert verify_webhook(BODY, both, SECRET)


def test_changed_body_is_refused() -> None:
    with pytest.raises(WebhookInvalid, match="no signature matches"):
        verify_webhook(BODY.replace(b"j1", b"j2"), headers(), SECRET)


def test_other_key_is_refused() -> None:
    with pytest.raises(WebhookInvalid, match="no signature matches"):
        verify_webhook(BODY, headers(key=b"x" * 32), SECRET)


@pytest.mark.parametrize(("age", "reason"), [(301, "too old"), (-301, "future")])
def test_stale_or_early_timestamp_is_refused(age: float, reason: str) -> None:
    with pytest.raises(WebhookInvalid, match=reason):
        verify_webhook(BODY, headers(at=time.time() - age), SECRET)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_missing_header_is_named(name: str) -> None:
    with pytest.raises(WebhookInvalid, match=name.lower()):
        verify_webhook(BODY, {key: value for key, value in headers().items() if key != name}, SECRET)


@pytest.mark.parametrize(
    "change",
    [
        {"Webhook-Timestamp": "noon"},
        {"Webhook-Timestamp": "9" * 400},
        {"Webhook-Timestamp": "-" + "9" * 400},
        {"Webhook-Signature": "v1"},
        {"Webhook-Id": ""},
    ],
)
def test_malformed_header_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(WebhookInvalid):
        verify_webhook(BODY, headers() | change, SECRET)


@pytest.mark.parametrize("body", [b"not json", b"[1]"])
def test_signed_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookInvalid, match="the body is not"):
        verify_webhook(body, headers(body), SECRET)


def test_secret_that_is_not_base64_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="secret is not base64"):
        verify_webhook(BODY, headers(), "whsec_?!")


@pytest.mark.parametrize("key", [b"", b"x" * 23, b"x" * 65])
def test_no_webhook_is_believed_under_a_secret_that_is_none(key: bytes) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes") as refusal:
        verify_webhook(BODY, headers(key=key), "whsec_" + base64.b64encode(key).decode())
    assert not isinstance(refusal.value, WebhookInvalid)  # it is nothing that a sender did
