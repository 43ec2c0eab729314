"""Errors that the server answers a statement or a login with, by SQL Server's numbers."""

from __future__ import annotations


class SqlError(Exception):
    """One error message of SQL Server."""

    def __init__(self, number: int, message: str, *, severity: int = 16, state: int = 1) -> None:
        self.number = number
        self.message = message
        self.severity = severity
        self.state = state
        super().__init__(f"{number}: {message}")


class NotUnderstood(SqlError):
    """A statement that this server does not know completely. It says so instead of guessing."""

    def __init__(self, what: str) -> None:
        super().__init__(40_510, f"The test SQL Server does not know this: {what}")
