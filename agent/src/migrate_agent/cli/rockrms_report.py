"""`migrate-agent rockrms report`: writes the files of an import's last report to a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from migrate_agent.cli.output import note, say
from migrate_agent.cli.settings import chosen_of
from migrate_agent.rockrms.reconcile.exports import write_files
from migrate_agent.rockrms.reconcile.workbook import Workbook
from migrate_agent.store.import_entries import REPORT
from migrate_agent.store.import_journal import ImportJournal
from migrate_agent.store.journal import Journal
from migrate_contract.certificate import verdict_words
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import ImportLogRow, ImportReport

_LOG_ROWS = 2_000


def report_files(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The import's id (job_...), as its page shows it.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder to write to; without it: ./JOB-report.")
    ] = None,
    project: Annotated[str, typer.Option("--project-name", metavar="NAME", help="On the certificate.")] = "",
    client: Annotated[str, typer.Option("--client-name", metavar="NAME", help="On the certificate.")] = "",
    signed_for: Annotated[
        str | None, typer.Option("--signed-for", metavar="NAME", help="Below the first signature line.")
    ] = None,
) -> None:
    """Write certificate, report and CSVs (rows, bridge, every differing record, error log) of an import."""
    config = chosen_of(context).config()
    folder = out or Path(f"{job}-report")
    journal = Journal(config.state_dir / "journal" / config.credentials().agent_id)
    try:
        record = journal.job(job)
        if record is None:
            raise Fatal(ErrorCode.NOT_FOUND, f"this agent holds no import {job}")
        opened = journal.open_import(job, record.attempt)
        kept = opened.kept(REPORT)
        if kept is None:
            raise Fatal(ErrorCode.NOT_FOUND, f"the import {job} has no report yet")
        report = ImportReport.model_validate_json(kept)
        workbook = journal.workbook(job, record.attempt)
        with Workbook(workbook) if workbook.exists() else contextlib.nullcontext() as book:
            written = write_files(
                folder,
                report,
                project=project or job,
                client=client or record.spec.rock.project_id,
                signed_for=signed_for,
                findings=book.findings() if book is not None else (),
                log=_log(opened),
            )
    finally:
        journal.close()
    note(verdict_words(report)[1])
    for path in written:
        say(str(path))


def _log(journal: ImportJournal) -> Iterator[ImportLogRow]:
    row = 1
    while rows := journal.log_rows(row, _LOG_ROWS):
        yield from rows
        row = rows[-1].row + 1
