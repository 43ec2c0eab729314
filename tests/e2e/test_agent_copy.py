"""`migrate-agent copy`: one folder to one container, no control plane; a real process against a real emulator."""

from __future__ import annotations

import csv
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.azurite import Azurite
from local.certificates import Certificates
from tests.fixtures_stack import DATA_ACCOUNT
from tests.harness.agent_process import AgentProcess
from tests.harness.conditions import eventually
from tests.harness.container import blobs, files, open_container
from tests.harness.copy_engine import Container


@pytest.fixture
def container(azurite: Azurite, certificates: Certificates) -> Container:
    """An empty container of this test's own."""
    account = azurite.account(DATA_ACCOUNT)
    client = open_container(account.connection_string, str(certificates.ca_file), f"copy-{secrets.token_hex(8)}")
    client.create_container()
    return Container(account, client, certificates.ca_file, account.blob_endpoint)


@pytest.fixture
def agent(tmp_path: Path, certificates: Certificates, container: Container) -> AgentProcess:
    """An install that was never registered; the SAS URL is in its environment."""
    process = AgentProcess(tmp_path / "home", "", str(certificates.ca_file))
    process.environment["MIGRATE_SAS_URL"] = container.sas_url
    return process


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "folder" / "deeper").mkdir(parents=True)
    (root / "folder" / "a ü.txt").write_text("a")
    (root / "folder" / "deeper" / "b.bin").write_bytes(os.urandom(300_000))
    (root / "empty").write_bytes(b"")
    return root


def copied(agent: AgentProcess, *arguments: str | Path, expected: int = 0) -> dict[str, Any]:
    """Result: the JSON of a copy that ended with `expected`."""
    ended = agent.command("copy", *map(str, arguments), "--json")
    assert ended.returncode == expected, ended.stdout + ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def adds_up(tally: dict[str, int]) -> bool:
    return tally["scanned"] == sum(count for bucket, count in tally.items() if bucket != "scanned")


def test_a_complete_copy_exits_0_and_a_second_sends_nothing(
    agent: AgentProcess, source: Path, container: Container
) -> None:
    first = copied(agent, source)
    assert (first["outcome"], first["exit_code"]) == ("complete", 0)
    assert first["files"]["transferred"] == first["verified_files"] == 3
    assert adds_up(first["files"])
    assert adds_up(first["bytes"])
    assert container.blobs() == files(source)
    second = copied(agent, source)
    assert (second["files"]["transferred"], second["files"]["unchanged"]) == (0, 3)
    assert not second["resumed"]


def test_a_person_reads_the_result(agent: AgentProcess, source: Path) -> None:
    ended = agent.command("copy", str(source))
    assert ended.returncode == 0
    assert "Transferred" in ended.stdout
    assert "Complete:" in ended.stdout


def test_files_that_fail_exit_1_and_are_named_with_a_fix(
    agent: AgentProcess, source: Path, container: Container
) -> None:
    container.client.upload_blob("empty", b"somebody else's")
    report = copied(agent, source, expected=1)
    assert report["outcome"] == "complete_with_failures"
    assert [(found["path"], found["code"]) for found in report["attention"]] == [("empty", "target-exists")]
    assert report["attention"][0]["fix"]
    assert container.blobs()["empty"] == b"somebody else's"
    assert copied(agent, source, "--overwrite", "always")["files"]["failed"] == 0


def test_a_copy_that_fails_as_a_whole_exits_2(agent: AgentProcess, source: Path, container: Container) -> None:
    missing = copied(agent, source / "missing", expected=2)
    assert (missing["outcome"], missing["fault"]["code"]) == ("failed", "source-not-found")
    agent.environment["MIGRATE_SAS_URL"] = container.sas_url.replace("copy-", "gone-")
    refused = agent.command("copy", str(source))
    assert refused.returncode == 2
    assert "Fix:" in refused.stderr


