"""Access control: keys, owners, limits, and headers for browsers."""

from __future__ import annotations

import hmac
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from client.keys import KeyFileError, add_key, digest, revoke_key
from serve_app.api_keys import ApiKeys
from serve_app.auth import OPEN_PATHS
from serve_app.rate_limit import RateLimit
from serve_app.settings import Settings
from tests.unit.serve_app.service import MakeService, Service, form

ALICE, BOB = "dfk_alices", "dfk_bobs"
KEYS = f"alice:{digest(ALICE)},bob:{digest(BOB)}"
AS_ALICE = {"Authorization": f"Bearer {ALICE}"}
AS_BOB = {"X-API-Key": BOB}

NEEDED, WRONG = "Send an API key as Authorization: Bearer KEY or X-API-Key: KEY", "The API key is wrong or revoked"
INVALID = 'Bearer error="invalid_token"'


@pytest.fixture
async def guarded(make_service: MakeService) -> Service:
    return await make_service(api_keys=KEYS)


async def alices_job(service: Service, *, completed: bool = False) -> str:
    answer = await service.http.post("/submit", files=form(("a.md", b"# A")), headers=AS_ALICE)
    if completed:
        await service.worker.work()
    return str(answer.json()["job_id"])


# -- keys -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [AS_ALICE, {"Authorization": f"bearer  {ALICE}"}, {"X-API-Key": ALICE}])
async def test_a_key_may_come_in_either_header(guarded: Service, headers: dict[str, str]) -> None:
    assert (await guarded.http.get("/jobs", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "detail", "challenge"),
    [
        ({}, NEEDED, "Bearer"),
        (
            {"Authorization": f"Basic {ALICE}"},
            NEEDED,
            "Bearer",
        ),
        ({"Authorization": "Bearer "}, NEEDED, "Bearer"),
        ({"X-API-Key": ""}, NEEDED, "Bearer"),
        ({"X-API-Key": "dfk_wrong"}, WRONG, INVALID),
        ({"X-API-Key": digest(ALICE)}, WRONG, INVALID),
        ({"X-API-Key": "é"}, WRONG, INVALID),
        ({"Authorization": "Bearer wrong", "X-API-Key": ALICE}, WRONG, INVALID),
    ],
)
async def test_without_a_key_that_is_known_nothing_is_answered(
    guarded: Service, headers: dict[str, str], detail: str, challenge: str
) -> None:
    answer = await guarded.http.get("/jobs", headers={name: value.encode() for name, value in headers.items()})
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (401, "unauthorized", detail)
    assert answer.headers["WWW-Authenticate"] == challenge
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


async def test_a_key_in_the_url_is_none(guarded: Service) -> None:
    answer = await guarded.http.get("/jobs", params={"api_key": ALICE, "X-API-Key": ALICE})
    assert answer.status_code == 401


async def test_every_route_but_the_probes_and_the_description_wants_a_key(guarded: Service) -> None:
    described = (await guarded.http.get("/openapi.json")).json()["paths"]
    asked = [(method, path) for path, operations in described.items() for method in operations]
    asked += [
        ("get", "/docs"),
        ("get", "/nothing/here"),
        ("get", "/jobs/"),
        ("get", "//jobs"),
        ("get", "/livez/../jobs"),
    ]
    status = {path: (await guarded.http.request(method, path)).status_code for method, path in asked}
    assert {path for path, code in status.items() if code == 401} == set(status) - OPEN_PATHS
    assert {status[path] for path in OPEN_PATHS if path in status} == {200}


async def test_nothing_is_stored_of_an_upload_without_a_key(guarded: Service) -> None:
    for path in ("/submit", "/parse"):
        answer = await guarded.http.post(path, files=form(("a.md", b"# A" * 1000)))
        assert answer.status_code == 401
    assert guarded.stored() == []


async def test_without_keys_everybody_is_let_in_and_the_log_says_so(make_service: MakeService) -> None:
    with capture_logs() as logs:
        service = await make_service()
        assert (await service.http.get("/jobs", headers={"X-API-Key": "any"})).status_code == 200
    [entry] = [entry for entry in logs if entry["event"] == "no_api_keys"]
    assert entry["log_level"] == "warning"


