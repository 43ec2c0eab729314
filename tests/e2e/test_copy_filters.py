"""Filters and preflight through `migrate-agent copy`: every file that is left out is accounted for."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.azurite import Azurite
from local.certificates import Certificates
from tests.fixtures_stack import DATA_ACCOUNT
from tests.harness.agent_process import AgentProcess
from tests.harness.container import files, open_container
from tests.harness.copy_engine import Container

OLD, NEW = datetime(2020, 5, 1, tzinfo=UTC).timestamp(), datetime(2026, 5, 1, tzinfo=UTC).timestamp()


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
    process = AgentProcess(tmp_path / "home", "", str(certificates.ca_file), TZ="Europe/Berlin")
    process.environment["MIGRATE_SAS_URL"] = container.sas_url
    return process


def made(root: Path, path: str, size: int = 2000, at: float = NEW) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(os.urandom(size))
    os.utime(target, (at, at))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One file for each filter, and three that pass all of them."""
    root = tmp_path / "source"
    for path in ("keep.txt", "docs/keep.md", "docs/deep/keep.txt"):
        made(root, path)
    made(root, "docs/draft.tmp")
    made(root, "docs/listed.bak")
    made(root, "build/out/a.txt")
    made(root, "docs/picture.png")
    made(root, "docs/small.txt", size=10)
    made(root, "docs/large.txt", size=20_000)
    made(root, "docs/old.txt", at=OLD)
    made(root, "docs/.hidden.txt")
    made(root, ".cache/x.txt")
    made(root, "docs/~$keep.txt")
    made(root, "docs/THUMBS.DB")
    made(root, "$Recycle.Bin/S-1/a.txt")
    made(root, "docs/deep/deeper/far.txt")
    (root / "docs" / "link.txt").symlink_to("keep.md")
    return root


def copied(agent: AgentProcess, *arguments: str | Path, expected: int = 0) -> dict[str, Any]:
    """Result: the JSON of a copy that ended with `expected`."""
    ended = agent.command("copy", *map(str, arguments), "--json")
    assert ended.returncode == expected, ended.stdout + ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


EXCLUDED = {
    "docs/draft.tmp": "excluded by '*.tmp'",
    "docs/listed.bak": "excluded by '*.bak'",
    "build/out/a.txt": "excluded by '/build'",
    "docs/picture.png": "no include pattern matches",
    "docs/small.txt": "smaller than 1 KiB",
    "docs/large.txt": "larger than 10 KB",
    "docs/old.txt": "last modified before 2025-12-31 23:00Z",
    "docs/.hidden.txt": "hidden: its name begins with a dot",
    ".cache/x.txt": "hidden: its name begins with a dot",
    "docs/~$keep.txt": "excluded by default: '~$*'",
    "docs/THUMBS.DB": "excluded by default: 'Thumbs.db'",
    "$Recycle.Bin/S-1/a.txt": "excluded by default: '$RECYCLE.BIN/'",
    "docs/deep/deeper/far.txt": "deeper than level 3",
    "docs/link.txt": "the job does not follow links",
}


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    (tmp_path / "exclude.txt").write_text("# what the editor leaves\n\n  *.bak\n")
    (tmp_path / "include.txt").write_text("*.md\n*.tmp\n*.bak\n", encoding="utf-8-sig")
    return [
        *("--exclude", "*.tmp", "--exclude", "/build", "--exclude-from", str(tmp_path / "exclude.txt")),
        *("--include", "*.txt", "--include-from", str(tmp_path / "include.txt")),
        *("--min-size", "1KiB", "--max-size", "10 KB"),
        *("--modified-after", "2026-01-01", "--modified-before", "2026-06-01T00:00Z"),
        *("--exclude-hidden", "--exclude-system", "--max-depth", "3"),
    ]


def test_every_file_that_is_left_out_is_accounted_for(
    agent: AgentProcess, tree: Path, container: Container, options: list[str], tmp_path: Path
) -> None:
    plan = copied(agent, tree, "--dry-run", "--list-excluded", *options)
    assert container.blobs() == {}
    report = copied(agent, tree, "--list-excluded", "--ledger", tmp_path / "ledger.jsonl", *options)
    for found in (plan, report):
        assert {row["path"]: row["detail"] for row in found["excluded"]} == EXCLUDED
        assert found["files"]["excluded"] == len(EXCLUDED)
        assert found["files"]["transferred"] == 3
        assert found["files"]["scanned"] == len(EXCLUDED) + 3
        rules = {kind["detail"]: kind["files"] for kind in found["findings"] if kind["code"] == "filtered-out"}
        assert rules == {rule: list(EXCLUDED.values()).count(rule) for rule in EXCLUDED.values() if "links" not in rule}
    assert {row["path"] for row in plan["attention"]} == {"docs/link.txt"}, "what filters leave out is no surprise"
    passed = {"keep.txt", "docs/keep.md", "docs/deep/keep.txt"}
    assert container.blobs() == {path: content for path, content in files(tree).items() if path in passed}
    rows = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert {row["path"]: row["detail"] for row in rows if row["bucket"] == "excluded"} == EXCLUDED


