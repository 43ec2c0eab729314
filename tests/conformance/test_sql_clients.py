"""The test SQL Server speaks to every client that we know as SQL Server does, over every kind of encryption."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pymssql
import pytds
import pytest

from local.certificates import certificates_in
from local.sqlserver import Encryption, SqlServer
from tests.harness.small_rock import EDGES, EVERY_TYPE, PEOPLE, gift, small_rock
from tests.harness.sql_driver import odbc_string

ROOT = Path(__file__).resolve().parents[2]
PAGED = "SELECT TOP (%s) Id, FirstName, Guid FROM [dbo].[Person] WITH (NOLOCK) WHERE Id > %s ORDER BY Id"
MODES = ("plain", "login-only", "full")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_rock(tmp_path_factory.mktemp("rock") / "rock.sqlite")


@pytest.fixture(scope="module", params=MODES)
def server(request: pytest.FixtureRequest, database: Path) -> Iterator[SqlServer]:
    certificates = None if request.param == "plain" else certificates_in(database.parent / "certificates")
    encryption = Encryption.REQUIRED if request.param == "full" else Encryption.OPTIONAL
    with SqlServer(database, certificates=certificates, encryption=encryption) as running:
        yield running


def expected(server: SqlServer) -> list[object]:
    return [[EDGES[name] for name in EVERY_TYPE], [None] * len(EVERY_TYPE)]


@pytest.mark.parametrize("provider", ["odbc", "mssql-odbc"])
def test_mssql_python_reads_every_type_and_pages(server: SqlServer, provider: str) -> None:
    encrypted = server.encryption is Encryption.REQUIRED
    asked = {"odbc": odbc_string(server, encrypt=encrypted), "people": PEOPLE}
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if provider != "odbc":
        environment["MSSQL_PYTHON_NATIVE_PROVIDER"] = provider
    done = subprocess.run(
        [sys.executable, "-m", "tests.harness.sql_driver", json.dumps(asked)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {"every_type": [], "people": PEOPLE, "sum": str(total()), "named": "ok"}


def total() -> Decimal:
    return sum((gift(number) for number in range(1, 5 * PEOPLE + 1)), Decimal())


def test_python_tds_reads_every_type_and_pages(server: SqlServer, database: Path) -> None:
    ca_file = str(server.certificates.ca_file) if server.certificates is not None else None
    if ca_file is not None:
        pytest.importorskip("OpenSSL", reason="python-tds encrypts with pyOpenSSL only")
    with pytds.connect(
        server.host,
        port=server.port,
        user=server.login.user,
        password=server.login.password,
        database=server.name,
        cafile=ca_file,
        # Its check of names needs a pyOpenSSL of years ago.
        validate_host=False,
        enc_login_only=server.encryption is not Encryption.REQUIRED,
    ) as connection:
        cursor = connection.cursor()
        cursor.execute(f"SELECT {', '.join(EVERY_TYPE)} FROM EveryType ORDER BY Id")
        assert [list(row) for row in cursor.fetchall()] == expected(server)
        assert pages(cursor) == PEOPLE
        cursor.execute("SELECT SUM(Amount) FROM Gift WHERE Amount > %s AND Id <= %s", (Decimal("-1000000"), 10_000))
        assert cursor.fetchall() == [(total(),)]


def test_pymssql_reads_every_type_and_pages(server: SqlServer) -> None:
    encryption = {Encryption.REQUIRED: "require", Encryption.NONE: "off"}.get(server.encryption, "request")
    connection = pymssql.connect(
        server=server.host,
        port=str(server.port),
        user=server.login.user,
        password=server.login.password,
        database=server.name,
        tds_version="7.4",
        encryption=encryption,
    )
    with connection:
        cursor = connection.cursor()
        # FreeTDS gives what it has no Python type for as text: the other clients compare those.
        readable = [name for name in EVERY_TYPE if name not in {"TI", "D2"}]
        cursor.execute(f"SELECT {', '.join(readable)} FROM EveryType ORDER BY Id")
        assert list(cursor.fetchone() or ()) == [EDGES[name] for name in readable]
        assert list(cursor.fetchone() or ()) == [None] * len(readable)
        assert cursor.fetchone() is None
        assert pages(cursor) == PEOPLE
        cursor.execute("SELECT SUM(Amount) FROM Gift WHERE Amount > %s", (Decimal("-1000000"),))
        assert cursor.fetchall() == [(total(),)]


def pages(cursor: pytds.Cursor | pymssql.Cursor) -> int:
    seen = 0
    last: Any = 0
    while True:
        cursor.execute(PAGED, (300, last))
        rows = cursor.fetchall()
        if not rows:
            return seen
        seen, last = seen + len(rows), rows[-1][0]