async def test_with_keys_the_log_says_nothing_of_open_doors(make_service: MakeService) -> None:
    with capture_logs() as logs:
        await make_service(api_keys=KEYS)
    assert "no_api_keys" not in [entry["event"] for entry in logs]


async def test_every_known_hash_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []
    compare = hmac.compare_digest

    def noted(one: str, other: str) -> bool:
        compared.append((one, other))
        return compare(one, other)

    keys = ApiKeys(Settings(api_keys=KEYS))
    monkeypatch.setattr("serve_app.api_keys.hmac", SimpleNamespace(compare_digest=noted))
    assert [keys.owner_of(key) for key in (ALICE, BOB, "wrong")] == ["alice", "bob", None]
    assert len(compared) == 6  # both, whichever fits


# -- the key file -----------------------------------------------------------------------------------------------


class Watched:
    """An ApiKeys over a file, and its clock."""

    def __init__(self, path: Path) -> None:
        self.now = 0.0
        self.keys = ApiKeys(Settings(api_keys_file=str(path)), lambda: self.now)

    def owner_later(self, key: str) -> str | None:
        self.now += 1.0
        return self.keys.owner_of(key)


def test_a_running_server_follows_its_key_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    first = add_key(path, "alice")
    watched = Watched(path)
    assert watched.keys.owner_of(first) == "alice"
    second = add_key(path, "bob")
    assert watched.keys.owner_of(second) is None  # not looked at for every request
    assert watched.owner_later(second) == "bob"
    revoke_key(path, "alice")
    assert watched.owner_later(first) is None
    assert watched.owner_later(second) == "bob"


@pytest.mark.parametrize("broken", ["not a key file", "", None], ids=["nonsense", "empty", "gone"])
def test_a_key_file_that_breaks_lets_nobody_in_until_it_is_whole_again(tmp_path: Path, broken: str | None) -> None:
    path = tmp_path / "keys"
    key = add_key(path, "alice")
    whole = path.read_text()
    watched = Watched(path)
    if broken is None:
        path.unlink()
    else:
        path.write_text(broken)
    with capture_logs() as logs:
        assert watched.owner_later(key) is None
    assert [entry["event"] for entry in logs] == ([] if broken == "" else ["api_keys_unusable"])
    path.write_text(whole)
    assert watched.owner_later(key) == "alice"


def test_keys_of_the_environment_hold_beside_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    key = add_key(path, "carol")
    keys = ApiKeys(Settings(api_keys=KEYS, api_keys_file=str(path)))
    assert [keys.owner_of(sent) for sent in (ALICE, key)] == ["alice", "carol"]


@pytest.mark.parametrize("text", [None, "nonsense"])
def test_a_server_whose_key_file_cannot_be_used_does_not_start(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "keys"
    if text:
        path.write_text(text)
    with pytest.raises((OSError, KeyFileError)):
        ApiKeys(Settings(api_keys_file=str(path)))


@pytest.mark.parametrize("wrong", ["alice", f"alice:{ALICE}", f":{digest(ALICE)}", f"a b:{digest(ALICE)}"])
def test_a_setting_that_holds_no_hashes_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(ValueError, match="API key") as refused:
        Settings(api_keys=wrong)
    assert ALICE not in str(refused.value)


def test_settings_do_not_show_their_keys() -> None:
    assert digest(ALICE) not in repr(Settings(api_keys=KEYS))


# -- owners -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "?wait=1"), ("GET", "/results"), ("GET", "/results?format=markdown"),
     ("GET", "/results?format=zip"), ("GET", "/events"), ("GET", "/deliveries"), ("POST", "/redeliver"),
     ("POST", "/cancel"), ("DELETE", "")],
)  # fmt: skip
@pytest.mark.parametrize("completed", [False, True], ids=["queued", "completed"])
async def test_another_callers_job_is_404(guarded: Service, method: str, path: str, completed: bool) -> None:
    job_id = await alices_job(guarded, completed=completed)
    answers = [await guarded.http.request(method, f"/jobs/{asked}{path}", headers=AS_BOB) for asked in (job_id, "none")]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "job_not_found")] * 2
    assert (
        answers[0].text.replace(job_id, "none").partition('"request_id"')[0]
        == (answers[1].text.partition('"request_id"')[0])
    )  # nothing tells them apart
    assert (await guarded.http.get(f"/jobs/{job_id}", headers=AS_ALICE)).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/results"), ("POST", "/cancel"), ("DELETE", "")])
