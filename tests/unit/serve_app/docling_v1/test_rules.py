"""The nineteen rules by which docling-serve's clients are served, each by its number."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import zipfile

import pytest
from structlog.testing import capture_logs

from client.keys import digest
from client.models import ErrorCode
from serve_app.docling_v1.errors import TASK_NOT_FOUND
from serve_app.docling_v1.requests import NO_PRESIGNED_URLS
from tests.fakes import LISTED
from tests.unit.serve_app.docling_v1.calls import DOCUMENT, converted, finished, result, source, submitted
from tests.unit.serve_app.docling_v1.sockets import connected
from tests.unit.serve_app.service import MakeService, Service, form, soon

FILES = form(DOCUMENT)
KEYS = f"me:{digest('mine')},them:{digest('theirs')}"


async def queued(service: Service) -> int:
    return (await service.registry.stats()).queued


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/convert/source", 422),
        ("POST", "/v1/convert/source/async", 422),
        ("POST", "/v1/convert/file", 422),
        ("POST", "/v1/convert/file/async", 422),
        *(
            (("POST", f"/v1/chunk/{chunker}/{where}", 422))
            for chunker in ("hybrid", "hierarchical", "none")
            for where in ("source", "source/async", "file", "file/async")
        ),
        ("GET", "/v1/status/poll/none", 404),
        ("GET", "/v1/result/none", 404),
        ("GET", "/v1/clear/converters", 200),
        ("GET", "/v1/clear/results", 200),
        ("GET", "/ready", 200),
        ("GET", "/version", 200),
        ("GET", "/v1/capabilities", 200),
        ("HEAD", "/docs", 200),
    ],
)
async def test_rule_1_the_routes_are_at_the_root(service: Service, method: str, path: str, status: int) -> None:
    answer = await service.http.request(method, path, json={} if method == "POST" and "source" in path else None)
    assert answer.status_code == status


async def test_rule_1_without_the_facade_there_are_no_such_routes(make_service: MakeService) -> None:
    service = await make_service(docling_v1=False)
    for path in ("/v1/convert/file", "/v1/capabilities", "/ready", "/version"):
        assert (await service.http.get(path)).status_code == 404
    assert (await service.http.get("/jobs")).status_code == 200


@pytest.mark.parametrize("headers", [{"X-Api-Key": "mine"}, {"Authorization": "Bearer mine"}])
async def test_rule_2_a_key_comes_in_either_header(make_service: MakeService, headers: dict[str, str]) -> None:
    service = await make_service(api_keys=KEYS)
    answer = await service.http.post("/v1/convert/file/async", files=FILES, headers=headers)
    assert answer.status_code == 200
    path = f"/v1/status/ws/{answer.json()['task_id']}"
    async with connected(service.api, path, **headers) as socket:
        assert (await socket.message())["type"] == "websocket.accept"
        assert (await socket.frame())["message"] == "connection"


async def test_rule_2_a_key_in_the_query_is_not_read(make_service: MakeService) -> None:
    service = await make_service(api_keys=KEYS)
    assert (await service.http.get("/v1/result/x", params={"api_key": "mine"})).status_code == 401
    with capture_logs() as logs:
        async with connected(service.api, "/v1/status/ws/x", query="api_key=mine") as socket:
            assert (await socket.message())["type"] == "websocket.close"
    assert "mine" not in str(logs)


async def test_rule_2_a_handshake_counts_against_the_rate_of_its_key(make_service: MakeService) -> None:
    service = await make_service(api_keys=KEYS, key_requests_per_s=0.001)
    key = {"X-Api-Key": "mine"}
    messages = []
    for _ in range(2):
        async with connected(service.api, "/v1/status/ws/x", **key) as socket:
            messages.append(await socket.message())
    assert [message["type"] for message in messages] == ["websocket.accept", "websocket.close"]
    assert messages[1]["code"] == 1013  # try again later
    assert (await service.http.get("/jobs", headers=key)).status_code == 429


@pytest.mark.parametrize("path", ["/v1/convert/file/async", "/v1/convert/file"])
async def test_rule_3_submits_answer_200(service: Service, path: str) -> None:
    assert (await converted(service, path, files=FILES)).status_code == 200


async def test_rule_4_a_policy_is_told_in_a_text(service: Service) -> None:
    answer = await service.http.post("/v1/convert/file/async", files=FILES, data={"do_chart_extraction": "true"})
    error = answer.json()
    assert (answer.status_code, error["code"], error["status"]) == (422, ErrorCode.INVALID_OPTION, 422)
    assert error["detail"] == "This server cannot do do_chart_extraction=true; send false, or leave it out"
    assert error["request_id"] == answer.headers["X-Request-ID"]


async def test_rule_4_invalid_values_are_told_in_a_list(service: Service) -> None:
    body = source(options={"do_ocr": "perhaps", "table_mode": "slow"})
    answer = await service.http.post("/v1/convert/source/async", json=body)
    assert answer.status_code == 422
    assert [sorted(each) for each in answer.json()["detail"]] == [["loc", "msg", "type"]] * 2
    wrong = {each["loc"][-1] for each in answer.json()["detail"]}
    assert wrong == {"do_ocr", "table_mode"}
    assert "perhaps" not in answer.text, "a value may be a secret"


async def test_rule_5_unknown_keys_are_ignored(service: Service) -> None:
    await submitted(service, ocr="yes", do_chunking="true", chunking_options="{}")
    body = source(options={"do_chunking": True, "chunking_options": {"size": 3}}, unknown=1)
    assert (await service.http.post("/v1/convert/source/async", json=body)).status_code == 200


@pytest.mark.parametrize("formats", [["md", "json"], "md,json", '["md","json"]', ["md,json"], ["json", '["md"]']])
async def test_rule_6_lists_come_in_three_forms(service: Service, formats: object) -> None:
    answer = await result(service, to_formats=formats)
    assert answer.json()["document"]["md_content"]
    assert answer.json()["document"]["json_content"]
    assert answer.json()["document"]["html_content"] is None


@pytest.mark.parametrize(
    ("sent", "read"), [("true", True), ("1", True), ("on", True), ("false", False), ("0", False), ("off", False)]
)
async def test_rule_6_booleans_come_in_three_forms(service: Service, sent: str, read: bool) -> None:
    await submitted(service, force_ocr=sent)
    [claim] = await service.registry.claim("test", 1, 0.0)
    assert claim.spec.options.force_ocr is read


async def test_rule_6_objects_come_as_json(service: Service) -> None:
    answer = await service.http.post(
        "/v1/convert/file/async", files=FILES, data={"ocr_custom_config": '{"kind": "easyocr"}'}
    )
    assert answer.headers["Docfleet-Substituted"].startswith("ocr_custom_config=")
    wrong = await service.http.post("/v1/convert/file/async", files=FILES, data={"ocr_custom_config": "[1]"})
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (["1", "9223372036854775807"], None),
        (["1", "9223372036854775808"], None),
        ("[1, 9223372036854776000]", None),
        (["3", "9007199254740991"], (3, 2**31 - 1)),
        (["2", "9.223372036854775807e18"], (2, 2**31 - 1)),
        (["2", "5"], (2, 5)),
        ("[2,5]", (2, 5)),
        ("2,5", (2, 5)),
    ],
)
async def test_rule_7_a_last_page_that_no_document_has_means_to_the_end(
    service: Service, sent: object, read: tuple[int, int] | None
) -> None:
    await submitted(service, page_range=sent)
    [claim] = await service.registry.claim("test", 1, 0.0)
    assert claim.spec.options.page_range == read


@pytest.mark.parametrize("sent", [["5", "2"], ["0", "3"], "3", "a,b", "[1.5,2]"])
async def test_rule_7_a_range_that_is_none_is_refused(service: Service, sent: object) -> None:
    answer = await service.http.post("/v1/convert/file/async", files=FILES, data={"page_range": sent})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_option")


async def test_rule_8_what_the_server_has_not_is_replaced_and_told_in_a_header(service: Service) -> None:
    with capture_logs() as logs:
        answer = await converted(
            service, files=FILES, data={"ocr_engine": "easyocr", "table_mode": "fast", "pdf_backend": "docling_parse"}
        )
    assert answer.headers["Docfleet-Substituted"] == "ocr_engine=easyocr->rapidocr, table_mode=fast->accurate"
    assert (answer.json()["status"], answer.json()["errors"]) == ("success", [])
    assert [entry["options"] for entry in logs if entry["event"] == "options_substituted"] == [
        answer.headers["Docfleet-Substituted"]
    ]


@pytest.mark.parametrize(("is_there", "is_ready"), [(True, True), (True, False), (False, True)])
async def test_rule_8_a_table_mode_that_this_server_has_is_passed_on(
    service: Service, is_there: bool, is_ready: bool
) -> None:
    service.parsers.fast_tables, service.parsers.ready = is_there, is_ready
    answer = await service.http.post("/v1/convert/file/async", files=FILES, data={"table_mode": "fast"})
    [claim] = await service.registry.claim("test", 1, 0.0)
    passed_on = is_there and is_ready
    assert claim.spec.options.table_mode == ("fast" if passed_on else None)
    assert answer.headers.get("Docfleet-Substituted") == (None if passed_on else "table_mode=fast->accurate")


async def test_rule_8_a_replaced_value_cannot_break_the_header(service: Service) -> None:
    data = {"ocr_engine": "a\r\nSet-Cookie: é, b"}
    answer = await service.http.post("/v1/convert/file/async", files=FILES, data=data)
    assert answer.headers["Docfleet-Substituted"] == "ocr_engine=a__Set-Cookie:____b->rapidocr"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("do_picture_description", "true"),
        ("do_picture_classification", "true"),
        ("do_formula_enrichment", "true"),
        ("do_code_enrichment", "true"),
        ("do_chart_extraction", "true"),
        ("pipeline", "vlm"),
        ("pipeline", "asr"),
        ("ocr_lang", "xx"),
        ("to_formats", "yaml"),
    ],
)
async def test_rule_9_what_changes_the_content_is_refused(service: Service, name: str, value: str) -> None:
    answer = await service.http.post("/v1/convert/file/async", files=FILES, data={name: value})
    assert answer.status_code == 422
    assert name in answer.text
    assert service.stored() == [], "the files of a refused request are removed"


async def test_rule_9_what_is_switched_off_is_not_refused(service: Service) -> None:
    off = dict.fromkeys(("do_picture_description", "do_code_enrichment", "do_chart_extraction"), "false")
    await submitted(service, **off, picture_description_local='{"repo_id": "x"}', ocr_lang="")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (["de-DE", "en"], ("de", "en")),
        ("fr,zh-Hant", ("fr", "zh")),
        ("chinese_cht", ("chinese_cht",)),
        ("eng,deu", ("en", "de")),
        (["chi_sim", "FRA"], ("ch", "fr")),
        ("ger-Latn", ("de",)),
    ],
)
async def test_rule_9_languages_come_as_tags_too(service: Service, sent: object, read: tuple[str, ...]) -> None:
    await submitted(service, ocr_lang=sent)
    [claim] = await service.registry.claim("test", 1, 0.0)
    assert claim.spec.options.ocr_lang == read


async def test_rule_9_options_reach_the_parser(service: Service) -> None:
    sent = {"include_images": "true", "images_scale": "1.5", "do_pdf_heading_hierarchy": "true"}
    await submitted(service, do_ocr="false", do_table_structure="false", page_range=["2", "3"], **sent)
    [claim] = await service.registry.claim("test", 1, 0.0)
    options = claim.spec.options
    assert (options.images_scale, options.heading_hierarchy) == (1.5, True)
    assert (options.do_ocr, options.do_table_structure, options.page_range) == (False, False, (2, 3))


async def test_rule_10_an_omitted_target_is_inbody(service: Service) -> None:
    assert (await result(service)).headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("files", "target"), [((DOCUMENT,), "zip"), ((DOCUMENT, DOCUMENT), "inbody")])
async def test_rule_10_a_zip_or_several_files_are_a_zip(
    service: Service, files: tuple[tuple[str, bytes], ...], target: str
) -> None:
    answer = await result(service, *files, target_type=target)
    assert answer.headers["Content-Type"] == "application/zip"


@pytest.mark.parametrize("kind", ["presigned_url", "put", "s3"])
async def test_rule_10_targets_that_the_server_has_not_are_refused(service: Service, kind: str) -> None:
    as_form = await service.http.post("/v1/convert/file/async", files=FILES, data={"target_type": kind})
    as_json = await service.http.post("/v1/convert/source/async", json=source(target={"kind": kind}))
    assert [answer.status_code for answer in (as_form, as_json)] == [422, 422]
    assert as_form.json()["detail"] == as_json.json()["detail"]
    assert (as_form.json()["detail"] == NO_PRESIGNED_URLS) == (kind == "presigned_url")
    assert service.stored() == []


async def test_rule_10_a_presigned_target_is_refused_before_the_file_is_read(service: Service) -> None:
    """docling's SDK sends the target before the file."""
    read = 0

    async def body():  # type: ignore[no-untyped-def]
        nonlocal read
        field = b'--b\r\nContent-Disposition: form-data; name="target_type"\r\n\r\npresigned_url\r\n--b\r\n'
        yield field + b'Content-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
        for _ in range(100):
            read += 1
            yield bytes(1000)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await service.http.post("/v1/convert/file/async", content=body(), headers=headers)
    assert answer.json()["detail"] == NO_PRESIGNED_URLS
    assert service.stored() == []


