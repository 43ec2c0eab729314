"""What the test SQL Server does wrong on request, and what happens around its answers, as clients meet it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pymssql
import pytds
import pytest

from local.sqlserver import SqlServer
from tests.harness.small_rock import PEOPLE, small_rock

ALL = "SELECT Id, Guid, FirstName FROM Person ORDER BY Id"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_rock(tmp_path_factory.mktemp("rock") / "rock.sqlite")


@pytest.fixture
def server(database: Path) -> Iterator[SqlServer]:
    with SqlServer(database) as running:
        yield running


def connect(server: SqlServer) -> pytds.Connection:
    return pytds.connect(
        server.host,
        port=server.port,
        user=server.login.user,
        password=server.login.password,
        database=server.name,
        autocommit=True,
    )


def ask(connection: pytds.Connection, sql: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def test_a_denied_table_is_error_229_by_its_name(server: SqlServer) -> None:
    server.faults.deny("gift")
    with connect(server) as connection:
        with pytest.raises(pytds.Error, match="SELECT permission was denied on the object 'Gift'") as caught:
            ask(connection, "SELECT p.Id FROM Person p JOIN Gift g ON g.PersonId = p.Id")
        assert caught.value.number == 229
        tables = ("[dbo].[Gift]", "dbo.Person", "dbo.Nobody")
        allowed = ", ".join(f"HAS_PERMS_BY_NAME(N'{table}', 'OBJECT', 'SELECT')" for table in tables)
        assert ask(connection, f"SELECT {allowed}") == [(0, 1, None)]
        server.faults.heal()
        assert ask(connection, "SELECT COUNT(*) FROM Gift") == [(5 * PEOPLE,)]


def test_an_error_leaves_the_connection_usable(server: SqlServer) -> None:
    with connect(server) as connection:
        for sql, number in (
            ("SELECT Nothing FROM Person", 207),
            ("SELECT 1 FROM Nobody", 208),
            ("SELECT HASHBYTES('MD5', FirstName) FROM Person", 40_510),
        ):
            with pytest.raises(pytds.Error) as caught:
                ask(connection, sql)
            assert caught.value.number == number
        assert ask(connection, "SELECT 1") == [(1,)]


def test_a_result_is_cut_in_the_middle(server: SqlServer) -> None:
    server.faults.drop_after_rows(1_200)
    seen: list[object] = []
    with pytest.raises((pytds.Error, ConnectionError)):
        read_into(seen, server)
    assert 0 < len(seen) <= 1_200
    assert server.faults.dropped == 1
    with connect(server) as connection:
        assert len(ask(connection, ALL)) == PEOPLE


def read_into(seen: list[object], server: SqlServer) -> None:
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute(ALL)
        while row := cursor.fetchone():
            seen.append(row)


def test_random_cuts_are_the_same_for_a_seed(server: SqlServer) -> None:
    def cuts() -> list[bool]:
        server.faults.drop_at_random(7, 0.5)
        found = []
        for _ in range(12):
            try:
                with connect(server) as connection:
                    ask(connection, ALL)
                found.append(False)
            except (pytds.Error, ConnectionError):
                found.append(True)
        return found

    first = cuts()
    assert 0 < sum(first) < 12
    assert cuts() == first


def test_an_answer_may_take_its_time(server: SqlServer) -> None:
    server.faults.answer_delay_seconds = 0.2
    with connect(server) as connection:
        started = time.monotonic()
        assert ask(connection, "SELECT 1") == [(1,)]
        assert time.monotonic() - started >= 0.2


def test_a_stop_ends_what_waits(database: Path) -> None:
    server = SqlServer(database)
    server.start()
    server.faults.answer_delay_seconds = 600.0
    connection = connect(server)
    failed = threading.Event()

    def wait() -> None:
        try:
            ask(connection, "SELECT 1")
        except (pytds.Error, OSError):
            failed.set()

    thread = threading.Thread(target=wait)
    thread.start()
    while not server.statements:
        assert thread.is_alive()
    server.stop()
    thread.join(10)
    assert failed.is_set()


def test_a_client_that_wants_no_more_rows_goes_on(server: SqlServer) -> None:
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT a.Id, b.Guid FROM Person a JOIN Person b ON b.Id > {PEOPLE - 500} ORDER BY a.Id")
        assert cursor.fetchone() is not None
        cursor.cancel()
        assert ask(connection, "SELECT COUNT(*) FROM Person") == [(PEOPLE,)]


def test_rock_is_written_to_while_it_is_read(tmp_path: Path) -> None:
    path = small_rock(tmp_path / "rock.sqlite", people=50)
    with SqlServer(path) as server, connect(server) as one, connect(server) as other:
        assert ask(one, "SELECT COUNT(*) FROM Person") == [(50,)]
        with sqlite3.connect(path) as writer:
            writer.execute("DELETE FROM Person WHERE Id > 40")
        writer.close()
        assert ask(one, "SELECT COUNT(*) FROM Person") == [(40,)]
        assert ask(other, "SELECT COUNT(*) FROM Person") == [(40,)]


def test_a_snapshot_does_not_see_what_is_written_meanwhile(tmp_path: Path) -> None:
    path = small_rock(tmp_path / "rock.sqlite", people=50)
    with SqlServer(path) as server:
        with connect(server) as connection:
            ask_nothing(connection, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
            with pytest.raises(pytds.Error) as caught:
                ask(connection, "SELECT COUNT(*) FROM Person")
            assert caught.value.number == 3952
        server.faults.snapshot_allowed = True
        with connect(server) as connection:
            assert ask(
                connection, "SELECT d.snapshot_isolation_state FROM sys.databases d WHERE d.name = DB_NAME()"
            ) == [(1,)]
            ask_nothing(connection, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
            ask_nothing(connection, "BEGIN TRANSACTION")
            assert ask(connection, "SELECT COUNT(*), @@TRANCOUNT FROM Person") == [(50, 1)]
            with sqlite3.connect(path) as writer:
                writer.execute("DELETE FROM Person WHERE Id > 40")
            writer.close()
            assert ask(connection, "SELECT COUNT(*) FROM Person") == [(50,)]
            ask_nothing(connection, "COMMIT")
            assert ask(connection, "SELECT COUNT(*) FROM Person") == [(40,)]


def ask_nothing(connection: pytds.Connection, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_wrong_login_and_a_wrong_database(server: SqlServer) -> None:
    # pymssql keeps the last number alone: 4060 comes first, with a severity of its own.
    for changed, words in (({"password": "wrong"}, "18456"), ({"database": "Rocks"}, "severity 11")):
        given = {"user": server.login.user, "password": server.login.password, "database": server.name, **changed}
        with pytest.raises(pymssql.OperationalError, match=words):
            pymssql.connect(
                server=server.host,
                port=str(server.port),
                user=given["user"],
                password=given["password"],
                database=given["database"],
                tds_version="7.4",
                encryption="off",
            )


def test_what_was_answered_once_is_answered_from_disk(database: Path, tmp_path: Path) -> None:
    with SqlServer(database, prepared_answers=tmp_path / "answers") as server, connect(server) as connection:
        first = ask(connection, "SELECT TOP (500) Id, Guid, FirstName FROM Person WHERE Id > %s ORDER BY Id", 10)
        again = ask(connection, "SELECT TOP (500) Id, Guid, FirstName FROM Person WHERE Id > %s ORDER BY Id", 10)
    size = (tmp_path / "answers" / "answers.bin").stat().st_size
    with SqlServer(database, prepared_answers=tmp_path / "answers") as server, connect(server) as connection:
        later = ask(connection, "SELECT TOP (500) Id, Guid, FirstName FROM Person WHERE Id > %s ORDER BY Id", 10)
        other = ask(connection, "SELECT TOP (500) Id, Guid, FirstName FROM Person WHERE Id > %s ORDER BY Id", 11)
    assert first == again == later
    assert len(first) == 500
    assert first[1:] == other[:-1]
    assert size > 0