async def test_that_a_job_has_expired_is_told_to_its_owner_alone(guarded: Service, method: str, path: str) -> None:
    job_id = await alices_job(guarded, completed=True)
    await guarded.registry.forget([job_id])
    answers = [await guarded.http.request(method, f"/jobs/{job_id}{path}", headers=who) for who in (AS_ALICE, AS_BOB)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (410, "job_expired"),
        (404, "job_not_found"),
    ]
    assert (await guarded.http.get("/jobs", params={"ids": job_id}, headers=AS_BOB)).json()["jobs"] == []


async def test_only_ones_own_jobs_are_listed(guarded: Service) -> None:
    own, other = await alices_job(guarded), "none"
    for params in ({}, {"ids": f"{own},{other}"}, {"status": "pending"}):
        lists = [(await guarded.http.get("/jobs", params=params, headers=who)).json() for who in (AS_ALICE, AS_BOB)]
        assert [[job["job_id"] for job in listed["jobs"]] for listed in lists] == [[own], []]


async def test_two_callers_may_use_the_same_idempotency_key(guarded: Service) -> None:
    answers = [
        await guarded.http.post("/submit", files=form(("a.md", text)), headers={**who, "Idempotency-Key": "k"})
        for who, text in ((AS_ALICE, b"# A"), (AS_BOB, b"# B"), (AS_ALICE, b"# A"))
    ]
    ids = [answer.json()["job_id"] for answer in answers]
    assert ids[0] == ids[2] != ids[1]