async def test_rule_11_the_zip_has_each_document_at_the_top(service: Service) -> None:
    names = ["/srv/up/report.md", "report.html", "report_2.md", "a\\b.txt"]
    answer = await result(service, *((name, b"# Report") for name in names), to_formats=["md", "json"])
    assert answer.headers["Content-Disposition"] == 'attachment; filename="converted_docs.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == [
            "report.md", "report.json", "report_2.md", "report_2.json", "report_2_2.md", "report_2_2.json",
            "b.md", "b.json",
        ]  # fmt: skip
        assert json.loads(archive.read("report.json"))["name"] == "report.md"


async def test_rule_11_the_documents_of_a_zip_refer_to_pictures_in_its_folder(
    service: Service,
) -> None:
    answer = await result(service, to_formats=["json", "md"], target_type="zip", image_export_mode="referenced")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["report.md", "report.json", *(f"artifacts/{name}" for name in LISTED)]
        assert archive.read("report.md").decode() == "markdown: report.md üreferencedartifacts/"
        assert json.loads(archive.read("report.json"))["text"].endswith("referencedartifacts/")


async def test_rule_12_a_synchronous_call_is_held_to_the_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve_app.docling_v1.sync.SILENT_S", 0.0)
    calling = asyncio.create_task(service.http.post("/v1/convert/file", files=FILES))
    await soon(lambda: queued(service))
    assert not calling.done()
    await service.worker.work()
    answer = await calling
    assert answer.text.startswith(" "), "white space keeps proxies from giving up"
    assert (answer.status_code, answer.json()["status"]) == (200, "success")


