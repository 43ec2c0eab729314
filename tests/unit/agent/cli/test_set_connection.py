"""`migrate-agent rockrms set-connection`: reads a secret, keeps it, and shows all of it but the secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from migrate_agent.cli.app import app
from migrate_agent.rockrms.connection_store import ConnectionStore
from migrate_contract.errors import ErrorCode, Fatal

PROJECT = "prj_000000000001"
SECRET = "a-password-of-some-length"
TEXT = f"Server=rock.example,1444;Database=RockRMS;User Id=reader;Password={SECRET};\n"


def run(folder: Path, *arguments: str, typed: str = "") -> tuple[int, str, BaseException | None]:
    """Exit code, output, and what it raised (main() turns that into a sentence)."""
    command = ["--state-dir", str(folder), "rockrms", "set-connection", *arguments]
    found = CliRunner().invoke(app, command, input=typed)
    assert SECRET not in found.output
    return found.exit_code, found.output, found.exception


def test_it_is_read_from_standard_input_kept_shown_and_forgotten(tmp_path: Path) -> None:
    code, output, _ = run(tmp_path, PROJECT, "--keep-in", "file", typed=TEXT)
    assert code == 0
    assert "server rock.example,1444, database RockRMS, user reader" in output
    assert ConnectionStore(tmp_path).connection_string(PROJECT) == TEXT.strip()
    _, shown, _ = run(tmp_path, "--show")
    assert PROJECT in shown
    _, as_json, _ = run(tmp_path, "--show", "--json", PROJECT)
    assert json.loads(as_json)[0]["shown"]["database"] == "RockRMS"
    assert run(tmp_path, PROJECT, "--forget")[0] == 0
    assert "No connection string" in run(tmp_path, "--show")[1]


@pytest.mark.parametrize("arguments", [(), ("project",), (PROJECT, "--forget")])
def test_a_wrong_command_line_keeps_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run(tmp_path, *arguments, typed=TEXT)[0] == 2
    assert ConnectionStore(tmp_path).held() == []


@pytest.mark.parametrize("typed", ["", f"Database=RockRMS;Password={SECRET}"])
def test_what_cannot_be_read_is_said_without_being_quoted(tmp_path: Path, typed: str) -> None:
    _, _, raised = run(tmp_path, PROJECT, typed=typed)
    assert isinstance(raised, Fatal)
    assert raised.code is ErrorCode.SQL_CONNECTION_STRING_INVALID
    assert SECRET not in str(raised)