@pytest.mark.parametrize("url", ["", "https://account.example/container", "http://account.example/c?sig=x", "nonsense"])
def test_what_is_no_sas_url_is_refused_without_being_shown(agent: AgentProcess, source: Path, url: str) -> None:
    agent.environment["MIGRATE_SAS_URL"] = url
    ended = agent.command("copy", str(source), "--json")
    assert ended.returncode == 2, "not 1: that would say that all but some files were copied"
    assert "sas-url-invalid" in ended.stderr
    assert "sig=x" not in ended.stderr + ended.stdout
    assert json.loads(ended.stdout)["fault"]["code"] == "sas-url-invalid"


def test_a_dry_run_writes_nothing(agent: AgentProcess, source: Path, container: Container) -> None:
    plan = copied(agent, source, "--dry-run")
    assert plan["files"]["transferred"] == 3
    assert container.blobs() == {}
    assert copied(agent, source)["files"]["transferred"] == 3


def test_prefix_and_filters(agent: AgentProcess, source: Path, container: Container) -> None:
    report = copied(agent, source, "--prefix", "2026/share", "--exclude", "*.bin", "--concurrency", "2")
    assert sorted(container.blobs()) == ["2026/share/empty", "2026/share/folder/a ü.txt"]
    assert report["files"]["excluded"] == 1


@pytest.mark.parametrize(
    "arguments", [("--prefix", "../up"), ("--concurrency", "99"), ("--concurrency", "many"), ("--overwrite", "maybe")]
)
def test_wrong_options_are_wrong_usage(agent: AgentProcess, source: Path, arguments: tuple[str, str]) -> None:
    ended = agent.command("copy", str(source), *arguments)
    assert ended.returncode == 2
    assert "Usage" in ended.stderr


def test_an_empty_source_is_not_the_folder_one_is_in(
    agent: AgentProcess, container: Container, monkeypatch: pytest.MonkeyPatch, source: Path
) -> None:
    monkeypatch.chdir(source)
    ended = agent.command("copy", "")
    assert ended.returncode == 2
    assert "SOURCE is empty" in ended.stderr
    assert container.blobs() == {}


def test_a_file_name_cannot_steer_the_terminal_or_forge_a_line(agent: AgentProcess, source: Path) -> None:
    (source / "bell\x1b[2J\nComplete: forged").write_text("a")
    ended = agent.command("copy", str(source))
    assert ended.returncode == 0
    assert "\x1b" not in ended.stdout
    assert r"bell\x1b[2J\nComplete: forged" in ended.stdout


def test_an_outage_is_told_when_it_begins(
    agent: AgentProcess, source: Path, container: Container, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    address = f"https://127.0.0.1:{nobody}/account/container?sig=c2lnbmF0dXJl"
    said = tmp_path / "said"
    with said.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "migrate_agent", "copy", str(source), address], env=agent.environment, stderr=stream
        )
    try:
        # Well before the line that comes every 30 seconds.
        eventually(lambda: b"no connection to 127.0.0.1" in said.read_bytes(), seconds=20, what="the outage is told")
    finally:
        process.kill()
        process.wait(30)


