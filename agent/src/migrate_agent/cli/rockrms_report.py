"""`migrate-agent rockrms report`: writes the files of an import's last report to a folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from migrate_agent.cli.output import note, say
from migrate_agent.cli.settings import chosen_of
from migrate_agent.rockrms.reconcile.exports import CERTIFICATE_FILE, REPORT_FILE
from migrate_agent.runtime.import_reports import kept_report, write_report
from migrate_agent.store.journal import Journal
from migrate_contract.certificate import certificate_html, verdict_words
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import ImportReport


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
    """Write certificate, report and CSVs (rows, bridge, every differing record, error log) of an import.

    The files of the newest attempts stay on this machine when the control plane has everything.
    """
    config = chosen_of(context).config()
    folder = out or Path(f"{job}-report")
    journal = Journal(config.state_dir / "journal" / config.credentials().agent_id)
    try:
        written = _write(journal, job, folder, project=project or job, client=client, signed_for=signed_for)
    finally:
        journal.close()
    report = ImportReport.model_validate_json((folder / REPORT_FILE).read_text("utf-8"))
    note(verdict_words(report)[1])
    for path in written:
        say(str(path))


def _write(
    journal: Journal, job: str, folder: Path, *, project: str, client: str, signed_for: str | None
) -> list[Path]:
    record = journal.job(job)
    if record is not None:
        written = write_report(journal, record, folder, project=project, client=client, signed_for=signed_for)
        if written:
            return written
    kept = kept_report(journal, job)
    if kept is None:
        raise Fatal(ErrorCode.NOT_FOUND, f"this agent holds no report of an import {job}")
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    report = ImportReport.model_validate_json((kept / REPORT_FILE).read_text("utf-8"))
    page = certificate_html(report, project=project, client=client, signed_for=signed_for)
    (folder / CERTIFICATE_FILE).write_text(page, "utf-8")
    return sorted(folder / path.name for path in kept.iterdir())