async def test_no_key_is_ever_logged_stored_or_answered(guarded: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(job_id: str) -> None:
        raise ZeroDivisionError

    said = ""
    with capture_logs() as logs:
        for headers in (AS_ALICE, {"X-API-Key": f"{ALICE}x"}):
            answer = await guarded.http.post("/submit", files=form(("a.md", b"# A")), headers=headers)
            said += answer.text + str(answer.headers)
        monkeypatch.setattr(guarded.registry, "get", fail)
        answer = await guarded.http.get("/jobs/x", headers=AS_ALICE)
        assert answer.status_code == 500
        said += answer.text + str(answer.headers)
    assert logs
    assert ALICE not in said + str(logs)
    for file in guarded.folder.rglob("*"):
        assert not file.is_file() or ALICE.encode() not in file.read_bytes()


# -- limits -----------------------------------------------------------------------------------------------------


async def test_a_key_with_too_many_waiting_jobs_is_told_to_come_back_and_others_are_not(
    make_service: MakeService,
) -> None:
    service = await make_service(api_keys=KEYS, key_max_queued_jobs=2)
    answers = [await service.http.post("/submit", files=form(("a.md", b"# A")), headers=AS_ALICE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    body = answers[2].json()
    assert (body["code"], body["detail"], answers[2].headers["Retry-After"]) == (
        "too_many_requests",
        "This API key has 2 jobs waiting, which is its limit; please try again later",
        "5",
    )
    assert len(service.stored("inputs")) == 2
    assert (await service.http.post("/submit", files=form(("a.md", b"# A")), headers=AS_BOB)).status_code == 202
    await service.worker.work()
    assert (await service.http.post("/submit", files=form(("a.md", b"# A")), headers=AS_ALICE)).status_code == 202


async def test_a_key_with_too_many_waiting_bytes_is_told_to_come_back(make_service: MakeService) -> None:
    service = await make_service(api_keys=KEYS, key_max_queued_bytes=10_000)
    answers = [
        await service.http.post("/submit", files=form(("a.md", b"x" * size)), headers=who)
        for size, who in ((6_000, AS_ALICE), (5_000, AS_ALICE), (4_000, AS_ALICE), (9_000, AS_BOB))
    ]
    assert [answer.status_code for answer in answers] == [202, 429, 202, 202]
    body = answers[1].json()
    assert (body["code"], body["detail"]) == (
        "too_many_requests",
        "This API key's waiting jobs may hold 10000 bytes together; please try again later",
    )


async def test_a_key_that_asks_too_often_is_told_to_come_back_and_others_are_not(make_service: MakeService) -> None:
    service = await make_service(api_keys=KEYS, key_requests_per_s=0.001)
    answers = [await service.http.get("/jobs", headers=who) for who in (AS_ALICE, AS_ALICE, AS_BOB)]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    body = answers[1].json()
    assert (body["code"], body["detail"]) == (
        "too_many_requests",
        "This API key has sent too many requests. Try again after the seconds in Retry-After",
    )
    assert int(answers[1].headers["Retry-After"]) in (999, 1000)
    assert (await service.http.get("/livez")).status_code == 200


def test_a_bucket_fills_at_its_rate_and_not_beyond_a_seconds_worth() -> None:
    now = 0.0
    limit = RateLimit(4.0, lambda: now)
    assert [limit.wait_for("a") for _ in range(5)] == [0, 0, 0, 0, 0.25]
    assert limit.wait_for("b") == 0
    now = 0.25
    assert [limit.wait_for("a"), limit.wait_for("a")] == [0, 0.25]
    now = 100.0
    assert [limit.wait_for("a") for _ in range(5)] == [0, 0, 0, 0, 0.25]


def test_a_rate_below_one_still_lets_one_through() -> None:
    limit = RateLimit(0.5, lambda: 0.0)
    assert [limit.wait_for("a"), limit.wait_for("a")] == [0, 2.0]


# -- browsers ---------------------------------------------------------------------------------------------------

PREFLIGHT = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}


async def test_other_sites_may_not_call_unless_they_are_named(guarded: Service) -> None:
    answers = [
        await guarded.http.options("/submit", headers=PREFLIGHT),
        await guarded.http.get("/jobs", headers={**AS_ALICE, "Origin": "https://app.example"}),
    ]
    assert [name for answer in answers for name in answer.headers if name.startswith("access-control")] == []


async def test_a_site_that_is_named_may_call(make_service: MakeService) -> None:
    service = await make_service(api_keys=KEYS, cors_origins="https://app.example, https://other.example")
    asked = await service.http.options("/submit", headers=PREFLIGHT)
    answered = await service.http.get("/jobs", headers={"Origin": "https://app.example"})
    stranger = await service.http.get("/jobs", headers={"Origin": "https://evil.example"})
    assert asked.status_code == 200
    allowed = [answer.headers.get("Access-Control-Allow-Origin") for answer in (asked, answered, stranger)]
    assert allowed == ["https://app.example", "https://app.example", None]
    assert answered.status_code == 401  # and can be read by the page
    assert "Access-Control-Allow-Credentials" not in answered.headers


async def test_the_docs_page_runs_its_own_script_and_no_other(service: Service) -> None:
    answer = await service.http.get("/docs")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["connect-src"], policy["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    assert "unsafe-inline" not in policy["script-src"]
    assert "'sha256-" in policy["script-src"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "'openapi.json'" in answer.text


# -- several jobs at once ---------------------------------------------------------------------------------------


async def test_jobs_can_be_asked_for_by_their_ids(service: Service) -> None:
    ids = [await service.submit((f"{n}.md", b"# A")) for n in range(3)]
    answer = await service.http.get("/jobs", params={"ids": f"{ids[0]}, {ids[2]},unknown,,{ids[0]}"})
    assert [job["job_id"] for job in answer.json()["jobs"]] == [ids[2], ids[0]]
    assert answer.json()["next_cursor"] is None


async def test_ids_and_status_both_have_to_fit(service: Service) -> None:
    done, waiting = await service.completed(("a.md", b"# A")), await service.submit(("b.md", b"# B"))
    answer = await service.http.get("/jobs", params={"ids": f"{done},{waiting}", "status": "completed"})
    assert [job["job_id"] for job in answer.json()["jobs"]] == [done]


async def test_too_many_ids_are_refused(service: Service) -> None:
    answer = await service.http.get("/jobs", params={"ids": ",".join(map(str, range(101)))})
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
        422, "invalid_request", "ids must name at most 100 jobs",
    )  # fmt: skip


async def test_a_status_links_to_what_can_be_done_next(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    before = (await service.http.get(f"/jobs/{job_id}")).json()["links"]
    await service.worker.work()
    after = (await service.http.get(f"/jobs/{job_id}")).json()["links"]
    assert before == after | {"cancel": f"/jobs/{job_id}/cancel"}
    for name in ("self", "events", "results", "deliveries"):
        assert (await service.http.get(after[name])).status_code == 200
