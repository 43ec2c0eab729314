"""`migrate-agent rockrms import`: one import with no control plane."""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
from datetime import date
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

import typer

from migrate_agent.cli.import_progress import ImportProgress, entity_lines
from migrate_agent.cli.output import COPY_FAILED, DONE, SOME_FAILED, note, printable, say, show_error
from migrate_agent.cli.settings import chosen_of
from migrate_agent.logs import write_logs
from migrate_agent.redaction import redactor
from migrate_agent.rockrms.connection_store import ConnectionStore, system_keyring
from migrate_agent.rockrms.connection_string import RockConnection, read_connection_string
from migrate_agent.runtime.connection import network_of
from migrate_agent.runtime.local_import import ImportEnd, ImportRequest, run_import
from migrate_agent.stop import StopKind, StopSignal
from migrate_contract.certificate import certificate_html
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobPhase, Outcome
from migrate_contract.rockrms import Entity, FundAnswer, FundChoice, ImportReport, ImportSettings, MissionAccess

ENV_KEY = "MIGRATE_MISSION_KEY"
_STDIN = "-"

HELP = "\n\n".join(
    (
        "Import RockRMS into Mission, without a control plane and with the same engine; verify it, write the report.",
        "Broken off, the same command goes on where it was. Run again after its end, it sends only what changed.",
        "[bold]Examples[/bold]\n"
        "  migrate-agent rockrms import --project prj_abc123def456 --mission-url https://mission.example \\\\\n"
        "      --key-from mission.key --time-zone America/Phoenix --dry-run --report out\n"
        "  migrate-agent rockrms import --connection-string - --mission-url https://mission.example \\\\\n"
        "      --time-zone America/Phoenix --since 2015-01-01 --campus 1 --campus 3 < connection.txt",
        f"Mission's integration key comes from a file (--key-from), or from the environment ({ENV_KEY}).",
        "Exits 0 where everything is in Mission and matches, 1 where records were refused or something differs, 2 where"
        " the import as a whole failed or was interrupted.",
    )
)


def import_church(
    context: typer.Context,
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="The church's, as IANA names it: America/Phoenix.")
    ],
    connection_string: Annotated[
        str | None,
        typer.Option("--connection-string", metavar="TEXT", help="To RockRMS's database; - reads standard input."),
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", "--kept", metavar="PROJECT", help="Use what is kept here for it.")
    ] = None,
    mission_url: Annotated[str | None, typer.Option("--mission-url", metavar="URL", help="Mission's address.")] = None,
    key_from: Annotated[Path | None, typer.Option("--key-from", metavar="FILE", help="Mission's key.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Everything but the sending.")] = False,
    entity: Annotated[list[Entity] | None, typer.Option("--entity", help="Only these; may be repeated.")] = None,
    campus: Annotated[list[int] | None, typer.Option("--campus", help="Rock's campus id; may be repeated.")] = None,
    without_campus: Annotated[
        bool, typer.Option("--without-campus/--no-without-campus", help="With --campus: records of no campus, too.")
    ] = True,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Gifts and attendance from 2015-01-31 on.")
    ] = None,
    currency: Annotated[str, typer.Option("--currency", metavar="CODE", help="ISO 4217.")] = "USD",
    fund: Annotated[
        list[str] | None,
        typer.Option("--fund", metavar="GUID=FUND", help="An account's fund: same, new, or the id of one in Mission."),
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, max=500, help="Records of a request.")] = 500,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Where report.json, errors.csv and certificate.html go."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The end and the whole report as JSON.")] = False,
) -> None:
    """See the command's help."""
    settings = ImportSettings(
        entities=entity or list(Entity),
        campus_ids=campus or [],
        include_without_campus=without_campus,
        date_range_start=_day(since),
        time_zone=_zone(time_zone),
        currency=currency.upper(),
        funds=[_fund(text) for text in fund or []],
        batch_size=batch_size,
        dry_run=dry_run,
    )
    if (connection_string is None) == (project is None):
        raise typer.BadParameter("give either --connection-string or --project")
    if mission_url is None and not dry_run:
        raise typer.BadParameter("--mission-url is missing; without a Mission there is only --dry-run")
    config = chosen_of(context).config()
    write_logs(config.state_dir / "logs" / "import.log", level=config.log_level)
    access = _access(mission_url, key_from) if mission_url is not None else None
    request = ImportRequest(_connection(context, connection_string, project), access, settings)
    stop = StopSignal()
    _listen_to_signals(stop)
    with ImportProgress() as progress:
        end = run_import(request, config.state_dir / "imports", network_of(config), stop, watch=progress.show)
    if report is not None:
        _write(end, report)
    _show(end, as_json=as_json)
    raise typer.Exit(_exit_code(end))


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise typer.BadParameter(f"{name} is no time zone; they are named as America/Phoenix")
    return name


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no date; write 2015-01-31") from None


def _fund(text: str) -> FundChoice:
    guid, _, answer = text.partition("=")
    if not answer:
        raise typer.BadParameter(f"{text}: write the account's guid, '=', and same, new or the fund's id")
    if answer in (FundAnswer.SAME.value, FundAnswer.NEW.value):
        return FundChoice(account_guid=guid.lower(), choice=FundAnswer(answer))
    return FundChoice(account_guid=guid.lower(), choice=FundAnswer.OTHER, external_fund_id=answer)