@pytest.mark.parametrize("name", ["document.pdf", "1706.03762", "noname", "C:\\docs\\page.docx", "/srv/x/page"])
async def test_rule_13_any_name_is_taken_and_the_content_decides(service: Service, name: str) -> None:
    await submitted(service, (name, b"\x89PNG"))
    [claim] = await service.registry.claim("test", 1, 0.0)
    [file] = claim.spec.files
    assert not file.trust_name
    assert file.filename == name.replace("\\", "/").rpartition("/")[2]


async def test_rule_14_a_docling_document_is_an_input(service: Service) -> None:
    document = b'{"schema_name": "DoclingDocument", "name": "report"}'
    await submitted(service, ("report.json", document))
    [claim] = await service.registry.claim("test", 1, 0.0)
    assert claim.spec.files[0].rejected is None


async def test_rule_14_a_docling_document_can_be_cut(service: Service) -> None:
    document = ("report.json", b'{"schema_name": "DoclingDocument", "name": "report"}')
    answer = await converted(service, "/v1/chunk/hybrid/file", files=form(document))
    assert [chunk["text"] for chunk in answer.json()["chunks"]] == ["one ü", "two"]


async def test_rule_15_lost_pages_are_a_success_that_is_partial(service: Service) -> None:
    service.worker.lost = (2,)
    task_id = await finished(service)
    assert (await service.http.get(f"/v1/status/poll/{task_id}")).json()["task_status"] == "success"
    answer = (await service.http.get(f"/v1/result/{task_id}")).json()
    assert answer["status"] == "partial_success"
    assert [(error["page_no"], error["error_message"]) for error in answer["errors"]] == [
        (2, "Page 2 is missing: The page broke its parser")
    ]


