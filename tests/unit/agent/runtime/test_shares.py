"""Credentials of shares: kept privately, used before a source is read, and shown nowhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from migrate_agent.cli.app import app
from migrate_agent.runtime.job_runner import JobRunner
from migrate_agent.runtime.shares import ShareOpener, refusal, system_sessions
from migrate_agent.runtime.status import Status
from migrate_agent.share_credentials import (
    SHARES_FILE,
    ShareCredential,
    credential_for,
    forget_share,
    keep_share,
    known_shares,
)
from migrate_agent.stop import StopKind, StopSignal
from migrate_agent.store.journal import Journal
from migrate_agent.transfer.windows_paths import share_of
from migrate_contract.commands import CommandResult, CommandStatus
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobPhase, LocalSource
from tests.harness.scripted_engine import Script, a_spec

PASSWORD = "correct horse battery"
NAS = ShareCredential(share="\\\\NAS\\Data", user="SITE\\copy", password=PASSWORD)


class ScriptedSessions:
    """Windows' sessions; every sign-in is answered with `number`."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.signed_in: list[tuple[str, str, str]] = []

    def sign_in(self, share: str, user: str, password: str) -> int:
        self.signed_in.append((share, user, password))
        return self.number


@pytest.mark.parametrize(
    ("path", "share"),
    [
        ("\\\\nas\\data\\a\\b", "\\\\nas\\data"),
        ("//nas/data", "\\\\nas\\data"),
        ("\\\\?\\UNC\\nas\\data\\a", "\\\\nas\\data"),
        ("\\\\?\\unc\\nas\\data", "\\\\nas\\data"),
        ("\\\\nas", None),
        ("\\\\nas\\", None),
        ("\\\\?\\C:\\x", None),
        ("\\\\.\\pipe\\x", None),
        ("Z:\\x", None),
        ("/srv/share", None),
    ],
)
def test_the_share_of_a_path(path: str, share: str | None) -> None:
    assert share_of(path) == share


def test_credentials_are_kept_for_their_owner_only_and_one_for_each_share(tmp_path: Path) -> None:
    assert known_shares(tmp_path) == []
    keep_share(tmp_path, NAS)
    keep_share(tmp_path, ShareCredential(share="\\\\backup\\x", user="b", password="p"))
    assert stat.S_IMODE((tmp_path / SHARES_FILE).stat().st_mode) == 0o600
    assert [kept.share for kept in known_shares(tmp_path)] == ["\\\\backup\\x", "\\\\NAS\\Data"]
    assert credential_for(tmp_path, "\\\\nas\\DATA") == NAS
    keep_share(tmp_path, ShareCredential(share="\\\\nas\\data", user="other", password="p"))
    assert [kept.user for kept in known_shares(tmp_path)] == ["b", "other"]
    assert forget_share(tmp_path, "\\\\Nas\\Data")
    assert not forget_share(tmp_path, "\\\\nas\\data")
    assert credential_for(tmp_path, "\\\\nas\\data") is None
    assert PASSWORD not in repr(NAS)


def test_a_damaged_file_is_refused_without_its_content(tmp_path: Path) -> None:
    keep_share(tmp_path, NAS)
    path = tmp_path / SHARES_FILE
    path.write_text(path.read_text().replace('"user"', '"nobody"'))
    with pytest.raises(Fatal) as refused:
        known_shares(tmp_path)
    assert refused.value.code is ErrorCode.CONFIG_INVALID
    assert PASSWORD not in str(refused.value)
    assert refused.value.__cause__ is None


def test_only_a_source_on_a_known_share_is_signed_in_for(tmp_path: Path) -> None:
    keep_share(tmp_path, NAS)
    sessions = ScriptedSessions()
    opener = ShareOpener(tmp_path, sessions)
    for source in ("/srv/share", "D:\\x", "\\\\nas\\other", "\\\\nas2\\data"):
        opener.open(source)
    assert sessions.signed_in == []
    opener.open("\\\\nas\\data\\reports")
    assert sessions.signed_in == [("\\\\NAS\\Data", "SITE\\copy", PASSWORD)]


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (1326, ErrorCode.SHARE_SIGN_IN_FAILED, "wrong"),
        (1909, ErrorCode.SHARE_SIGN_IN_FAILED, "locked"),
        (5, ErrorCode.SHARE_SIGN_IN_FAILED, "denied"),
        (1219, ErrorCode.SHARE_SIGN_IN_FAILED, "somebody else"),
        (53, ErrorCode.SOURCE_NOT_FOUND, "error 53"),
        (67, ErrorCode.SOURCE_NOT_FOUND, "cannot be reached"),
    ],
)
def test_what_a_failed_sign_in_means(tmp_path: Path, number: int, code: ErrorCode, words: str) -> None:
    keep_share(tmp_path, NAS)
    with pytest.raises(Fatal) as refused:
        ShareOpener(tmp_path, ScriptedSessions(number)).open("\\\\nas\\data")
    assert refused.value.code is code
    assert words in refused.value.detail
    assert "SITE\\copy" in refused.value.detail
    assert PASSWORD not in refused.value.detail


def test_where_the_system_mounts_shares_nothing_is_signed_in(tmp_path: Path) -> None:
    keep_share(tmp_path, NAS)
    assert system_sessions() is None
    ShareOpener(tmp_path).open("\\\\nas\\data")


def test_a_job_whose_share_refuses_fails_with_the_code_and_no_engine(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    spec = a_spec().model_copy(update={"source": LocalSource(path="\\\\nas\\data\\x")})
    journal.accept(spec, "cmd_1", CommandResult(status=CommandStatus.ACCEPTED))
    journal.confirm(spec.job_id, 1)
    keep_share(tmp_path, NAS)
    stop, script = StopSignal(), Script()

    def changed() -> None:
        record = journal.job(spec.job_id)
        if record is not None and record.phase is JobPhase.FAILED:
            stop.request(StopKind.STOP)

    runner = JobRunner(
        journal,
        script.make,
        stop,
        Status(tmp_path, {}),
        on_change=changed,
        on_lost=lambda job_id, attempt: stop.request(StopKind.STOP),
        open_share=ShareOpener(tmp_path, ScriptedSessions(1326)).open,
    )
    runner.run()
    record = journal.job(spec.job_id)
    journal.close()
    assert record is not None
    assert record.phase is JobPhase.FAILED
    assert record.fault is not None
    assert record.fault.code == "share-sign-in-failed"
    assert script.runs == []
    assert refusal(1326, NAS).detail == record.fault.detail


def test_the_command_keeps_lists_and_forgets_and_never_shows_a_password(tmp_path: Path) -> None:
    def run(*arguments: str, typed: str = "", code: int = 0) -> str:
        ended = CliRunner().invoke(app, ["--home", str(tmp_path), "share", *arguments], input=typed)
        assert ended.exit_code == code, ended.output
        assert PASSWORD not in ended.output
        return ended.output

    assert "None" in run("list")
    run("add", "\\\\nas\\data\\below", "--user", "SITE\\copy", typed=PASSWORD + "\n")
    assert run("list").split() == ["\\\\nas\\data", "SITE\\copy"]
    assert '"user": "SITE\\\\copy"' in run("list", "--json")
    (path,) = tmp_path.rglob(SHARES_FILE)
    assert credential_for(path.parent, "\\\\nas\\data") == ShareCredential(
        share="\\\\nas\\data", user="SITE\\copy", password=PASSWORD
    )
    run("add", "Z:\\data", "--user", "u", typed="p\n", code=2)
    run("remove", "\\\\nas\\other", code=2)
    run("remove", "\\\\nas\\data")
    assert "None" in run("list")
