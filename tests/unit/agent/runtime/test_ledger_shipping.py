from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from migrate_agent.runtime.ledger_shipping import next_rows, ship_ledger
from migrate_contract.errors import Fatal
from migrate_contract.jobs import Bucket, LedgerAnswer, LedgerChunk, LedgerRow
from migrate_contract.wire import MAX_LEDGER_BODY_BYTES

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Ledger:
    """The part of a job's journal that shipping uses."""

    def __init__(self, rows: int, path: str = "file") -> None:
        self.rows = [
            LedgerRow(row=number, path=path, bucket=Bucket.TRANSFERRED, finished_at=AT) for number in range(1, rows + 1)
        ]
        self.last_row, self.shipped_row = rows, 0

    def ledger_rows(self, first: int, limit: int) -> list[LedgerRow]:
        return self.rows[first - 1 : first - 1 + limit]

    def mark_shipped(self, row: int) -> None:
        self.shipped_row = row


class Server:
    def __init__(self) -> None:
        self.held = 0
        self.chunks: list[LedgerChunk] = []

    def post(self, chunk: LedgerChunk) -> LedgerAnswer:
        self.chunks.append(chunk)
        if chunk.rows[0].row <= self.held + 1:
            self.held = max(self.held, chunk.rows[-1].row)
        return LedgerAnswer(next_row=self.held + 1)


def ship(ledger: Any, server: Server, **options: Any) -> bool:
    return ship_ledger(ledger, 1, server.post, **options)


def test_every_row_arrives_in_order() -> None:
    ledger, server = Ledger(45_000), Server()
    assert ship(ledger, server)
    assert server.held == ledger.shipped_row == 45_000
    assert [chunk.rows[0].row for chunk in server.chunks] == [1, 20_001, 40_001]


def test_a_body_stays_below_the_limit_and_is_nearly_full() -> None:
    ledger, server = Ledger(5_000, path="ü" * 2_000), Server()
    assert ship(ledger, server)
    sizes = [len(chunk.model_dump_json(exclude_defaults=True).encode()) for chunk in server.chunks]
    assert max(sizes) < MAX_LEDGER_BODY_BYTES
    assert min(sizes[:-1]) > MAX_LEDGER_BODY_BYTES * 0.9


def test_few_rows_wait_for_more_while_the_job_is_at_work() -> None:
    ledger, server = Ledger(499), Server()
    assert not ship(ledger, server, at_least=500)
    assert server.chunks == []


def test_a_server_that_lost_rows_gets_them_again() -> None:
    ledger, server = Ledger(10), Server()
    ledger.shipped_row = 6
    assert ship(ledger, server)
    assert server.held == 10
    assert [chunk.rows[0].row for chunk in server.chunks] == [7, 1]


def test_a_server_that_has_more_than_we_know_is_believed() -> None:
    ledger, server = Ledger(10), Server()
    server.held = 8
    assert ship(ledger, server)
    assert ledger.shipped_row == 10


def test_a_server_that_asks_for_the_same_row_for_ever_is_not_obeyed_for_ever() -> None:
    ledger = Ledger(10)
    with pytest.raises(Fatal):
        ship_ledger(ledger, 1, lambda chunk: LedgerAnswer(next_row=1))  # type: ignore[arg-type]


def test_a_stop_ends_it_between_two_chunks() -> None:
    ledger, server = Ledger(45_000), Server()
    assert not ship(ledger, server, go_on=lambda: not server.chunks)
    assert ledger.shipped_row == 20_000


def test_one_row_is_always_taken() -> None:
    assert len(next_rows(Ledger(1, path="x" * 8192), 1)) == 1  # type: ignore[arg-type]
