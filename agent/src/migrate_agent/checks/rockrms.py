"""The RockRMS databases whose connection strings are kept here: is each of them reached, and may it be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from migrate_agent.checks.line import Line, Verdict, failed_by, ok
from migrate_agent.rockrms.connection_string import DEFAULT_PORT, RockConnection
from migrate_agent.rockrms.probe import probe_rock
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import HeldConnection


def rock_line(project_id: str, connection: Callable[[], RockConnection]) -> Line:
    """Result: what the connection test finds for a project, in one line; takes ten seconds at most."""
    name = f"RockRMS {project_id}"
    try:
        report = probe_rock(connection())
    except Fatal as error:
        return failed_by(name, error)
    if report.code is not None:
        return Line(name, Verdict.FAILED, report.detail, ErrorCode(report.code), report.fix)
    shown = report.shown
    return ok(name, f"{shown.database} on {shown.server}, port {shown.port}, read as {shown.user}")


def rock_hosts(held: Sequence[HeldConnection]) -> list[str]:
    """Result: host:port of each kept connection; a named instance needs UDP 1434 and a port that may change."""
    hosts = []
    for kept in held:
        shown = kept.shown
        if shown.port is None:
            hosts += [f"{shown.server}:1434 (UDP)", f"{shown.server}:<port of the instance {shown.instance}>"]
        else:
            hosts.append(f"{shown.server}:{shown.port}")
    return list(dict.fromkeys(hosts)) or [f"<SQL host>:{DEFAULT_PORT}"]