def _access(url: str, key_from: Path | None) -> MissionAccess:
    if key_from is not None:
        try:
            key = key_from.read_text("utf-8").strip()
        except OSError as error:
            raise typer.BadParameter(f"{key_from}: {error.strerror or error}") from error
    else:
        key = os.environ.get(ENV_KEY, "").strip()
    if not key:
        raise Fatal(ErrorCode.NO_MISSION_CONNECTION, f"no integration key: use --key-from, or set {ENV_KEY}")
    redactor.hide(key)
    return MissionAccess(url=url, integration_key=key)


def _connection(context: typer.Context, text: str | None, project: str | None) -> RockConnection:
    if project is not None:
        return ConnectionStore(chosen_of(context).config().state_dir, system_keyring).connection(project)
    assert text is not None
    if text == _STDIN:
        text = sys.stdin.read()
    else:
        note("Other users of this machine can see a password on a command line: --connection-string - hides it.")
    redactor.hide(text.strip())
    return read_connection_string(text)


def _listen_to_signals(stop: StopSignal) -> None:
    def asked(number: int, frame: object) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        note("Stopping: batches that are under way are finished; a second signal ends at once.")
        stop.request(StopKind.STOP)

    for name in ("SIGINT", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), asked)


def _write(end: ImportEnd, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "errors.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(("entity", "table", "id", "external_id", "code", "detail", "fix", "request_id", "answer"))
        for row in end.errored:
            named = (row.entity.value, row.source_table, row.source_id, row.external_id, row.code)
            said = (row.detail, row.fix, row.request_id, row.answer)
            rows.writerow((*named, *(_cell(text) for text in said)))
    if end.report is not None:
        (folder / "report.json").write_text(end.report.model_dump_json(indent=2) + "\n", "utf-8")
        church = end.report.mission.organization or end.report.mission.url
        page = certificate_html(end.report, project=end.report.source.database, client=church, signed_for=None)
        (folder / "certificate.html").write_text(page, "utf-8")
    note(f"The report is in {folder}.")


def _cell(text: str | None) -> str:
    """Result: a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text and text[0] in "=+-@\t\r" else text or ""


def _show(end: ImportEnd, *, as_json: bool) -> None:
    fault = end.result.fault
    if as_json:
        body = {
            "phase": end.result.phase.value,
            "outcome": end.result.outcome.value if end.result.outcome else None,
            "fault": fault.model_dump() if fault else None,
            "interrupted": end.result.stopped,
            "resumed": end.resumed,
            "began": end.began,
            "seconds": {step: round(took.seconds, 3) for step, took in end.timings.items()},
            "cpu_seconds": {step: round(took.cpu_seconds, 3) for step, took in end.timings.items()},
            "entities": [found.model_dump(mode="json") for found in end.snapshot.entities],
            "report": end.report.model_dump(mode="json") if end.report else None,
        }
        say(json.dumps(body, indent=2))
        return
    for line in entity_lines(end.snapshot.entities):
        say(line)
    if end.report is not None and fault is None and not end.result.stopped:
        for line in report_lines(end.report):
            say(printable(line))
    if fault is not None:
        show_error(Fatal(ErrorCode(fault.code), fault.detail))
    elif end.result.stopped:
        note("Interrupted: the same command goes on where it was.")


def report_lines(report: ImportReport) -> list[str]:
    """Result: what a person reads of a report; the files have the rest."""
    match = {True: "yes, to the cent", False: "no", None: "not verified"}[report.financial_match]
    totals = report.totals
    lines = [
        f"Money matches  {match}",
        f"Totals         gross {totals.gross}, refunds {totals.refunds}, corrections {totals.corrections},"
        f" net {totals.net} {report.currency}",
    ]
    if report.quality_score is not None:
        lines.append(f"Quality        {report.quality_score}")
    if report.reason:
        lines.append(f"Because        {report.reason}")
    differing = [row for row in report.rows if row.verdict == "differs"]
    for row in differing[:10]:
        named = f" ({', '.join(row.records[:3])})" if row.records else ""
        lines.append(
            f"Differs        {row.entity.value}, {row.measure} {row.label or row.key}: Rock {row.source_value},"
            f" Mission {row.target_value}{named}"
        )
    lines += [f"Look at        {finding.label}: {finding.count:,}" for finding in report.quality[:15]]
    if report.changed_during_count:
        lines.append(f"Meanwhile      {report.changed_during_count:,} rows changed in Rock during the import")
    if report.gone_count:
        lines.append(f"Gone           {report.gone_count:,} records are in Mission and no longer in Rock")
    if report.ledger_sha256:
        lines.append(f"Ledger         {report.ledger_sha256}")
    return lines


def _exit_code(end: ImportEnd) -> int:
    if end.result.stopped or end.result.phase is not JobPhase.COMPLETED:
        return COPY_FAILED
    return DONE if end.result.outcome is Outcome.COMPLETE else SOME_FAILED
