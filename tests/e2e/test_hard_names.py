"""One tree with every hard name: what `migrate-agent copy` makes of it, by its own ledger, by listing and by rclone."""

from __future__ import annotations

import json
import os
import secrets
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from local.azurite import Azurite
from local.certificates import Certificates
from tests.fixtures_stack import DATA_ACCOUNT
from tests.harness.agent_process import AgentProcess
from tests.harness.container import open_container, rclone_check, signed_url
from tests.harness.copy_engine import Container

NFC, NFD = unicodedata.normalize("NFC", "Grün é.txt"), unicodedata.normalize("NFD", "Grün é.txt")
COPIED = [
    "plain.txt",
    "Пример/документ.txt",
    "日本語/テスト.txt",
    "العربية/ملف.txt",
    "עברית.txt",
    "हिन्दी.txt",
    "emoji 😀 👩‍👩‍👧.txt",
    "right to left \u202e gpj.txt",
    "zero\u200bwidth.txt",
    "no break\u00a0space.txt",
    "line\u2028separator.txt",
    "\ufeffmark.txt",
    NFC,
    NFD,
    "Case.txt",
    "case.txt",
    " leading space.txt",
    "trailing space ",
    "   ",
    "two  spaces",
    "100%.txt",
    "%41 is not A.txt",
    "%2F is no slash.txt",
    "a+b&c=d.txt",
    "hash#question?.txt",
    "quote'double\".txt",
    "semi;colon:star*.txt",
    "pipe|less<more>.txt",
    "[brackets]{braces}.txt",
    "~tilde`grave^.txt",
    "$HOME.txt",
    "-dash.txt",
    "--option=value",
    ".hidden",
    "..two dots",
    "...three",
    ".folder/in it",
    "a.b.c/x.y",
    "CON",
    "nul.txt",
    "aux/COM1.log",
    "_onemigrate",
    "\u00ad",
    "n" * 255,
    "é" * 127,
    "/".join(["d" * 100] * 10),
    "/".join(str(index % 10) for index in range(250)),
]
"""Names that Blob Storage can hold."""
REFUSED = {
    "dot.": "ends with a dot",
    "folder./in it": "ends with a dot",
    "dots..": "ends with a dot",
    "back\\slash": "backslash",
    "slash\\": "backslash",
    "new\nline": "U+000A",
    "tab\tstop": "U+0009",
    "bell\x07": "U+0007",
    "delete\x7f": "U+007F",
    "escape\x1b[2J": "U+001B",
    "c1\x85": "U+0085",
    "noncharacter\uffff": "U+FFFF",
    "/".join(["e" * 200] * 6): "characters",
    "/".join(["s"] * 300): "folders and parts",
}
"""Names that it cannot, with a word of why."""
NOT_TEXT = [b"latin-1 \xe9.txt", b"half \xf0\x9f.txt", b"surrogate \xed\xa0\x80", b"f\xffolder/in it"]
LOOK_ALIKES = {NFC, NFD, "Case.txt", "case.txt"}
RESERVED = {"CON", "nul.txt", "aux/COM1.log", "trailing space ", "   "}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Each file holds its own name."""
    root = tmp_path / "source"
    for name in [*(name.encode() for name in (*COPIED, *REFUSED)), *NOT_TEXT]:
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(name)
    return root


@pytest.fixture
def container(azurite: Azurite, certificates: Certificates) -> Container:
    """An empty container of this test's own."""
    account = azurite.account(DATA_ACCOUNT)
    client = open_container(account.connection_string, str(certificates.ca_file), f"names-{secrets.token_hex(8)}")
    client.create_container()
    return Container(account, client, certificates.ca_file, account.blob_endpoint)


@pytest.fixture
def agent(tmp_path: Path, certificates: Certificates, container: Container) -> AgentProcess:
    process = AgentProcess(tmp_path / "home", "", str(certificates.ca_file))
    process.environment["MIGRATE_SAS_URL"] = container.sas_url
    return process


