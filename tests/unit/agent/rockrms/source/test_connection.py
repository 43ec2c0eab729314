"""What the driver raises, and what becomes of it; the connections are ours, the exceptions are the driver's."""

from collections.abc import Callable
from typing import Any

import pytest
from mssql_python.exceptions import DatabaseError, sqlstate_to_exception

from migrate_agent.rockrms.source.connection import SqlConnection
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable

PASSWORD = "P@ss;w0rd"


def driver_error(state: str, answer: str = "[Microsoft][SQL Server]No.") -> Exception:
    found = sqlstate_to_exception(state, answer)
    assert found is not None
    return found


class Cursor:
    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    def execute(self, sql: str, *values: Any) -> None:
        self._connection.asked.append((sql, *values))
        if (error := self._connection.errors.pop(0) if self._connection.errors else None) is not None:
            raise error

    def fetchall(self) -> list[tuple[int]]:
        return [(1,)]

    def close(self) -> None:
        if self._connection.broken:
            raise driver_error("HY010")


class Connection:
    def __init__(self, *errors: Exception | None, broken: bool = False) -> None:
        self.errors = list(errors)
        self.broken = broken
        self.asked: list[Any] = []
        self.closed = 0

    def cursor(self) -> Cursor:
        return Cursor(self)

    def close(self) -> None:
        self.closed += 1
        if self.broken:
            raise driver_error("08S01")


def opening(*found: Connection | Exception) -> tuple[SqlConnection, Callable[[], int]]:
    waiting = list(found)

    def connect() -> Connection:
        each = waiting.pop(0)
        if isinstance(each, Exception):
            raise each
        return each

    return SqlConnection(connect, where="sql, Rock"), lambda: len(found) - len(waiting)


def refusal(sql: SqlConnection) -> MigrateError:
    with pytest.raises(MigrateError) as caught:
        sql.ask("SELECT 1", what="a page")
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def test_one_connection_for_all_questions() -> None:
    only = Connection()
    sql, opened = opening(only)
    assert opened() == 0
    assert sql.ask("SELECT ?", [7], what="a page") == [(1,)]
    sql.ask("SELECT 2", what="a page")
    assert only.asked == [("SELECT ?", (7,)), ("SELECT 2",)]
    assert opened() == 1
    sql.close()
    sql.close()
    assert only.closed == 1


@pytest.mark.parametrize("state", ["08S01", "08001", "HY000", "40001", "HYT00", "25000"])
def test_a_lost_connection_is_opened_afresh_for_the_next_question(state: str) -> None:
    lost = Connection(driver_error(state, f"[Microsoft][SQL Server]link {PASSWORD}"), broken=True)
    fresh = Connection()
    sql, _ = opening(lost, fresh)
    error = refusal(sql)
    assert isinstance(error, Retryable)
    assert error.code is ErrorCode.SQL_CONNECTION_LOST
    assert sql.ask("SELECT 1", what="a page") == [(1,)]
    assert (lost.closed, fresh.asked) == (1, [("SELECT 1",)])


@pytest.mark.parametrize("state", ["42000", "42S02", "42S22", "22018"])
def test_a_refused_query_is_fatal_and_says_which(state: str) -> None:
    sql, _ = opening(Connection(driver_error(state, "[Microsoft][SQL Server]Invalid object name 'Person'.")))
    error = refusal(sql)
    assert isinstance(error, Fatal)
    assert error.code is ErrorCode.SQL_QUERY_REFUSED
    assert "a page" in error.detail
    assert "Invalid object name" in error.detail


def test_a_state_that_the_driver_does_not_know_is_fatal_unless_the_connection_broke() -> None:
    def unknown(state: str) -> Exception:
        return DatabaseError(
            driver_error=f"An error occurred with SQLSTATE code: {state}", ddbc_error="[Microsoft][SQL Server]?"
        )

    assert isinstance(refusal(opening(Connection(unknown("21000")))[0]), Fatal)
    assert isinstance(refusal(opening(Connection(unknown("IMC06")))[0]), Retryable)


def test_a_refused_login_is_fatal_and_a_server_that_is_away_is_not() -> None:
    sql, _ = opening(
        driver_error("28000", f"[Microsoft][SQL Server]Login failed {PASSWORD}"), driver_error("08001"), Connection()
    )
    assert isinstance(refusal(sql), Fatal)
    assert isinstance(refusal(sql), Retryable)
    assert sql.ask("SELECT 1", what="a page") == [(1,)]


def test_every_fresh_connection_reads_under_the_same_isolation() -> None:
    first, second = Connection(None, driver_error("08S01")), Connection()
    sql, _ = opening(first, second)
    sql.read_under("SNAPSHOT")
    assert isinstance(refusal(sql), Retryable)
    sql.ask("SELECT 1", what="a page")
    assert second.asked == [("SET TRANSACTION ISOLATION LEVEL SNAPSHOT",), ("SELECT 1",)]


def test_a_fault_of_ours_is_not_taken_for_the_servers() -> None:
    sql, _ = opening(Connection(KeyError("ours")))
    with pytest.raises(KeyError):
        sql.ask("SELECT 1", what="a page")
