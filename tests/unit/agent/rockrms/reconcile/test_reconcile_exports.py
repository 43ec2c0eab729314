"""The files of a report: all of them, readable by a spreadsheet, with no cell that it would run."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

from migrate_agent.rockrms.reconcile.exports import write_files
from migrate_agent.rockrms.reconcile.rows import money_row
from migrate_agent.rockrms.reconcile.workbook import Finding
from migrate_contract.rockrms import BridgeLine, Entity, ImportLogRow, ImportReport, LogKind, Stage, Tallied

AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def _report() -> ImportReport:
    return ImportReport(
        attempt=1,
        stage=Stage.VERIFIED,
        rows=[
            money_row(Entity.CONTRIBUTIONS, "batch_net", 100, 99, key="=cmd", label="Batch =cmd", records=["a", "b"])
        ],
        bridge=[BridgeLine(code="all", label="In Rock", count=1, amount="1.00")],
        unexplained="-0.01",
        not_moved=[Tallied(code="pledges", label="Pledges", count=2)],
        started_at=AT,
        finished_at=AT,
    )


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_files(tmp_path: Path) -> None:
    log = ImportLogRow(
        row=1, kind=LogKind.ERRORED, entity=Entity.CONTRIBUTIONS, source_table="FinancialTransactionDetail",
        source_id=7, external_id="rock:x:FinancialTransactionDetail:7", code="mission-record-refused",
        detail="@person unknown", fix="Look at it.", request_id="req-1", answer='{"no": 1}', at=AT,
    )  # fmt: skip
    found = Finding(Entity.PEOPLE, 3, "rock:x:Person:3", "differs", ("email", "phones[1]"), "email is é, b")
    written = write_files(
        tmp_path / "out", _report(), project="p", client="c", signed_for=None, findings=[found], log=[log]
    )
    assert [path.name for path in written] == [
        "certificate.html", "report.json", "rows.csv", "bridge.csv", "differing-records.csv", "error-log.csv",
        "not-moved.csv",
    ]  # fmt: skip
    folder = tmp_path / "out"
    assert json.loads((folder / "report.json").read_text())["unexplained"] == "-0.01"
    (row,) = _table(folder / "rows.csv")
    assert (row["key"], row["difference"], row["verdict"], row["records"]) == ("'=cmd", "-0.01", "differs", "a\nb")
    assert _table(folder / "bridge.csv")[-1]["amount"] == "-0.01"
    (finding,) = _table(folder / "differing-records.csv")
    assert (finding["fields"], finding["detail"]) == ("email phones[1]", "email is é, b")
    (error,) = _table(folder / "error-log.csv")
    assert (error["code"], error["what"], error["request_id"], error["answer"]) == (
        "mission-record-refused", "'@person unknown", "req-1", '{"no": 1}',
    )  # fmt: skip
    assert _table(folder / "not-moved.csv")[0]["count"] == "2"