def shown(name: bytes) -> str:
    """As the ledger and the reports show what is not text."""
    return name.decode(errors="backslashreplace")


def not_copied(report: dict[str, Any]) -> dict[str, str]:
    """Path -> detail of what the report says is not copied, each for its name."""
    left = [found for found in report["attention"] if found["bucket"] != "transferred"]
    assert {(found["bucket"], found["code"]) for found in left} == {("unsupported", "name-unsupported")}
    return {found["path"]: found["detail"] for found in left}


def warned_of(report: dict[str, Any], code: str) -> set[str]:
    """Paths that are copied, with a warning of this code."""
    return {found["path"] for found in report["attention"] if (found["bucket"], found["code"]) == ("transferred", code)}


def test_every_hard_name_is_copied_or_named_before_a_byte_moves(
    tmp_path: Path, source: Path, container: Container, agent: AgentProcess
) -> None:
    refused = {*REFUSED, *(shown(name) for name in NOT_TEXT)}

    dry = agent.command("copy", str(source), "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    plan = json.loads(dry.stdout)
    foreseen = not_copied(plan)
    assert set(foreseen) == refused
    assert warned_of(plan, "name-collision") == LOOK_ALIKES
    assert warned_of(plan, "name-reserved") == RESERVED
    for name, words in REFUSED.items():
        assert words in foreseen[name], name
    for raw in NOT_TEXT:
        assert "not valid Unicode" in foreseen[shown(raw)]
    assert container.blobs() == {}

    ledger = tmp_path / "ledger.jsonl"
    ended = agent.command("copy", str(source), "--json", "--ledger", str(ledger))
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert not_copied(report) == foreseen
    counted = {(found["bucket"], found["code"]): found["files"] for found in report["findings"]}
    assert counted == {
        ("unsupported", "name-unsupported"): len(refused),
        ("transferred", "name-collision"): len(LOOK_ALIKES),
        ("transferred", "name-reserved"): len(RESERVED),
    }
    assert report["files"] == dict.fromkeys(report["files"], 0) | {
        "scanned": len(COPIED) + len(refused),
        "transferred": len(COPIED),
        "unsupported": len(refused),
    }
    rows = {row["path"]: row for row in map(json.loads, ledger.read_bytes().splitlines())}
    assert set(rows) == {*COPIED, *refused}
    assert {name for name, row in rows.items() if row["code"] == "name-collision"} == LOOK_ALIKES
    assert {name for name, row in rows.items() if row["code"] == "name-reserved"} == RESERVED

    assert container.blobs() == {name: name.encode() for name in COPIED}
    agrees_with_rclone(tmp_path, source, container, refused)


def agrees_with_rclone(tmp_path: Path, source: Path, container: Container, refused: set[str]) -> None:
    """rclone reads every byte of both sides, and misses exactly what was refused. It writes names in a way of its own
    (control characters as pictures, bytes as quoted), so those are compared by number; and it would take two Unicode
    forms of a name for one."""
    kinds = ("match", "differ", "missing-on-dst", "missing-on-src", "error")
    lists = {kind: tmp_path / f"{kind}.txt" for kind in kinds}
    options = [
        "--no-unicode-normalization",
        *(word for kind, path in lists.items() for word in (f"--{kind}", str(path))),
    ]
    checked = rclone_check(
        source, signed_url(container.account, container.client.container_name), str(container.ca_file), *options
    )
    found = {
        kind: set(path.read_text(encoding="utf-8", errors="replace").split("\n")) - {""} for kind, path in lists.items()
    }
    assert not found["differ"], checked.stderr
    assert not found["missing-on-src"], checked.stderr
    assert not found["error"], checked.stderr
    assert found["match"] == set(COPIED)
    assert len(found["missing-on-dst"]) == len(refused), found["missing-on-dst"]
