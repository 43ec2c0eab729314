"""The Bicep files are whole: their syntax, the modules that they name, and what no resource may be without."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.infra.bicep import INFRA, faults, objects

FILES = sorted(INFRA.rglob("*.bicep"))
CHECKER = os.environ.get("BICEPCHECK", "")


def name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", FILES, ids=name)
def test_the_syntax_is_right(path: Path) -> None:
    assert faults(path.read_bytes()) == []


def test_a_fault_is_found() -> None:
    broken = (INFRA / "modules" / "vault.bicep").read_bytes().replace(b"properties: {", b"properties: ", 1)
    assert faults(broken)


@pytest.mark.skipif(not CHECKER, reason="BICEPCHECK does not name the checker of types")
def test_names_parameters_and_types_are_right() -> None:
    for path in FILES:
        ended = subprocess.run([sys.executable, CHECKER, path], capture_output=True, text=True, check=False)
        assert ended.stdout.strip().endswith("0 error(s)"), ended.stdout + ended.stderr
        assert "warning" not in ended.stdout, ended.stdout


def test_every_module_is_used_and_every_module_named_is_there() -> None:
    named = set(re.findall(r"'(modules/[a-z-]+\.bicep)'", (INFRA / "main.bicep").read_text()))
    assert named == {f"modules/{path.name}" for path in (INFRA / "modules").glob("*.bicep")}


def test_main_only_composes() -> None:
    assert not re.search(r"^resource ", (INFRA / "main.bicep").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", [path for path in FILES if path.name in ("storage.bicep", "data.bicep")], ids=name)
def test_no_account_has_keys_or_public_blobs(path: Path) -> None:
    (account,) = [each for each in objects(path.read_bytes()) if "allowSharedKeyAccess" in each]
    assert account["allowSharedKeyAccess"] == "false"
    assert account["allowBlobPublicAccess"] == "false"
    assert account["minimumTlsVersion"] == "'TLS1_2'"


def test_the_vault_cannot_be_purged() -> None:
    (vault,) = [
        each for each in objects((INFRA / "modules" / "vault.bicep").read_bytes()) if "enablePurgeProtection" in each
    ]
    assert vault["enablePurgeProtection"] == vault["enableRbacAuthorization"] == "true"


def test_secrets_come_from_outside_and_are_marked_so() -> None:
    text = (INFRA / "main.bicep").read_text()
    for secret in ("consentClientSecret", "secretKey", "smtpPassword"):
        assert re.search(rf"@secure\(\)\nparam {secret} string", text)
    for path in INFRA.glob("*.bicepparam"):
        for line in path.read_text().splitlines():
            if re.match(r"param (\w*[sS]ecret\w*|secretKey|smtpPassword) =", line):
                assert "readEnvironmentVariable(" in line


@pytest.mark.parametrize("path", sorted(INFRA.glob("*.bicepparam")), ids=name)
def test_parameter_files_name_parameters_of_main(path: Path) -> None:
    declared = set(re.findall(r"^param (\w+) ", (INFRA / "main.bicep").read_text(), re.MULTILINE))
    given = set(re.findall(r"^param (\w+) =", path.read_text(), re.MULTILINE))
    assert given <= declared
    required = set(re.findall(r"^param (\w+) \S+$", (INFRA / "main.bicep").read_text(), re.MULTILINE))
    assert required <= given