def test_a_person_reads_which_rule_left_what_out(agent: AgentProcess, tree: Path) -> None:
    ended = agent.command("copy", str(tree), "--dry-run", "--list-excluded", "--exclude", "*.tmp", "--at-mbps", "0.1")
    assert ended.returncode == 0, ended.stderr
    assert "excluded: docs/draft.tmp: excluded by '*.tmp'" in ended.stdout
    assert "excluded by default: 'Thumbs.db'" in ended.stdout
    assert "At 0.1 Mbps the bytes alone take about" in ended.stdout
    quiet = agent.command("copy", str(tree), "--exclude", "*.tmp")
    assert "excluded: docs" not in quiet.stdout
    assert "excluded by '*.tmp'" in quiet.stdout


def test_no_default_excludes_copies_everything(agent: AgentProcess, tree: Path, container: Container) -> None:
    report = copied(agent, tree, "--no-default-excludes")
    assert report["files"]["excluded"] == 1, "the link"
    assert container.blobs() == files(tree)


def test_a_manifest_is_all_that_is_copied(
    agent: AgentProcess, tree: Path, container: Container, tmp_path: Path
) -> None:
    manifest = tmp_path / "wave.csv"
    manifest.write_text("row,path\n1,keep.txt\n2,docs/deep\n3,docs/gone.txt\n4,docs/~$keep.txt\n")
    report = copied(agent, tree, "--manifest", manifest, expected=1)
    assert sorted(container.blobs()) == ["docs/deep/deeper/far.txt", "docs/deep/keep.txt", "keep.txt"]
    (missing,) = report["attention"]
    assert (missing["path"], missing["code"]) == ("docs/gone.txt", "manifest-path-missing")
    assert "line 4 of the manifest" in missing["detail"]
    assert (report["files"]["scanned"], report["files"]["excluded"]) == (5, 1)
    manifest.write_text("keep.txt\n../etc/passwd\n")
    malformed = copied(agent, tree, "--manifest", manifest, expected=2)
    assert malformed["fault"]["code"] == "manifest-invalid"
    assert "line 2" in malformed["fault"]["detail"]
    absent = copied(agent, tree, "--manifest", tmp_path / "none.csv", expected=2)
    assert absent["fault"]["code"] == "manifest-not-readable"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--min-size", "10K"), "is no size: write a number"),
        (("--min-size", "2KiB", "--max-size", "2KB"), "no file can pass"),
        (("--modified-after", "yesterday"), "is no date"),
        (("--modified-after", "2026-02-01", "--modified-before", "2026-01-01"), "no file can pass"),
        (("--max-depth", "0"), "greater than or equal to 1"),
        (("--exclude", ""), "the pattern is empty"),
        (("--exclude-from", "/none/such"), "--exclude-from: cannot read"),
        (("--check-readable",), "belong to --dry-run"),
        (("--dry-run", "--at-mbps", "0"), "above 0"),
    ],
)
def test_options_that_make_no_sense_are_wrong_usage(
    agent: AgentProcess, tree: Path, arguments: tuple[str, ...], words: str
) -> None:
    ended = agent.command("copy", str(tree), *arguments)
    assert ended.returncode == 2
    shown = " ".join(ended.stderr.replace("│", " ").split())
    assert words in shown


@pytest.fixture
def leased(tmp_path: Path) -> Iterator[Path]:
    """A file that no one can open for now: only root is not stopped by permissions, and a lease stops root, too."""
    path = tmp_path / "source" / "leased.bin"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"held")
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    with path.open("r+b") as held:
        fcntl.fcntl(held.fileno(), fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield path
    signal.signal(signal.SIGIO, before)


def test_a_dry_run_names_everything_that_is_wrong(agent: AgentProcess, container: Container, leased: Path) -> None:
    root = leased.parent
    composed, decomposed = unicodedata.normalize("NFC", "é.txt"), unicodedata.normalize("NFD", "é.txt")
    for name in ("fine.txt", "日本語.txt", "A.txt", "a.txt", composed, decomposed, "dot.", "tab\there", "back\\slash"):
        made(root, name)
    made(root, "folder./inside")
    made(root, "/".join(["d" * 200] * 5 + ["e" * 30]))
    Path(os.fsdecode(os.fsencode(root) + b"/bytes\xff")).write_bytes(b"x")
    os.mkfifo(root / "pipe")
    (root / "lost").symlink_to("nowhere")
    blind = copied(agent, root, "--dry-run", "--symlinks", "follow")
    plan = copied(agent, root, "--dry-run", "--symlinks", "follow", "--check-readable")
    kinds = {(kind["bucket"], kind["code"]): kind["files"] for kind in plan["findings"]}
    assert kinds == {
        ("unsupported", "name-unsupported"): 6,
        ("unsupported", "special-file"): 1,
        ("transferred", "name-collision"): 4,
        ("failed", "symlink-broken"): 1,
        ("failed", "source-locked"): 1,
    }
    assert ("failed", "source-locked") not in {(kind["bucket"], kind["code"]) for kind in blind["findings"]}
    assert (blind["files"]["failed"], plan["files"]["failed"]) == (1, 2)
    assert plan["files"]["transferred"] == 6
    assert plan["attention_files"] == len(plan["attention"]) == 13
    named = {row["path"] for row in plan["attention"] if row["code"] == "name-unsupported"}
    assert {"dot.", "folder./inside", "tab\there", "back\\slash", "bytes\\xff"} < named
    assert plan["attention"][-1]["code"] == "name-collision", "what is copied all the same comes last"
    assert all(row["fix"] for row in plan["attention"])
    assert container.blobs() == {}
