"""The files of a report on the agent's machine: certificate, report as JSON, and CSVs that a spreadsheet can open.

No cell is run by a spreadsheet as a formula, and nothing confidential is in any of them: findings name fields of prayer
requests without their content, and the log's answers were scrubbed before they were kept.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from migrate_agent.rockrms.reconcile.workbook import Finding
from migrate_contract.certificate import certificate_html
from migrate_contract.rockrms import ImportLogRow, ImportReport, Tallied

CERTIFICATE_FILE = "certificate.html"
REPORT_FILE = "report.json"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Table = tuple[str, Sequence[str], Iterator[Sequence[object]]]
"""File name, header, lines."""


def tables(report: ImportReport, findings: Iterable[Finding], log: Iterable[ImportLogRow]) -> Iterator[Table]:
    """Yields the CSVs: rows, bridge, every record that differs, the error log, what was not moved."""
    yield "rows.csv", _ROWS, _rows(report)
    yield "bridge.csv", _BRIDGE, _bridge(report)
    yield "differing-records.csv", _FINDINGS, _findings(findings)
    yield "error-log.csv", _LOG, _log(log)
    yield "not-moved.csv", ("part", "code", "what", "count", "amount"), _left_behind(report)


def write_files(
    folder: Path,
    report: ImportReport,
    *,
    project: str,
    client: str,
    signed_for: str | None,
    findings: Iterable[Finding],
    log: Iterable[ImportLogRow],
) -> list[Path]:
    """Result: the files written to `folder`, the certificate first. Raises OSError as writing does."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, whole = folder / CERTIFICATE_FILE, folder / REPORT_FILE
    certificate.write_text(
        certificate_html(report, project=project, client=client, signed_for=signed_for), encoding="utf-8"
    )
    whole.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    written = [certificate, whole]
    for name, header, lines in tables(report, findings, log):
        path = folder / name
        # A spreadsheet takes UTF-8 for what it is only behind this mark.
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows([_cell(value) for value in line] for line in lines)
        written.append(path)
    return written


_ROWS = ("entity", "measure", "key", "label", "rock", "mission", "difference", "verdict", "evidence", "records")
_BRIDGE = ("code", "label", "count", "amount", "records")
_FINDINGS = ("entity", "source_id", "external_id", "kind", "fields", "detail")
_LOG = ("row", "kind", "entity", "source_table", "source_id", "external_id", "code", "what", "fix", "request_id",
        "answer", "at")  # fmt: skip


def _rows(report: ImportReport) -> Iterator[Sequence[object]]:
    for row in report.rows:
        yield (
            row.entity.value, row.measure, row.key, row.label, row.source_value, row.target_value, row.difference,
            row.verdict.value, row.evidence.value, "\n".join(row.records),
        )  # fmt: skip


def _bridge(report: ImportReport) -> Iterator[Sequence[object]]:
    for line in report.bridge:
        yield line.code, line.label, line.count, line.amount, "\n".join(line.records)
    yield "unexplained", "What is left", "", report.unexplained, ""


def _findings(findings: Iterable[Finding]) -> Iterator[Sequence[object]]:
    for finding in findings:
        yield (
            finding.entity.value, finding.source_id, finding.external_id, finding.kind, " ".join(finding.fields),
            finding.detail,
        )  # fmt: skip


def _log(log: Iterable[ImportLogRow]) -> Iterator[Sequence[object]]:
    for row in log:
        yield (
            row.row, row.kind.value, row.entity.value, row.source_table, row.source_id, row.external_id, row.code,
            row.detail, row.fix, row.request_id, row.answer, row.at.isoformat(),
        )  # fmt: skip


def _left_behind(report: ImportReport) -> Iterator[Sequence[object]]:
    parts: Sequence[tuple[str, Sequence[Tallied]]] = (
        ("not moved", report.not_moved),
        ("other transaction types", report.other_types),
        ("already in Mission", report.already_in_mission),
    )
    for name, tallied in parts:
        for each in tallied:
            yield name, each.code, each.label, each.count, each.amount


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    number = text[:1] == "-" and text[1:].replace(".", "", 1).isdigit()
    return f"'{text}" if text.startswith(_FORMULA) and not number else text
