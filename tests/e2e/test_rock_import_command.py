"""`migrate-agent rockrms import`, as it is typed, against a Mission behind a socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.certificates import certificates_in
from local.mission.process import Mission
from local.ports import free_ports
from local.sqlserver import SqlServer
from tests.harness.rock_import import a_church

KEY = "the-integration-key-of-a-test"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SqlServer]:
    with SqlServer(a_church(tmp_path, people=100).path) as running:
        yield running


@pytest.fixture
def mission(tmp_path: Path) -> Iterator[Mission]:
    first, second = free_ports(2)
    certificates_in(tmp_path / "certificates")
    made = Mission(tmp_path, tmp_path / "certificates", KEY, (first, second))
    made.start()
    yield made
    made.stop()


def typed(tmp_path: Path, server: SqlServer, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "migrate_agent", "--home", str(tmp_path / "home"), "rockrms", "import", *words],
        input=server.connection_string(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "MIGRATE_MISSION_KEY": KEY, "SSL_CERT_FILE": str(tmp_path / "certificates" / "ca.pem")},
    )


def test_a_dry_run_then_the_import_then_nothing_left_to_send(
    tmp_path: Path, server: SqlServer, mission: Mission
) -> None:
    asked = ("--connection-string", "-", "--mission-url", mission.url, "--time-zone", "America/Phoenix")
    dry = typed(tmp_path, server, *asked, "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    assert json.loads(dry.stdout)["report"]["stage"] == "dry_run"
    assert sum(mission.control.counts().values()) == 0

    done = typed(tmp_path, server, *asked, "--report", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "Money matches  yes, to the cent" in done.stdout
    assert server.login.password not in done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.json", "errors.csv", "certificate.html"}
    counts = mission.control.counts()

    again: dict[str, Any] = json.loads(typed(tmp_path, server, *asked, "--json").stdout)
    assert all(found["imported"] == found["updated"] == 0 for found in again["entities"])
    assert mission.control.counts() == counts


def test_a_wrong_zone_and_a_missing_mission_are_refused_before_anything_is_opened(
    tmp_path: Path, server: SqlServer
) -> None:
    wrong = typed(tmp_path, server, "--connection-string", "-", "--dry-run", "--time-zone", "Arizona")
    assert wrong.returncode == 2
    assert "America/Phoenix" in wrong.stderr
    missing = typed(tmp_path, server, "--connection-string", "-", "--time-zone", "America/Phoenix")
    assert missing.returncode == 2
    assert "--mission-url" in missing.stderr
    assert server.statements == ()
