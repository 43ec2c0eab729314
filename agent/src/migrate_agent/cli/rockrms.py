"""`migrate-agent rockrms test` and `grant-script`: reach RockRMS's SQL Server, and the login that it needs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from migrate_agent.cli.output import DONE, SOME_FAILED, note, printable, say
from migrate_agent.cli.rockrms_connection import set_connection
from migrate_agent.cli.rockrms_import import HELP as IMPORT_HELP
from migrate_agent.cli.rockrms_import import import_church
from migrate_agent.cli.rockrms_report import report_files
from migrate_agent.cli.settings import chosen_of
from migrate_agent.redaction import redactor
from migrate_agent.rockrms.connection_store import ConnectionStore, system_keyring
from migrate_agent.rockrms.connection_string import RockConnection, read_connection_string
from migrate_agent.rockrms.grant_script import DEFAULT_DATABASE, DEFAULT_LOGIN, grant_script
from migrate_agent.rockrms.probe import failed, probe_rock
from migrate_contract.errors import Fatal
from migrate_contract.rockrms import RockTestReport

UNREADABLE = 2
"""Exit code: the connection string itself cannot be read."""
_FROM_INPUT = "-"

app = typer.Typer(
    name="rockrms",
    no_args_is_help=True,
    help="The RockRMS database of a church: test the connection, keep its connection string, make its login, "
    "import it.",
)
app.command("set-connection")(set_connection)
app.command("import", help=IMPORT_HELP)(import_church)
app.command("report")(report_files)


@app.command(
    "test",
    help="Reach RockRMS's SQL Server, and say exactly what works and what does not, with the fix. It takes ten seconds "
    "at most.\n\n"
    "Other users of this machine can see what stands on a command line: give the connection string on standard input "
    "(--connection-string -), or test the one that is kept for a project (--project).\n\n"
    "ADO.NET and ODBC are understood, and Rock's web.ConnectionStrings.config as it is: "
    "migrate-agent rockrms test --connection-string - < web.ConnectionStrings.config\n\n"
    "Exit codes: 0 it works; 1 it does not, and the report says why; 2 the connection string cannot be read.",
)
def check_connection(
    context: typer.Context,
    connection_string: Annotated[
        str | None,
        typer.Option("--connection-string", metavar="TEXT", help="The connection string; - reads standard input."),
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="PROJECT", help="Test what is kept here for this project.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as JSON.")] = False,
) -> None:
    """See the command's help."""
    if (connection_string is None) == (project is None):
        raise typer.BadParameter("give either --connection-string or --project")
    try:
        connection = _connection(context, connection_string, project)
    except Fatal as error:
        _show(failed(error.code, error.detail), as_json=as_json)
        raise typer.Exit(UNREADABLE) from None
    report = probe_rock(connection, say=lambda step: note(f"{printable(step)} ..."))
    _show(report, as_json=as_json)
    raise typer.Exit(DONE if report.code is None else SOME_FAILED)


@app.command("grant-script")
def grant(
    login: Annotated[str, typer.Option("--login", metavar="NAME", help="Of the new login.")] = DEFAULT_LOGIN,
    database: Annotated[str, typer.Option("--database", metavar="NAME", help="RockRMS's database.")] = DEFAULT_DATABASE,
) -> None:
    """Print the T-SQL of a login that may only read, and only the tables that an import needs."""
    say(grant_script(login=login, database=database).rstrip("\n"))


def _connection(context: typer.Context, text: str | None, project: str | None) -> RockConnection:
    if project is not None:
        return ConnectionStore(chosen_of(context).config().state_dir, system_keyring).connection(project)
    assert text is not None
    if text == _FROM_INPUT:
        text = sys.stdin.read()
    else:
        note("Other users of this machine can see a password on a command line: --connection-string - hides it.")
    redactor.hide(text.strip())
    return read_connection_string(text)


def _show(report: RockTestReport, *, as_json: bool) -> None:
    if as_json:
        say(report.model_dump_json(indent=2))
        return
    for line in report_lines(report):
        say(printable(line))


def report_lines(report: RockTestReport) -> list[str]:
    """Result: what a person reads of a report."""
    shown = report.shown
    server = shown.server + (f"\\{shown.instance}" if shown.instance else "")
    server += f", port {shown.port}" if shown.port else ""
    lines = [f"Server    {server}", f"Database  {shown.database}, as {shown.user}"] if shown.server else []
    if report.code is not None:
        lines += [f"Failed    {report.detail}", f"Fix       {report.fix}", f"Code      {report.code}"]
        if report.unreadable_tables:
            lines.append(f"Tables    {', '.join(report.unreadable_tables)}")
        return lines
    encrypted = "encrypted" if report.encrypted else "only the login is encrypted"
    lines += [
        f"Works     in {report.seconds:.1f} s, {encrypted}",
        f"Versions  {report.sql_version}; RockRMS {report.rock_version or 'of an unknown version'}",
        *(f"Rows      {count.entity.value}: {count.rows:,}" for count in report.entities),
        *(
            f"Campus    {campus.campus_id}  {campus.name}{'' if campus.is_active is not False else ' (inactive)'}"
            for campus in report.campuses
        ),
        *(f"Type      {kind.name}: {kind.lines or 0:,} transactions" for kind in report.transaction_types),
        *(f"Note      {warning}" for warning in report.warnings),
    ]
    return lines
