"""An import's log reaches the control plane whole and in order, its report once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from migrate_agent.runtime.import_shipping import ship_log, ship_report
from migrate_agent.store.import_entries import REPORT, ImportPass, LogEntry
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.errors import Fatal
from migrate_contract.jobs import LedgerAnswer
from migrate_contract.rockrms import Entity, ImportLogChunk, ImportReport, LogKind, Stage

AT = datetime(2026, 1, 1, tzinfo=UTC)


def a_journal(folder: Path, rows: int) -> ImportJournal:
    journal = ImportJournal(folder / "project.db", "job_000000000001000000000001", 1)
    log = [
        LogEntry(LogKind.ERRORED, "Person", number, f"rock:x:{number}", "mission-record-refused", "x" * 1500)
        for number in range(1, rows + 1)
    ]
    journal.commit(ImportPass.IMPORT, Entity.PEOPLE, [], log)
    return journal


class Server:
    def __init__(self) -> None:
        self.held: list[int] = []
        self.reports: list[ImportReport] = []

    def post(self, chunk: ImportLogChunk) -> LedgerAnswer:
        self.held += [row.row for row in chunk.rows]
        return LedgerAnswer(next_row=len(self.held) + 1)


def test_rows_go_in_chunks_below_the_limit_and_are_not_sent_again(tmp_path: Path) -> None:
    journal, server = a_journal(tmp_path, 6_000), Server()
    assert ship_log(journal, 1, server.post)
    assert server.held == list(range(1, 6_001))
    assert ship_log(journal, 1, server.post)
    assert len(server.held) == 6_000
    assert journal.shipped_row == 6_000


def test_few_rows_wait_for_more(tmp_path: Path) -> None:
    journal, server = a_journal(tmp_path, 3), Server()
    assert not ship_log(journal, 1, server.post, at_least=10)
    assert server.held == []


def test_a_server_that_asks_for_the_same_row_again_and_again_is_given_up(tmp_path: Path) -> None:
    journal = a_journal(tmp_path, 3)
    with pytest.raises(Fatal):
        ship_log(journal, 1, lambda _: LedgerAnswer(next_row=1))


def test_a_report_is_sent_once_and_a_newer_one_again(tmp_path: Path) -> None:
    journal, server = a_journal(tmp_path, 0), Server()
    ship_report(journal, server.reports.append)
    assert server.reports == []
    for stage in (Stage.DRY_RUN, Stage.DRY_RUN, Stage.VERIFIED):
        report = ImportReport(attempt=1, stage=stage, started_at=AT, finished_at=AT)
        journal.keep(REPORT, report.model_dump_json())
        ship_report(journal, server.reports.append)
    assert [report.stage for report in server.reports] == [Stage.DRY_RUN, Stage.VERIFIED]
