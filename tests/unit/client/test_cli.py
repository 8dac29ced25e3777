"""The command line against a fleet that lives in this process."""

from __future__ import annotations

import io
import itertools
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import httpx
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from client.__main__ import main
from client._display import Live
from client._job_commands import ResultFormat
from client._printing import printer_of_changes
from client.cli import app
from client.models import ChunkFormat, ExportFormat
from client.sync import DoclingParserClient


class Fleet:
    """A server whose jobs end at the second request. The content of a file decides how: see `failure` and `status`."""

    def __init__(self) -> None:
        self.jobs: dict[str, str] = {}  # id: content of its file
        self.looks: dict[str, int] = {}
        self.submits: list[httpx.Request] = []
        self.cancelled: list[str] = []
        self.deleted: list[str] = []
        self.deliveries: list[dict[str, Any]] = []
        self.changes: list[tuple[str, dict[str, Any]]] = []  # told once, by the stream of all jobs
        self.resumed_after: str | None = None
        self.asked_for: dict[str, str] = {}  # the parameters of the last results or picture
        self.api_key: str | None = None
        self.health = "healthy"
        self._ids = itertools.count(1)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.api_key and request.headers.get("authorization") != f"Bearer {self.api_key}":
            return problem(401, "unauthorized", "who are you?")
        match request.method, request.url.path.strip("/").split("/"):
            case "GET", [""]:
                return httpx.Response(200, json={"name": "docfleet", "supported_formats": [".pdf", ".md", ".tar.gz"]})
            case "GET", ["health"]:
                return httpx.Response(200, json=self._health())
            case "POST", ["submit"]:
                return self._submit(request)
            case "GET", ["jobs"]:
                return self._list(request)
            case "GET", ["events"]:
                return self._events(request.headers.get("last-event-id"))
            case _, ["jobs", job, *what] if job in self.jobs:
                return self._job(job, what, request)
        return problem(404, "job_not_found", "no such job")

    def _events(self, seen: str | None) -> httpx.Response:
        if seen == "end":
            return httpx.Response(204)
        self.resumed_after = seen
        told = [f"event: {name}\ndata: {json.dumps(job)}\n\n" for name, job in self.changes]
        body = "".join(told[:-1]) + f"id: end\n{told[-1]}"
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=body)

    def _list(self, request: httpx.Request) -> httpx.Response:
        """List two jobs per page, so that a client has to read several pages."""
        jobs = [self.status(job) for job in self.jobs if not request.url.params.get("status")]
        start = int(request.url.params.get("cursor", 0))
        following = str(start + 2) if start + 2 < len(jobs) else None
        return httpx.Response(200, json={"jobs": jobs[start : start + 2], "next_cursor": following})

    def _job(self, job: str, what: list[str], request: httpx.Request) -> httpx.Response:
        if what == ["results"]:
            self.asked_for = dict(request.url.params)
            return self._results(job, request.url.params.get("format", "nodes"))
        if what[:1] == ["files"]:
            self.asked_for = dict(request.url.params)
            return httpx.Response(200, text="/".join(what))
        if what in (["deliveries"], ["redeliver"]):
            return httpx.Response(200, json={"job_id": job, "deliveries": self.deliveries})
        if what == ["cancel"]:
            if self.looks.get(job, 0) > 1:
                return problem(409, "job_ended", f"Job {job} has ended already")
            self.cancelled.append(job)
        elif request.method == "DELETE":
            self.deleted.append(job)
            return httpx.Response(204)
        else:
            self.looks[job] = self.looks.get(job, 0) + 1
        return httpx.Response(200, json=self.status(job))

    def status(self, job: str) -> dict[str, Any]:
        ended = self.looks.get(job, 0) > 1
        state = ("failed" if "crash" in self.jobs[job] else "completed") if ended else "processing"
        status = {"job_id": job, "status": state, "submitted_at": 0.0, "error": None}
        if state == "failed":
            status |= {"error": "killed three parsers", "reason": "poison"}
        lost = int("lossy" in self.jobs[job])
        done = 4 - lost if ended else 1
        return {**status, "progress": {"pages_total": 4, "pages_done": done, "pages_failed": lost, "files_total": 1}}

    def _submit(self, request: httpx.Request) -> httpx.Response:
        self.submits.append(request)
        content = request.content.decode()
        if "huge" in content:
            return problem(413, "file_too_large", "over 100 MB")
        job = f"j{next(self._ids)}"
        self.jobs[job] = content
        return httpx.Response(202, json={"job_id": job, "status": "pending", "message": "m"})

    def _results(self, job: str, form: str) -> httpx.Response:
        if self.looks.get(job, 0) < 2:
            return problem(409, "result_not_ready", f"Job {job} is still processing")
        bad = "garbage" in self.jobs[job]
        if form != "nodes":
            return problem(409, "export_unavailable", "x") if bad else httpx.Response(200, text=f"{form} of {job}\n")
        entry = {"filename": "f", "success": not bad, "nodes": [{"text": "ä"}], "num_nodes": 1}
        failure = {"error": "This is not a PDF", "error_code": "invalid_file"} if bad else {}
        return httpx.Response(
            200, json={"job_id": job, "status": "completed", "results": {"results": [entry | failure]}}
        )

    def _health(self) -> dict[str, Any]:
        parser = {"profile": "bundled", "docling": "2.143.0"}
        return {"status": self.health, "version": "1.2", "replicas": 2, "queued": 3, "running": 1, "parser": parser}


