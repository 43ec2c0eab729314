"""One connection to the SQL Server: opened when it is needed, asked, dropped when it breaks. Nothing is ever written.

What the driver raises ends here. It gives no error numbers, only SQLSTATEs (as fixed texts of its exceptions), and
those decide: a connection that broke is Retryable and the next question opens a fresh one; a query that the server
refuses is Fatal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from migrate_agent.rockrms.records import Row
from migrate_contract.errors import ErrorCode, Fatal, Retryable

Connect = Callable[[], Any]
"""Opens a connection of the driver (DB-API)."""

_QUERY_SECONDS: Final = 600
"""A page of a busy server may take its time; a server that says nothing for so long is lost."""
_BROKEN_UNKNOWN: Final = "SQLSTATE code: IM"
"""How the driver ends its text for a state that it does not know; IMC01 to IMC06 tell of a connection that broke."""
_LOGIN: Final = ("28000", "42000")
_DETAIL_CHARACTERS: Final = 300


def driver_connect(connection_string: str, *, login_seconds: int = 15) -> Connect:
    """Result: what opens the driver's connection for its own (ODBC) connection string, which holds the password."""

    def connect() -> Any:
        import mssql_python

        # A pool hands out connections that broke long ago; this one is kept open anyway.
        mssql_python.pooling(enabled=False)
        connection = mssql_python.connect(connection_string, autocommit=True, timeout=login_seconds)
        connection.timeout = _QUERY_SECONDS
        return connection

    return connect


def _states(error: BaseException, states: Sequence[str]) -> bool:
    """Whether a driver's exception stands for one of these SQLSTATEs."""
    from mssql_python.exceptions import sqlstate_to_exception

    said = getattr(error, "driver_error", None)
    return any(
        (known := sqlstate_to_exception(state, "")) is not None and known.driver_error == said for state in states
    )


def _is_drivers(error: Exception) -> bool:
    from mssql_python.exceptions import Exception as DriverError

    return isinstance(error, DriverError)


def _may_pass(error: Exception) -> bool:
    """Whether it was the connection or the moment, and not the query."""
    from mssql_python import exceptions as drivers

    if not _is_drivers(error) or isinstance(
        error, (drivers.OperationalError, drivers.InterfaceError, drivers.InternalError)
    ):
        return True
    return _BROKEN_UNKNOWN in str(getattr(error, "driver_error", ""))


class UnreadableText(Fatal):
    """A long text that is no valid UTF-16 (half of a surrogate pair): the driver does not give the rows at all."""

    def __init__(self, where: str) -> None:
        super().__init__(ErrorCode.SQL_QUERY_REFUSED, f"{where}: a text is no valid Unicode")


class SqlConnection:
    """Asks the server. For one thread."""

    def __init__(self, connect: Connect, *, where: str) -> None:
        """`where`: server and database in words, for errors."""
        self._connect = connect
        self._where = where
        self._connection: Any = None
        self._isolation: str | None = None

    def read_under(self, isolation: str) -> None:
        """From now on (also after a reconnect) statements run under this isolation level."""
        self._isolation = isolation
        if self._connection is not None:
            self.close()

    def ask(self, sql: str, values: Sequence[object] = (), *, what: str) -> list[Row]:
        """Result: all rows. `what` names the query in errors.

        Raises Retryable(sql-connection-lost), Fatal(sql-login-failed, sql-query-refused), or UnreadableText.
        """
        connection = self._connection if self._connection is not None else self._open()
        try:
            cursor = connection.cursor()
            cursor.execute(sql, tuple(values)) if values else cursor.execute(sql)
            rows: list[Row] = cursor.fetchall()
            # After an error it is left to the connection's end: closing it would raise over what happened.
            cursor.close()
            return rows
        except UnicodeDecodeError:
            self.close()
            raise UnreadableText(f"{self._where}, query '{what}'") from None
        except Exception as error:
            if not _is_drivers(error) and not isinstance(error, (RuntimeError, OSError)):
                raise
            self.close()
            if not _may_pass(error):
                answer = str(getattr(error, "ddbc_error", ""))[:_DETAIL_CHARACTERS]
                raise Fatal(ErrorCode.SQL_QUERY_REFUSED, f"{self._where}, query '{what}': {answer}") from None
            raise Retryable(
                ErrorCode.SQL_CONNECTION_LOST, f"{self._where}, query '{what}': {type(error).__name__}"
            ) from None

    def close(self) -> None:
        """The connection ends; the next question opens a fresh one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except Exception as error:  # a connection that broke may say so once more
                if not _is_drivers(error) and not isinstance(error, (RuntimeError, OSError)):
                    raise

    def _open(self) -> Any:
        try:
            self._connection = self._connect()
            if self._isolation is not None:
                cursor = self._connection.cursor()
                cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {self._isolation}")
                cursor.close()
        except Exception as error:
            if not _is_drivers(error) and not isinstance(error, (RuntimeError, OSError)):
                raise
            self.close()
            if _states(error, _LOGIN):
                raise Fatal(ErrorCode.SQL_LOGIN_FAILED, self._where) from None
            raise Retryable(ErrorCode.SQL_CONNECTION_LOST, f"{self._where}: {type(error).__name__}") from None
        return self._connection
