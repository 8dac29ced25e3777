"""Files from URLs, through a running service."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from client import DoclingParserClient, UrlSource
from serve_app.settings import Settings
from tests.web import serving_web


def test_urls_are_fetched_and_parsed_beside_files(
    client: DoclingParserClient, documents: Path, settings: Settings
) -> None:
    secret = SecretStr("Bearer sesame-of-the-sources")
    with serving_web() as web:
        web.files = {"/report": (documents / "report.pdf").read_bytes(), "/notes.md": b"# Tides"}
        private = UrlSource(url=f"{web.url}/report", headers={"Authorization": secret}, filename="fetched.pdf")
        answer = client.submit_job(documents / "notes.md", f"{web.url}/notes.md", f"{web.url}/none.pdf", private)
        batch = client.wait_for_results(answer["job_id"], timeout=120)
    sent, notes, none, report = batch["results"]
    assert [entry["filename"] for entry in batch["results"]] == ["notes.md", "notes.md", "none.pdf", "fetched.pdf"]
    assert (sent["success"], notes["nodes"][0]["text"]) == (True, "# Tides")
    assert (none["success"], none["error_code"]) == (False, "source_not_found")
    assert [node["metadata"]["page_number"] for node in report["nodes"]] == [1, 2, 3, 4, 5, 6]
    assert web.tokens.count(secret.get_secret_value()) == 1
    assert client.get_job_status(answer["job_id"])["progress"]["files_fetched"] == 3
    kept = [path for path in Path(settings.state_dir).rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if b"sesame-of-the-sources" in path.read_bytes()] == []
