"""`migrate-agent check`: what keeps this machine from working, line by line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from migrate_agent.checks.line import Line, Verdict, worst
from migrate_agent.cli.output import DONE, SOME_FAILED, printable, say
from migrate_agent.cli.settings import chosen_of
from migrate_agent.redaction import redactor
from migrate_agent.runtime.diagnosis import Asked, Diagnosis, allowed_hosts

WARNED = 4
"""Everything works now, and something should be looked at."""
_MARKS = {
    Verdict.OK: ("ok  ", "green"),
    Verdict.WARNING: ("warn", "yellow"),
    Verdict.FAILED: ("FAIL", "bold red"),
    Verdict.SKIPPED: ("--  ", "dim"),
}
HELP = """Look at everything between this machine and a finished job: registration, name, port, proxy, certificate,
clock, key, service, process, disk, folders, upload speed and RockRMS. Each line is ok, or a code with its fix.

Changes nothing. Exits 0 where all is well, 4 with warnings, 1 where something keeps jobs from working."""


def check(
    context: typer.Context,
    source: Annotated[
        list[Path] | None,
        typer.Option("--source", metavar="DIR", help="A folder to copy: can this account read it? Repeatable."),
    ] = None,
    storage: Annotated[
        list[str] | None,
        typer.Option("--storage", metavar="ACCOUNT", help="A storage account to reach (name or host). Repeatable."),
    ] = None,
    upload_to: Annotated[
        str | None,
        typer.Option("--upload-to", metavar="SAS_URL", help="Measure the speed to this container; - reads the URL."),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, max=120, help="How long the speed is measured.")] = 5.0,
    hosts: Annotated[bool, typer.Option("--hosts", help="Only print what a firewall has to allow.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """See HELP."""
    config = chosen_of(context).config()
    if hosts:
        for host in allowed_hosts(config):
            say(host)
        raise typer.Exit(DONE)
    url = sys.stdin.readline().strip() if upload_to == "-" else upload_to
    asked = Asked(sources=source or (), accounts=storage or (), upload_to=url, upload_seconds=seconds)
    found: list[Line] = []
    for line in Diagnosis(config, asked).lines():
        found.append(line)
        if not as_json:
            _show(line)
    verdict = worst(found)
    if as_json:
        say(json.dumps({"verdict": verdict.value, "lines": [line.as_json() for line in found]}, indent=2))
    else:
        _sum_up(found)
    raise typer.Exit({Verdict.OK: DONE, Verdict.WARNING: WARNED}.get(verdict, SOME_FAILED))


def _show(line: Line) -> None:
    console = Console(highlight=False, soft_wrap=True)
    mark, style = _MARKS[line.verdict]
    console.print(Text.assemble((mark, style), f"  {line.name}: ", printable(redactor.clean(line.detail))))
    if line.verdict in (Verdict.FAILED, Verdict.WARNING) and line.code is not None:
        console.print(Text.assemble("      ", (f"{line.code.value}: ", "dim"), redactor.clean(line.fix)))


def _sum_up(found: list[Line]) -> None:
    failures = sum(line.verdict is Verdict.FAILED for line in found)
    warnings = sum(line.verdict is Verdict.WARNING for line in found)
    if failures:
        first = next(line for line in found if line.verdict is Verdict.FAILED)
        say(f"\n{failures} of {len(found)} lines failed. Begin with: {first.name}.")
    elif warnings:
        say(f"\nWorks, with {warnings} warnings.")
    else:
        say("\nAll is well.")