def test_the_ledger_lists_every_file(agent: AgentProcess, source: Path, tmp_path: Path) -> None:
    copied(agent, source, "--ledger", tmp_path / "ledger.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert {row["path"] for row in rows} == set(files(source))
    assert [row["row"] for row in rows] == [1, 2, 3]


def test_the_signature_comes_by_standard_input_and_is_in_no_file(
    agent: AgentProcess, source: Path, container: Container
) -> None:
    del agent.environment["MIGRATE_SAS_URL"]
    (agent.home / "agent.toml").write_text('[log]\nlevel = "debug"\n')
    ended = subprocess.run(
        [sys.executable, "-m", "migrate_agent", "copy", str(source), "-"],
        env=agent.environment,
        input=container.sas_url + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    signature = container.sas_url.partition("sig=")[2].partition("&")[0]
    assert signature not in ended.stdout + ended.stderr
    for path in agent.home.rglob("*"):
        if path.is_file():
            assert signature.encode() not in path.read_bytes(), path


def test_an_interrupted_copy_goes_on_where_it_was(agent: AgentProcess, tmp_path: Path, container: Container) -> None:
    source = tmp_path / "many"
    source.mkdir()
    for index in range(300):
        (source / f"file {index}").write_bytes(os.urandom(20_000))
    slow = ("--bandwidth-limit-mbps", "8")
    process = subprocess.Popen(
        [sys.executable, "-m", "migrate_agent", "copy", str(source), *slow, "--json"],
        env=agent.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: len(list(container.client.list_blob_names())) >= 20, seconds=30, what="some files")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    broken = json.loads(output)
    assert broken["outcome"] == "interrupted"
    assert 0 < broken["files"]["transferred"] < 300
    assert adds_up(broken["files"])
    report = copied(agent, source)
    assert report["resumed"]
    assert (report["files"]["transferred"], report["files"]["scanned"]) == (300, 300)
    assert blobs(container.client) == files(source)


def test_a_killed_copy_goes_on_where_it_was(agent: AgentProcess, tmp_path: Path, container: Container) -> None:
    source = tmp_path / "many"
    source.mkdir()
    for index in range(300):
        (source / f"file {index}").write_bytes(os.urandom(20_000))
    command = [sys.executable, "-m", "migrate_agent", "copy", str(source), "--bandwidth-limit-mbps", "8"]
    process = subprocess.Popen(command, env=agent.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: len(list(container.client.list_blob_names())) >= 20, seconds=30, what="some files")
    process.kill()
    process.wait(10)
    report = copied(agent, source)
    assert report["resumed"]
    assert report["files"]["transferred"] + report["files"]["unchanged"] == 300
    assert blobs(container.client) == files(source)


def test_the_same_copy_twice_at_once_is_refused(agent: AgentProcess, tmp_path: Path, container: Container) -> None:
    source = tmp_path / "many"
    source.mkdir()
    for index in range(100):
        (source / f"file {index}").write_bytes(os.urandom(20_000))
    command = [sys.executable, "-m", "migrate_agent", "copy", str(source), "--bandwidth-limit-mbps", "2"]
    process = subprocess.Popen(command, env=agent.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: list(container.client.list_blob_names()), seconds=30, what="a file")
        second = agent.command("copy", str(source), "--bandwidth-limit-mbps", "2")
        assert second.returncode == 2
        assert "already-running" in second.stderr
    finally:
        process.kill()
        process.wait(10)


def test_a_copy_into_the_archive_lists_what_is_safe_to_delete(
    agent: AgentProcess, source: Path, container: Container, tmp_path: Path
) -> None:
    listed = tmp_path / "safe.csv"
    report = copied(agent, source, "--access-tier", "archive", "--safe-to-delete", listed)
    assert report["safe_to_delete_files"] == 3
    assert {str(blob.blob_tier) for blob in container.client.list_blobs()} == {"Archive"}
    with listed.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["path"] for row in rows} == set(files(source))
    assert {(row["verification"], row["access_tier"]) for row in rows} == {("stored", "archive")}
    assert files(source)

    (source / "folder" / "a ü.txt").write_text("changed since")
    report = copied(agent, source, "--access-tier", "archive", "--safe-to-delete", listed, expected=1)
    assert [(found["path"], found["code"]) for found in report["attention"]] == [("folder/a ü.txt", "target-archived")]
    with listed.open(newline="") as stream:
        assert {row["path"] for row in csv.DictReader(stream)} == {"empty", "folder/deeper/b.bin"}
    refused = agent.command("copy", str(source), "--safe-to-delete", str(listed), "--verification", "block")
    assert refused.returncode == 2