def problem(status: int, code: str, detail: str) -> httpx.Response:
    return httpx.Response(status, json={"status": status, "code": code, "detail": detail})


Run = Callable[..., Result]


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Fleet:
    made = Fleet()
    answer_with(monkeypatch, made)
    return made


def answer_with(monkeypatch: pytest.MonkeyPatch, server: Callable[[httpx.Request], httpx.Response]) -> None:
    """Have the commands talk to `server`."""
    http = httpx.Client(transport=httpx.MockTransport(server))
    for commands in ("cli", "_job_commands"):
        monkeypatch.setattr(f"client.{commands}.DoclingParserClient", partial(DoclingParserClient, http=http))


@pytest.fixture
def run(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DOCFLEET_")]:  # those of whoever runs the tests
        monkeypatch.delenv(name)
    for commands in ("cli", "_job_commands"):
        monkeypatch.setattr(f"client.{commands}.FIRST_CONTACT_S", 0.0)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    for name in ("a.pdf", "a.md", "deep/b.PDF", ".hidden/c.pdf", "notes.xyz"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- parse -------------------------------------------------------------------------------------------------------


def test_parse_mirrors_a_folder_and_leaves_what_the_server_cannot_parse(run: Run, papers: Path) -> None:
    result = run("parse", papers)
    assert result.exit_code == 0, result.output
    assert files(Path("parsed")) == ["a.md.md", "a.pdf.md", "deep/b.PDF.md"]
    assert Path("parsed/a.pdf.md").read_text().startswith("markdown of j")
    assert "3 parsed in" in result.stdout
    assert "12 pages" in result.stdout


def test_files_of_a_folder_that_are_left_out_are_named(run: Run, papers: Path) -> None:
    kind = "Left out, because the server does not parse files of this kind: "
    assert run("parse", papers).stderr == f"{kind}{papers}/notes.xyz\n"
    for number in range(9):
        (papers / f"{number}.bin").touch()
    first = ", ".join(f"{papers}/{number}.bin" for number in range(5))
    assert run("parse", papers, "--json").stderr == f"{kind}{first} and 5 more\n"


def test_a_file_of_a_folder_may_have_a_suffix_of_two_parts(run: Run, papers: Path) -> None:
    (papers / "book.tar.gz").write_text("scans")
    run("parse", papers)
    assert "book.tar.gz.md" in files(Path("parsed"))


def test_results_go_into_a_folder_and_not_into_a_file(run: Run, fleet: Fleet, papers: Path) -> None:
    result = run("parse", papers, "-o", papers / "a.md")
    assert result.exit_code == 2
    assert fleet.submits == []


def test_file_that_is_named_is_sent_whatever_its_suffix(run: Run, fleet: Fleet, papers: Path) -> None:
    assert run("parse", papers / "notes.xyz").exit_code == 0
    assert len(fleet.submits) == 1


def test_second_run_sends_nothing_again(run: Run, fleet: Fleet, papers: Path) -> None:
    run("parse", papers)
    result = run("parse", papers)
    assert len(fleet.submits) == 3
    assert "3 skipped" in result.stdout
    assert result.exit_code == 0


def test_changed_source_is_parsed_again(run: Run, fleet: Fleet, papers: Path) -> None:
    run("parse", papers)
    later = Path("parsed/a.pdf.md").stat().st_mtime + 10
    os.utime(papers / "a.pdf", (later, later))
    assert "1 parsed, 2 skipped" in run("parse", papers).stdout
    assert len(fleet.submits) == 4


def test_force_parses_what_is_done(run: Run, fleet: Fleet, papers: Path) -> None:
    run("parse", papers)
    run("parse", papers, "--force")
    assert len(fleet.submits) == 6


def test_failures_are_listed_with_their_reasons_and_make_the_exit_status_one(run: Run, papers: Path) -> None:
    (papers / "a.md").write_text("garbage")
    (papers / "a.pdf").write_text("crash")
    (papers / "huge.pdf").write_text("huge")
    result = run("parse", papers)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert f"failed: {papers}/a.md: This is not a PDF" in lines
    assert any(line.startswith(f"failed: {papers}/a.pdf: ") and "killed three parsers" in line for line in lines)
    assert any(line.startswith(f"failed: {papers}/huge.pdf: over 100 MB") for line in lines)
    assert files(Path("parsed")) == ["deep/b.PDF.md"]


def test_failed_document_is_tried_again_by_the_next_run(run: Run, fleet: Fleet, papers: Path) -> None:
    (papers / "a.pdf").write_text("crash")
    run("parse", papers)
    (papers / "a.pdf").write_text("mended")
    assert run("parse", papers).exit_code == 0
    assert len(fleet.submits) == 4


@pytest.mark.parametrize(
    ("name", "encoding", "shown"),
    [
        (os.fsdecode(b"caf\xe9.md"), "utf-8", b"caf\xe9.md"),
        ("caf\u00e9 \u6587.md", "utf-8", "caf\u00e9 \u6587.md".encode()),
        ("caf\u00e9 \u6587 \U0001f600.md", "iso-8859-1", rb"caf" + b"\xe9" + rb" \u6587 \ud83d\ude00.md"),
        ("caf\u00e9.md", "ascii", rb"caf\u00e9.md"),
    ],
    ids=["not UTF-8", "any letter", "letters that Latin-1 lacks", "ASCII"],
)
def test_a_name_is_printed_in_every_encoding(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, encoding: str, shown: bytes
) -> None:
    odd = tmp_path / name
    odd.write_text("# A")
    printed = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", printed)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # Typer installs its own
    monkeypatch.setattr(sys, "argv", ["docfleet", "parse", str(odd), "-o", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as end:
        main()
    printed.flush()
    assert end.value.code == 0
    assert shown in printed.buffer.getvalue()  # type: ignore[attr-defined]


def test_lost_pages_are_told(run: Run, papers: Path) -> None:
    (papers / "a.md").write_text("lossy")
    assert "(3 pages, 1 page lost, " in run("parse", papers / "a.md").stdout


def test_nodes_are_written_as_json(run: Run, papers: Path) -> None:
    run("parse", papers / "a.pdf", "--format", "nodes", "-o", "out")
    assert json.loads(Path("out/a.pdf.nodes.json").read_text()) == [{"text": "ä"}]


def test_nodes_of_a_file_that_failed_are_not_written(run: Run, papers: Path) -> None:
    (papers / "a.pdf").write_text("garbage")
    assert run("parse", papers / "a.pdf", "-f", "nodes").exit_code == 1
    assert files(Path("parsed")) == []


def test_json_gives_one_object_per_document_and_nothing_else(run: Run, papers: Path) -> None:
    (papers / "a.md").write_text("garbage")
    result = run("parse", papers, "--json")
    lines = {line["source"]: line for line in map(json.loads, result.stdout.splitlines())}
    assert len(lines) == 3
    failed = lines[f"{papers}/a.md"]
    assert (failed["state"], failed["error"], failed["code"]) == ("failed", "This is not a PDF", "invalid_file")
    parsed = lines[f"{papers}/a.pdf"]
    assert (parsed["state"], parsed["pages"], parsed["target"]) == ("parsed", 4, "parsed/a.pdf.md")


def test_two_sources_for_one_result_are_refused_before_anything_is_sent(run: Run, fleet: Fleet, papers: Path) -> None:
    (papers / "deep/a.pdf").write_text("another")
    result = run("parse", papers / "a.pdf", papers / "deep/a.pdf")
    assert result.exit_code == 1
    assert "would both become parsed/a.pdf.md" in result.stderr
    assert fleet.submits == []


def test_results_inside_the_folder_are_not_parsed_themselves(run: Run, fleet: Fleet, papers: Path) -> None:
    run("parse", papers, "-o", papers / "out")
    run("parse", papers, "-o", papers / "out", "--force")
    assert len(fleet.submits) == 6


def test_options_are_sent(run: Run, fleet: Fleet, papers: Path) -> None:
    options = ["--no-ocr", "--tables", "--pages", "2-5", "--password", "pw", "--profile", "native"]
    run("parse", papers / "a.pdf", *options)
    sent = fleet.submits[0].content.decode()
    assert (
        '{"profile": "native", "do_ocr": false, "do_table_structure": true, "page_range": [2, 5], "password": "pw"}'
        in sent
    )


def test_models_of_pictures_code_and_formulas_are_asked_for_by_flags(run: Run, fleet: Fleet, papers: Path) -> None:
    flags = ["--describe-pictures", "qwen", "--classify-pictures", "--read-code", "--read-formulas"]
    filters = '{"picture_deny": ["logo"]}'
    assert run("submit", papers / "a.pdf", *flags, "--options", filters).exit_code == 0
    sent = fleet.submits[0].content.decode()
    wanted = {"picture_deny": ["logo"], "picture_description": "qwen", "do_picture_classification": True}
    assert json.dumps(wanted | {"do_code_enrichment": True, "do_formula_enrichment": True}) in sent


def test_interrupted_run_says_what_goes_on_and_the_next_one_picks_it_up(
    run: Run, fleet: Fleet, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(DoclingParserClient, "download_results", raise_(KeyboardInterrupt))
        result = run("parse", papers / "a.pdf")
    assert result.exit_code == 130
    assert f"  j1  {papers}/a.pdf" in result.stderr.splitlines()
    assert files(Path("parsed")) == ["a.pdf.md.job"]
    assert run("parse", papers / "a.pdf").exit_code == 0
    assert len(fleet.submits) == 1
    assert files(Path("parsed")) == ["a.pdf.md"]


def test_document_that_is_parsed_anew_is_not_done_until_then(
    run: Run, fleet: Fleet, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("parse", papers / "a.pdf")
    with monkeypatch.context() as patch:
        patch.setattr(DoclingParserClient, "download_results", raise_(KeyboardInterrupt))
        result = run("parse", papers / "a.pdf", "--force")
    assert "The same command without --force resumes them" in result.stderr
    assert "1 parsed" in run("parse", papers / "a.pdf").stdout
    assert len(fleet.submits) == 2
    assert files(Path("parsed")) == ["a.pdf.md"]


def test_run_that_is_stopped_before_there_is_a_job_names_none(
    run: Run, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DoclingParserClient, "submit_job", raise_(KeyboardInterrupt))
    result = run("parse", papers / "a.pdf")
    assert (result.exit_code, result.stderr) == (130, "Stopped. No job is running.\n")


def test_server_that_goes_away_ends_the_run_and_the_jobs_are_named(
    run: Run, fleet: Fleet, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.cli.RESTART_S", 0.0)
    monkeypatch.setattr(fleet, "status", raise_(httpx.ConnectError("gone")))
    result = run("parse", papers / "a.pdf")
    assert result.exit_code == 1
    assert f"  j1  {papers}/a.pdf" in result.stderr.splitlines()
    assert "Error: cannot reach http://localhost:8080/jobs/j1" in result.stderr


def test_job_that_the_server_forgot_is_submitted_again(run: Run, fleet: Fleet, papers: Path) -> None:
    Path("parsed").mkdir()
    Path("parsed/a.pdf.md.job").write_text(json.dumps({"url": "http://localhost:8080", "job_id": "long-gone"}))
    assert run("parse", papers / "a.pdf").exit_code == 0
    assert len(fleet.submits) == 1


@pytest.mark.parametrize("ticket", ["", "{}", '{"url": "http://elsewhere", "job_id": "j9"}'])
def test_ticket_of_another_server_or_none_at_all_is_passed_over(
    run: Run, fleet: Fleet, papers: Path, ticket: str
) -> None:
    Path("parsed").mkdir()
    Path("parsed/a.pdf.md.job").write_text(ticket)
    assert run("parse", papers / "a.pdf").exit_code == 0
    assert len(fleet.submits) == 1


def test_terminal_gets_bars_and_a_table_of_reasons(run: Run, papers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (papers / "a.md").write_text("garbage [bold]")
    seen: list[str] = []
    progress = Live.progress
    monkeypatch.setattr(Live, "progress", lambda *args: (seen.append(args[1].source.name), progress(*args)))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    result = run("parse", papers)
    assert {"a.md", "a.pdf", "b.PDF"} == set(seen)
    assert "✓" in result.stdout
    assert "1 failed" in result.stdout
    assert "This is not a PDF" in result.stdout
    assert "2 parsed, 1 failed in" in result.stdout


def test_bars_say_why_they_stand_still() -> None:
    console = Console(force_terminal=True, width=160, file=io.StringIO())
    with Live(console, 1):
        logging.getLogger("client._retry").info("cannot reach it")
    logging.getLogger("client._retry").info("nobody looks any more")
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "cannot reach it" in shown
    assert "nobody looks" not in shown


# --- the other commands ------------------------------------------------------------------------------------------


def test_submit_prints_the_id_alone(run: Run, fleet: Fleet, papers: Path) -> None:
    result = run("submit", papers / "a.pdf", papers / "a.md", "--metadata", '{"case": 17}')
    assert result.stdout == "j1\n"
    assert '{"case": 17}' in fleet.submits[0].content.decode()


def test_urls_and_sources_travel_with_a_submit(run: Run, fleet: Fleet, papers: Path) -> None:
    sources = [{"url": "https://b.test/b", "headers": {"Authorization": "sesame"}}]
    assert run("submit", "https://a.test/a.pdf", papers / "a.pdf", "--sources", json.dumps(sources)).exit_code == 0
    sent = fleet.submits[0].content.decode()
    assert sent.index("https://a.test/a.pdf") < sent.index('filename="a.pdf"') < sent.index("sesame")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "name a file or a URL"),
        (["missing.pdf"], "does not exist"),
        (["."], "is a directory"),
        (["--sources", '[{"url": 7, "headers": {"A": "sesame"}}]'], "should be a valid string"),
        (["--sources", "sesame"], "Invalid JSON"),
    ],
    ids=range(5),
)
def test_what_is_neither_a_file_nor_a_source_is_a_usage_error(
    run: Run, fleet: Fleet, arguments: list[str], reason: str
) -> None:
    result = run("submit", *arguments)
    assert (result.exit_code, reason in " ".join(result.stderr.replace("│", " ").split())) == (2, True), result.stderr
    assert "sesame" not in result.stderr
    assert fleet.submits == []


def test_addresses_and_other_options_travel_with_a_submit(run: Run, fleet: Fleet, papers: Path) -> None:
    options = ["--webhook-url", "http://me/", "--options", '{"force_ocr": true, "do_ocr": false}', "--ocr"]
    run("submit", papers / "a.pdf", *options)
    sent = fleet.submits[0].content.decode()
    assert "http://me/" in sent
    assert '{"force_ocr": true, "do_ocr": true}' in sent


def test_a_submit_says_what_its_callback_brings(run: Run, fleet: Fleet, papers: Path) -> None:
    run("submit", papers / "a.pdf", "--callback-url", "http://me/", "--callback-content", "chunks")
    sent = fleet.submits[0].content.decode()
    assert 'name="callback_content"\r\n\r\nchunks\r\n' in sent
    assert run("submit", papers / "a.pdf", "--callback-content", "pages").exit_code == 2


@pytest.mark.parametrize("argument", ["--metadata", "--options"])
@pytest.mark.parametrize("text", ["nonsense", "[1]"])
def test_json_that_is_no_object_is_a_usage_error(
    run: Run, fleet: Fleet, papers: Path, argument: str, text: str
) -> None:
    result = run("submit", papers / "a.pdf", argument, text)
    assert result.exit_code == 2
    assert fleet.submits == []


def test_status_is_one_line(run: Run, fleet: Fleet, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    assert run("status", "j1").stdout.startswith("j1  processing  1/4 pages  1970-01-01")


def test_watching_ends_with_the_job_and_its_failure_is_the_exit_status(run: Run, papers: Path) -> None:
    (papers / "a.pdf").write_text("crash")
    run("submit", papers / "a.pdf")
    result = run("status", "j1", "--watch", "--json")
    assert [json.loads(line)["status"] for line in result.stdout.splitlines()] == ["processing", "failed"]
    assert result.exit_code == 1


def test_line_that_says_nothing_new_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    job = {"job_id": "j1", "status": "processing", "submitted_at": 0.0}
    show = printer_of_changes()
    show(job)
    show({**job, "attempts": 2})
    show({**job, "status": "completed"})
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["processing", "completed"]


def test_results_go_to_stdout_or_to_a_file(run: Run, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    run("status", "j1", "--watch")
    assert run("results", "j1", "--format", "text").stdout == "text of j1\n"
    run("results", "j1", "-o", "out.md")
    assert Path("out.md").read_text() == "markdown of j1\n"


def test_results_that_are_not_there_yet_say_how_to_wait(run: Run, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    result = run("results", "j1")
    assert result.exit_code == 1
    assert "still processing" in result.stderr
    assert "status JOB --watch" in result.stderr


def test_cancel_takes_several(run: Run, fleet: Fleet, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    run("submit", papers / "a.pdf")
    assert run("cancel", "j1", "j2").exit_code == 0
    assert fleet.cancelled == ["j1", "j2"]


def test_job_that_has_ended_does_not_keep_others_from_being_cancelled(run: Run, fleet: Fleet, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    run("status", "j1", "--watch")
    run("submit", papers / "a.pdf")
    result = run("cancel", "j1", "j9", "j2")
    assert result.exit_code == 1
    assert result.stderr == "Error: Job j1 has ended already\nError: no such job\n"
    assert result.stdout == "j2 is being cancelled\n"
    assert fleet.cancelled == ["j2"]


def test_delete_takes_several_and_goes_on_after_one_that_is_not_there(run: Run, fleet: Fleet, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    run("submit", papers / "a.pdf")
    result = run("delete", "j1", "j9", "j2")
    assert result.exit_code == 1
    assert (result.stdout, result.stderr) == ("j1 is deleted\nj2 is deleted\n", "Error: no such job\n")
    assert fleet.deleted == ["j1", "j2"]


def test_archive_is_saved_like_any_format(run: Run, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    run("status", "j1", "--watch")
    assert run("results", "j1", "--format", "zip", "-o", "out.zip").exit_code == 0
    assert Path("out.zip").read_text() == "zip of j1\n"


def test_formats_of_results_are_those_of_the_client_and_an_archive() -> None:
    assert [*get_args(ResultFormat)] == [*ExportFormat, *ChunkFormat, "confidence", "zip"]


def test_chunks_are_cut_as_the_command_line_says(run: Run, fleet: Fleet, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    run("status", "j1", "--watch")
    chosen = ("--chunker", "page", "--max-tokens", "64", "--tokenizer", "a/b")
    assert run("results", "j1", "--format", "chunks.jsonl", *chosen).stdout == "chunks.jsonl of j1\n"
    assert fleet.asked_for == {"format": "chunks.jsonl", "chunker": "page", "max_tokens": "64", "tokenizer": "a/b"}
    run("results", "j1", "--format", "chunks", "--no-merge-peers", "--tables", "triplets")
    assert fleet.asked_for == {"format": "chunks", "merge_peers": "false", "tables": "triplets"}


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--max-tokens", "3", "greater than or equal to 16"),
        ("--chunker", "magic", "'hybrid', 'hierarchical' or 'page'"),
    ],
)
def test_impossible_chunks_are_refused_before_anything_is_asked(run: Run, option: str, value: str, reason: str) -> None:
    result = run("results", "j1", "--format", "chunks", option, value)
    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.replace("│", " ").split())


def test_documents_show_pictures_as_the_command_line_says(run: Run, fleet: Fleet, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    run("status", "j1", "--watch")
    run("results", "j1", "--images", "none", "--page-break", "----")
    assert fleet.asked_for == {"format": "markdown", "images": "none", "page_break": "----"}


def test_a_page_is_saved_in_the_format_of_its_name(run: Run, fleet: Fleet, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    assert run("page", "j1", 3, "-o", "page.png").exit_code == 0
    assert Path("page.png").read_text() == "files/0/pages/3.png"
    assert fleet.asked_for == {"scale": "2"}
    run("page", "j1", 3, "--file", 1, "--scale", 0.5, "--box", "1,2.5,3,4", "-o", "part.webp")
    assert Path("part.webp").read_text() == "files/1/pages/3.webp"
    assert fleet.asked_for == {"scale": "0.5", "box": "1.00,2.50,3.00,4.00"}


def test_a_page_is_not_saved_under_the_name_of_another_format(run: Run, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    result = run("page", "j1", 3, "-o", "page.jpg")
    assert result.exit_code == 2
    assert "save it as .png or .webp" in " ".join(result.stderr.replace("│", " ").split())
    assert not Path("page.jpg").exists()


def test_a_page_can_be_piped(run: Run, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    assert run("page", "j1", 1).stdout == "files/0/pages/1.png"


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", ""])
def test_a_box_that_is_none_is_refused_before_anything_is_asked(run: Run, box: str) -> None:
    result = run("page", "j1", 1, "--box", box, "-o", "page.png")
    assert result.exit_code == 2
    assert "is not a box such as 72,90,523,140" in " ".join(result.stderr.replace("│", " ").split())


def test_deliveries_are_a_line_each(run: Run, fleet: Fleet, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    assert run("deliveries", "j1").stderr.startswith("No deliveries")
    fleet.deliveries = [
        {"kind": "webhook", "url": "http://me/", "state": "failed", "messages_sent": 1, "failed_attempts": 2}
        | {"last_error": "HTTP 500"}
    ]
    assert (
        run("deliveries", "j1").stdout == "webhook  http://me/  failed  1 message sent  2 failed in a row  HTTP 500\n"
    )
    assert json.loads(run("redeliver", "j1", "--json").stdout)["deliveries"] == fleet.deliveries


def test_jobs_of_several_pages_are_listed_up_to_the_limit(run: Run, papers: Path) -> None:
    for _ in range(5):
        run("submit", papers / "a.pdf")
    assert len(run("jobs").stdout.splitlines()) == 5
    assert len(run("jobs", "--limit", "3").stdout.splitlines()) == 3


def test_changes_of_all_jobs_are_printed_one_on_a_line(run: Run, fleet: Fleet, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    fleet.changes = [("sync", {}), ("job", fleet.status("j1")), ("removed", {"job_id": "j1"})]
    result = run("events")
    assert [line.split("  ")[:3] for line in result.stdout.splitlines()] == [
        ["j1", "processing", "1/4 pages"],
        ["j1", "removed"],
    ]
    assert "docfleet jobs" in result.stderr
    assert fleet.resumed_after is None
    printed = run("events", "--json", "--after", "c-7").stdout.splitlines()
    assert [json.loads(line)["event"] for line in printed] == ["sync", "job", "removed"]
    assert fleet.resumed_after == "c-7"


def test_a_job_is_parsed_again_with_other_options(run: Run, fleet: Fleet) -> None:
    assert run("again", "j0", "--ocr", "--pages", "2-3").stdout == "j1\n"
    sent = fleet.submits[-1].content.decode()
    assert '[{"job_id": "j0", "file": null}]' in sent
    assert '{"do_ocr": true, "page_range": [2, 3]}' in sent
    assert json.loads(run("again", "j0", "--file", "1", "--json").stdout)["job_id"] == "j2"
    assert '[{"job_id": "j0", "file": 1}]' in fleet.submits[-1].content.decode()


def test_version_is_the_packages(run: Run) -> None:
    assert run("--version").stdout == f"docfleet {version('docfleet')}\n"


def test_jobs_are_tab_separated_for_other_programs(run: Run, papers: Path) -> None:
    run("submit", papers / "a.pdf")
    assert run("jobs").stdout.split("\t")[:3] == ["j1", "processing", "1/4 pages"]
    assert json.loads(run("jobs", "--json").stdout)["jobs"][0]["job_id"] == "j1"
    assert run("jobs", "--status", "failed").stdout == ""


def test_health_is_zero_only_when_healthy(run: Run, fleet: Fleet) -> None:
    result = run("health")
    assert result.exit_code == 0
    assert result.stdout == (
        "healthy: version 1.2, 2 replicas, 3 queued, 1 running\nprofile bundled, docling 2.143.0\n"
    )
    fleet.health = "ok"  # as HEALTH_STATUS may have it
    assert run("health").exit_code == 0
    fleet.health = "initializing"
    assert run("health").exit_code == 1


def test_key_may_come_from_the_environment(run: Run, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.api_key = "s3cret"
    refused = run("jobs")
    assert refused.exit_code == 1
    assert "who are you?" in refused.stderr
    assert "DOCFLEET_API_KEY" in refused.stderr
    monkeypatch.setenv("DOCFLEET_API_KEY", "s3cret")
    assert run("jobs").exit_code == 0


def test_server_that_is_not_there_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    answer_with(monkeypatch, raise_(httpx.ConnectError("refused")))
    result = run("health", "--url", "http://nowhere:1")
    assert result.exit_code == 1
    assert "cannot reach http://nowhere:1/health: refused" in result.stderr
    assert "docfleet serve" in result.stderr


def test_serve_without_the_server_extra_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serve_app.__main__", None)
    result = run("serve")
    assert result.exit_code == 1
    assert "docfleet's extra `server`" in result.stderr


def test_serve_ends_as_the_server_ends(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serve_app.__main__", SimpleNamespace(main=lambda: 3))
    assert run("serve").exit_code == 3


def test_command_without_the_cli_extra_says_what_to_install() -> None:
    program = "import sys; sys.modules['typer'] = None; from client.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "docfleet's extra `cli`" in done.stderr


@pytest.mark.parametrize("command", sorted(typer.main.get_command(app).commands))  # type: ignore[attr-defined]
def test_every_command_has_help(run: Run, command: str) -> None:
    assert "Usage: " in run(command, "--help").stdout


def raise_(error: BaseException | type[BaseException]) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("was_there", "said"),
    [(True, "Stopped the service and its registry."), (False, "No docfleet runs on this cluster.")],
)
def test_cluster_stop_says_what_it_stopped(
    run: Run, monkeypatch: pytest.MonkeyPatch, *, was_there: bool, said: str
) -> None:
    monkeypatch.setitem(sys.modules, "serve_app.local", SimpleNamespace(stop_on_cluster=lambda: was_there))
    result = run("cluster", "stop")
    assert (result.exit_code, result.stdout) == (0, f"{said}\n")


def test_cluster_stop_without_a_cluster_fails_with_the_reason(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> bool:
        raise ConnectionError("Could not find any running Ray instance")

    monkeypatch.setitem(sys.modules, "serve_app.local", SimpleNamespace(stop_on_cluster=missing))
    result = run("cluster", "stop")
    assert result.exit_code == 1
    assert "Could not find any running Ray instance" in result.stderr
