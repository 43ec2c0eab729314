"""The script of the Entra app registrations, as far as it goes without Azure: what it would run."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "register-apps"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False)


def commands(ended: subprocess.CompletedProcess[str]) -> list[list[str]]:
    prefix = "would run:"
    return [shlex.split(line.removeprefix(prefix)) for line in ended.stderr.splitlines() if line.startswith(prefix)]


def test_a_dry_run_changes_nothing_and_shows_every_command() -> None:
    ended = run("--url", "https://migrate.example.org", "--identity", "principal-1", "--dry-run")
    assert ended.returncode == 0, ended.stderr
    shown = commands(ended)
    assert all(command[0] == "az" for command in shown)
    made = [command for command in shown if command[1:4] == ["ad", "app", "create"]]
    assert [command[command.index("--sign-in-audience") + 1] for command in made] == [
        "AzureADMyOrg",
        "AzureADMultipleOrgs",
    ]
    (trust,) = [command for command in shown if "federated-credential" in command]
    assert json.loads(trust[trust.index("--parameters") + 1])["subject"] == "principal-1"
    addresses = [command[index + 1] for command in shown for index, word in enumerate(command) if "redirect" in word]
    assert addresses == [
        "https://migrate.example.org/.auth/login/aad/callback",
        "https://migrate.example.org/connect/callback",
    ]
    assert "ONEMIGRATE_CONSENT_SECRET_EXPIRES_ON=" in ended.stdout


def test_the_addresses_are_the_apps_own() -> None:
    from functions.domain.connection import APPROVED_PATH, CALLBACK_PATH

    text = SCRIPT.read_text()
    assert f'"$url{CALLBACK_PATH}" "$url{APPROVED_PATH}"' in text


@pytest.mark.parametrize(
    "arguments",
    [(), ("--url", "http://x.example"), ("--url", "https://x/path"), ("--nonsense",), ("--secret-months", "0")],
)
def test_what_it_cannot_use_is_refused(arguments: tuple[str, ...]) -> None:
    ended = run(*arguments, "--dry-run")
    assert ended.returncode == 2
    assert ended.stderr


def test_help_teaches() -> None:
    ended = run("--help")
    assert ended.returncode == 0
    assert "--dry-run" in ended.stdout
