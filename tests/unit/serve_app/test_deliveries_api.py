"""Callbacks and webhooks in the API: which addresses are refused, the list of deliveries, and sending them again."""

from __future__ import annotations

import base64

import pytest
from pydantic import ValidationError

from actors.delivery_messages import DeliveryReport
from client.models import DeliveryState
from serve_app.settings import Settings
from tests.unit.serve_app.service import MakeService, Service, form

A_FILE = ("a.md", b"text")
SECRET = base64.b64encode(bytes(24)).decode()


@pytest.mark.parametrize("field", ["callback_url", "webhook_url"])
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/", "leads to 127.0.0.1, which is not a public address"),
        ("http://[::ffff:10.0.0.1]/", "not a public address"),
        ("http://169.254.169.254/latest/meta-data", "not a public address"),
        ("http://2130706433/", "leads to 127.0.0.1"),
        ("http://me:secret@example.com/", "user name or password"),
        ("gopher://example.com/", "http or https"),
    ],
)
async def test_a_url_that_must_not_be_called_is_refused_at_submit(
    make_service: MakeService, field: str, url: str, reason: str
) -> None:
    service = await make_service(webhook_secret=SECRET)
    answer = await service.http.post("/submit", files=form(A_FILE), data={field: url})
    assert (answer.status_code, answer.json()["code"]) == (422, "callback_refused")
    assert answer.json()["detail"].startswith(field)
    assert reason in answer.json()["detail"]
    assert "secret" not in answer.text
    assert service.stored() == []


async def test_a_network_that_the_operator_allows_may_be_called(make_service: MakeService) -> None:
    service = await make_service(callback_allow="10.0.0.0/8")
    await service.submit(A_FILE, callback_url="http://10.1.2.3/hook")


async def test_webhooks_need_a_secret_to_sign_with(service: Service) -> None:
    answer = await service.http.post("/submit", files=form(A_FILE), data={"webhook_url": "https://example.com/"})
    assert (answer.status_code, answer.json()["code"]) == (422, "callback_refused")
    assert "WEBHOOK_SECRET" in answer.json()["detail"]


async def test_deliveries_are_listed_once_the_job_has_ended(make_service: MakeService) -> None:
    service = await make_service(webhook_secret=SECRET)
    urls = {"callback_url": "https://example.com/hook", "webhook_url": "https://example.com/events"}
    job_id = await service.submit(A_FILE, **urls)
    assert (await service.http.get(f"/jobs/{job_id}/deliveries")).json() == {"job_id": job_id, "deliveries": []}
    await service.worker.work()
    listed = (await service.http.get(f"/jobs/{job_id}/deliveries")).json()["deliveries"]
    assert [(delivery["kind"], delivery["url"], delivery["state"]) for delivery in listed] == [
        ("callback", "https://example.com/hook", "pending"),
        ("webhook", "https://example.com/events", "pending"),
    ]


async def test_a_job_without_a_url_has_no_deliveries(service: Service) -> None:
    job_id = await service.completed(A_FILE)
    for answer in (
        await service.http.get(f"/jobs/{job_id}/deliveries"),
        await service.http.post(f"/jobs/{job_id}/redeliver"),
    ):
        assert answer.json() == {"job_id": job_id, "deliveries": []}


async def test_redeliver_makes_a_delivery_that_was_given_up_due_at_once(service: Service) -> None:
    job_id = await service.completed(A_FILE, callback_url="https://example.com/hook")
    (delivery,) = await service.registry.due_deliveries(1)
    given_up = DeliveryReport(
        job_id=job_id, kind="callback", lease=delivery.lease, position=1, failed_attempts=10, state=DeliveryState.FAILED
    )
    await service.registry.delivery_progress(given_up)
    answer = await service.http.post(f"/jobs/{job_id}/redeliver")
    assert answer.status_code == 202
    (listed,) = answer.json()["deliveries"]
    assert (listed["state"], listed["messages_sent"], listed["failed_attempts"]) == ("pending", 1, 0)
    assert len(await service.registry.due_deliveries(1)) == 1


@pytest.mark.parametrize(("method", "path"), [("GET", "deliveries"), ("POST", "redeliver")])
async def test_deliveries_of_an_unknown_job_are_not_found(service: Service, method: str, path: str) -> None:
    answer = await service.http.request(method, f"/jobs/unknown/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("callback_allow", "10.0.0.0/33", "10.0.0.0/33"),
        ("callback_allow", "http://hooks.internal", "without scheme and port"),
        ("callback_allow", "hooks.internal:8080", "without scheme and port"),
        ("callback_allow", "*.internal", "no host name"),
        ("callback_allow", "hooks.internal/path", "no host name"),
        ("callback_allow", "[::1]", "no host name"),
        ("callback_allow", "bücher.internal", "no host name"),
        ("callback_allow", "::ffff:10.0.0.0/104", "write the IPv4 address"),
        ("callback_allow", "64:ff9b::a00:1", "write the IPv4 address"),
        ("webhook_secret", "hunter2", "24 to 64 bytes, in base64"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_the_start(setting: str, value: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason) as error:
        Settings(**{setting: value})
    assert "hunter2" not in str(error.value)