async def test_rule_16_a_result_is_read_more_than_once(service: Service) -> None:
    task_id = await finished(service)
    answers = [(await service.http.get(f"/v1/result/{task_id}")).content for _ in range(3)]
    assert len(set(answers)) == 1
    assert b"# Report" not in answers[0], "the fake export"


async def test_rule_17_the_ids_of_both_apis_are_the_same(service: Service) -> None:
    task_id = await finished(service)
    assert (await service.http.get(f"/jobs/{task_id}")).json()["status"] == "completed"
    job_id = await service.completed(("native.md", b"# Native"))
    answer = (await service.http.get(f"/v1/result/{job_id}")).json()
    assert (answer["document"]["filename"], answer["status"]) == ("native.md", "success")
    assert {job["job_id"] for job in (await service.http.get("/jobs")).json()["jobs"]} == {task_id, job_id}


@pytest.mark.parametrize("word", ["healthy", "ok"])
async def test_rule_18_health_says_the_word_that_clients_look_for(make_service: MakeService, word: str) -> None:
    service = await make_service(health_status=word)
    assert (await service.http.get("/health")).json()["status"] == word
    service.parsers.ready = False
    assert (await service.http.get("/health")).json()["status"] == "initializing"


def test_rule_18_healthy_is_the_default() -> None:
    from serve_app.settings import Settings

    assert Settings.model_fields["health_status"].default == "healthy"


def test_rule_19_the_ingress_does_not_import_docling() -> None:
    program = "import sys, serve_app.docling_v1.api; print('docling' in sys.modules or 'docling_core' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"


async def test_a_task_of_another_key_does_not_exist(make_service: MakeService) -> None:
    service = await make_service(api_keys=KEYS)
    answer = await service.http.post("/v1/convert/file/async", files=FILES, headers={"X-Api-Key": "mine"})
    task_id = answer.json()["task_id"]
    for path in (f"/v1/status/poll/{task_id}", f"/v1/result/{task_id}"):
        answer = await service.http.get(path, headers={"X-Api-Key": "theirs"})
        assert (answer.status_code, answer.json()["detail"]) == (404, TASK_NOT_FOUND)
