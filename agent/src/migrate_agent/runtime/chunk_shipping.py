"""Sends numbered rows to the control plane in chunks that fit one body, from where the server wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import LedgerAnswer
from migrate_contract.wire import WireModel

_STANDSTILLS = 3

Row = TypeVar("Row", bound=WireModel)


class Shipped(Protocol):
    """A journal's count of rows: which is its last one, and up to which the server has them."""

    @property
    def last_row(self) -> int:
        """Result: the number of the newest row."""
        ...

    @property
    def shipped_row(self) -> int:
        """Result: the server holds the rows up to this one."""
        ...

    def mark_shipped(self, row: int) -> None:
        """Remembers that the server holds the rows up to this one."""
        ...


def ship(
    journal: Shipped,
    send: Callable[[int], LedgerAnswer],
    *,
    what: str,
    at_least: int = 1,
    go_on: Callable[[], bool] = lambda: True,
) -> bool:
    """Result: True where the server holds every row that is on the disk. `send` posts a chunk from that row on.

    False where fewer than `at_least` wait, or `go_on` said no. Raises what `send` raises, and Fatal(request-invalid)
    where the server asks for the same row of `what` again and again.
    """
    standstills = 0
    while (waiting := journal.last_row - journal.shipped_row) > 0:
        if waiting < at_least or not go_on():
            return False
        first = journal.shipped_row + 1
        answer = send(first)
        standstills = standstills + 1 if answer.next_row <= first else 0
        if standstills >= _STANDSTILLS:
            raise Fatal(
                ErrorCode.REQUEST_INVALID, f"the control plane asks for {what} row {answer.next_row} repeatedly"
            )
        journal.mark_shipped(min(max(answer.next_row, 1) - 1, journal.last_row))
    return True


def fitting(
    read: Callable[[int, int], Sequence[Row]], first: int, *, at_once: int, most_rows: int, most_bytes: int
) -> list[Row]:
    """Result: consecutive rows from `first` on that fit into one body; at least one. `read` takes a row and a count."""
    rows: list[Row] = []
    size = 0
    while len(rows) < most_rows and (found := read(first + len(rows), at_once)):
        for row in found:
            size += len(row.model_dump_json(exclude_defaults=True).encode()) + 1
            if rows and (size > most_bytes or len(rows) >= most_rows):
                return rows
            rows.append(row)
    return rows
