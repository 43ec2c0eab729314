from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_agent.cli.log_tail import Follower, lines_of
from migrate_agent.logs import ROOT, log_fault, write_logs
from migrate_agent.redaction import Redactor, redactor
from migrate_contract.errors import ErrorCode, Fatal

KEY = "acme.agt_abcdefghijkl.Zm9vYmFyYmF6cXV4Zm9vYmFy"
SAS = "sv=2024-11-04&sp=rcwl&sig=AbC%2Fdef%2Bghi%3D&se=2026-01-01"
log = logging.getLogger("migrate_agent.test")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "logs" / "agent.log"
    write_logs(path, level="info")
    yield path
    for handler in list(logging.getLogger(ROOT).handlers):
        handler.close()
        logging.getLogger(ROOT).removeHandler(handler)


@pytest.mark.parametrize(
    "text",
    [
        f"key {KEY} refused",
        f"PUT https://a.blob.core.windows.net/c/b?{SAS}",
        f"{{'X-Agent-Key': '{KEY}'}}",
        "proxy http://user:Zm9vYmFyYmF6cXV4@proxy.example:8080",
        "AccountKey=Zm9vYmFyYmF6cXV4;EndpointSuffix=x",
        "Authorization: Zm9vYmFyYmF6cXV4",
    ],
)
def test_secrets_are_known_by_their_shape(text: str) -> None:
    cleaned = Redactor().clean(text)
    for secret in ("Zm9vYmFyYmF6cXV4", "AbC%2Fdef"):
        assert secret not in cleaned
    assert "***" in cleaned


def test_what_is_no_secret_stays() -> None:
    text = "job_abc: 3 files, https://a.blob.core.windows.net/c/significant.txt, agt_abcdefghijkl, sp=rcwl"
    assert Redactor().clean(text) == text


def test_a_secret_is_known_by_its_value() -> None:
    own = Redactor()
    own.hide("an-unusual-secret")
    assert own.clean("it is an-unusual-secret!") == "it is ***!"


def test_a_line_is_one_object_with_what_it_concerns(path: Path) -> None:
    log_fault(log, "no grant", Fatal(ErrorCode.GRANT_REFUSED, "the project was closed"), job_id="job_1", attempt=2)
    line = json.loads(path.read_text())
    assert line["level"] == "error"
    assert (line["code"], line["job_id"], line["attempt"]) == ("grant-refused", "job_1", 2)
    assert line["fix"]
    assert line["at"].endswith("Z")


def test_secrets_are_in_no_line_tracebacks_included(path: Path) -> None:
    redactor.hide("registered-as-it-arrived")
    try:
        raise ValueError(f"could not send {KEY} and registered-as-it-arrived")
    except ValueError:
        log.exception("broken with %s", SAS, extra={"detail": KEY})
    text = path.read_text()
    assert "Traceback" in text
    for secret in ("Zm9vYmFyYmF6", "AbC%2Fdef", "registered-as-it"):
        assert secret not in text


def test_other_libraries_lines_are_not_ours(path: Path) -> None:
    logging.getLogger("httpx").warning("GET https://x/?%s", SAS)
    assert path.read_text() == ""


def test_a_terminal_gets_readable_lines(tmp_path: Path) -> None:
    screen = io.StringIO()
    write_logs(tmp_path / "agent.log", level="info", terminal=screen)
    log_fault(log, "no grant", Fatal(ErrorCode.GRANT_REFUSED, "closed"), job_id="job_1")
    assert "closed" in screen.getvalue()
    assert "(job_1)" in screen.getvalue()
    assert not screen.getvalue().startswith("{")


def test_the_last_lines_over_rotated_files_of_one_job(path: Path) -> None:
    path.with_name("agent.log.1").write_text('{"job_id": "job_1", "message": "old"}\nnot json\n')
    log.info("one", extra={"job_id": "job_1"})
    log.info("two", extra={"job_id": "job_2"})
    log.info("three", extra={"job_id": "job_1"})
    shown, _ = lines_of(path, job="job_1", last=10)
    assert [line.content["message"] for line in shown] == ["old", "one", "three"]
    assert [line.content["message"] for line in lines_of(path, job="job_1", last=2)[0]] == ["one", "three"]
    assert lines_of(path, job=None, last=10)[0][1].text(as_json=False) == "not json"


def test_following_reads_whole_lines_and_goes_over_a_rotation(path: Path) -> None:
    log.info("before")
    _, position = lines_of(path, job=None, last=0)
    follower = Follower(path, position, job=None)

    def heard() -> list[str]:
        return [line.content["message"] for line in follower.lines(lambda seconds: True)]

    assert heard() == []
    log.info("one")
    with path.open("a") as half:
        half.write('{"message": "half')
    assert heard() == ["one"]
    with path.open("a") as rest:
        rest.write(' a line"}\n')
    assert heard() == ["half a line"]
    log.info("last of the old file")
    path.rename(path.with_name("agent.log.1"))
    path.write_text('{"message": "first of the new file"}\n')
    assert heard() == ["last of the old file", "first of the new file"]
    assert heard() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the full disk is a device of Linux")
def test_a_log_that_cannot_be_written_is_said_once_without_the_lines_content(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = tmp_path / "full.log"
    full.symlink_to("/dev/full")
    write_logs(full, level="info")
    log.error("PUT %s", SAS)
    log.error("PUT %s", SAS)
    said = capsys.readouterr().err
    assert said.count("cannot be written") == 1
    assert "No space left" in said
    assert "Traceback" not in said
    assert "sig=" not in said
    with contextlib.suppress(OSError):
        logging.getLogger(ROOT).handlers[0].close()
    logging.getLogger(ROOT).handlers.clear()
