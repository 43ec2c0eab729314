"""The files of an import's report on this machine: written when it is reported to its end, kept for a while.

An attempt's journal and workbook go when the control plane has everything; names of every differing record are in these
files alone, as a report on the wire names a few of each row.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

from migrate_agent.logs import log_fault
from migrate_agent.rockrms.reconcile.exports import REPORT_FILE, write_files
from migrate_agent.rockrms.reconcile.workbook import Workbook
from migrate_agent.store.database import translated
from migrate_agent.store.import_entries import REPORT
from migrate_agent.store.import_journal import ImportJournal
from migrate_agent.store.journal import JobRecord, Journal
from migrate_contract.errors import MigrateError
from migrate_contract.rockrms import ImportLogRow, ImportReport

log = logging.getLogger(__name__)

MOST_KEPT = 20
"""Reports of the newest attempts; older ones are removed."""
_LOG_ROWS = 2_000


def write_report(
    journal: Journal, record: JobRecord, folder: Path, *, project: str, client: str, signed_for: str | None = None
) -> list[Path]:
    """Result: the files written to `folder`, the certificate first; none if the attempt has no report."""
    opened = journal.open_import(record.job_id, record.attempt)
    kept = opened.kept(REPORT)
    if kept is None:
        return []
    report = ImportReport.model_validate_json(kept)
    workbook = journal.workbook(record.job_id, record.attempt)
    book = Workbook(workbook) if workbook.exists() else None
    try:
        return write_files(
            folder,
            report,
            project=project,
            client=client,
            signed_for=signed_for,
            findings=book.findings() if book is not None else (),
            log=_log(opened),
        )
    finally:
        if book is not None:
            book.close()


def keep_report(journal: Journal, record: JobRecord) -> None:
    """Writes the attempt's files into the journal's folder of reports; a full disk costs them, and is logged."""
    folder = journal.reports / f"{record.job_id}.{record.attempt:06d}"
    try:
        with translated(folder):
            write_report(journal, record, folder, project=record.spec.name, client="")
            for old in _oldest_first(journal.reports)[:-MOST_KEPT]:
                shutil.rmtree(old)
    except MigrateError as error:
        log_fault(log, "the files of the import's report are not kept", error, job_id=record.job_id)


def kept_report(journal: Journal, job_id: str) -> Path | None:
    """Result: the folder with the files of the job's newest attempt that has some."""
    found = [path for path in sorted(journal.reports.glob(f"{job_id}.*")) if (path / REPORT_FILE).exists()]
    return found[-1] if found else None


def _oldest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("job_*"), key=lambda path: path.stat().st_mtime)


def _log(journal: ImportJournal) -> Iterator[ImportLogRow]:
    row = 1
    while rows := journal.log_rows(row, _LOG_ROWS):
        yield from rows
        row = rows[-1].row + 1
