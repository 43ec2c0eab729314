"""`migrate-agent rockrms test` and `grant-script`, as processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from local.certificates import certificates_in
from local.church import generate
from local.sqlserver import SqlServer
from migrate_agent.rockrms.source.facts import TABLES

PASSWORD = "P@ss;w0rd}'\""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServer]:
    folder = tmp_path_factory.mktemp("church")
    church = generate(folder / "rock.sqlite", seed=5, people=120)
    with SqlServer(church.path, certificates=certificates_in(folder / "certificates")) as running:
        yield running


def agent(home: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "migrate_agent", "--home", str(home), *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)


def test_a_test_from_standard_input(server: SqlServer, tmp_path: Path) -> None:
    done = agent(tmp_path, "rockrms", "test", "--connection-string", "-", given=server.connection_string())
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"port {server.port}" in done.stdout
    assert "SQL Server 2022" in done.stdout
    assert "Rows      contributions" in done.stdout
    assert "connecting to" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr


def test_a_test_on_the_command_line_warns_and_gives_json(server: SqlServer, tmp_path: Path) -> None:
    text = server.connection_string(Database="Rock")
    done = agent(tmp_path, "rockrms", "test", "--json", "--connection-string", text)
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert (report["code"], report["shown"]["database"]) == ("sql-database-not-found", "Rock")
    assert "can see a password on a command line" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr


def test_a_connection_string_that_cannot_be_read(tmp_path: Path) -> None:
    done = agent(tmp_path, "rockrms", "test", "--connection-string", "-", given="Server=s;Password=one;two-secret")
    assert done.returncode == 2
    assert "sql-connection-string-invalid" in done.stdout
    assert "two-secret" not in done.stdout + done.stderr


def test_the_script_of_the_login_grants_exactly_the_tables_of_an_import(tmp_path: Path) -> None:
    done = agent(tmp_path, "rockrms", "grant-script", "--login", "reader]x", "--database", "Church")
    assert done.returncode == 0
    grants = [line for line in done.stdout.splitlines() if "GRANT" in line]
    granted = [line.split("GRANT SELECT ON [dbo].[")[1].split("]")[0] for line in grants]
    assert granted == list(TABLES)
    assert all(line.endswith("TO [reader]]x];") for line in grants)
    assert "USE [Church];" in done.stdout
    assert "PASSWORD = <write a long password here" in done.stdout
    for word in ("INSERT", "UPDATE", "DELETE", "ALTER", "db_owner", "db_datareader"):
        assert word not in done.stdout
    for line in grants:
        (grant,) = sqlglot.parse(line.split("NOT NULL ")[1], read="tsql")
        assert isinstance(grant, exp.Grant)
