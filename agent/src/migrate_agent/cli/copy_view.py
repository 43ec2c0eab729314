"""What `migrate-agent copy` and its dry run say at their end, for a person and for a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from migrate_agent.cli.output import printable, say, show_error
from migrate_agent.cli.quantities import duration, rate, size
from migrate_agent.redaction import redactor
from migrate_agent.runtime.local_copy import CopyReport, CopyRequest
from migrate_agent.transfer.preflight import seconds_at
from migrate_agent.transfer.results import DryRun, DryRunFile
from migrate_contract.errors import CATALOGUE, ErrorCode, Fatal, MigrateError
from migrate_contract.jobs import Finding, JobPhase, LedgerRow, Tally

_SHOWN_FILES = 20


def _long(seconds: float) -> str:
    """Result: a duration that nobody measures to the second."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"about {seconds / length:.0f} {unit}"
    return f"about {max(seconds, 1):.0f} s"


def report_json(request: CopyRequest, report: CopyReport, exit_code: int) -> dict[str, Any]:
    """Result: the copy's end for a program; buckets add up to `scanned`."""
    snapshot, result = report.snapshot, report.result
    return {
        "outcome": _outcome(report),
        "exit_code": exit_code,
        **_where(request),
        "files": snapshot.files.model_dump(),
        "bytes": snapshot.bytes.model_dump(),
        "verified_files": snapshot.verified_files,
        "retries": snapshot.retries,
        "seconds": round(report.seconds, 3),
        "average_bytes_per_second": round(snapshot.average_bytes_per_second),
        "waited_seconds": {reason: round(spent, 3) for reason, spent in snapshot.waited_seconds.items()},
        "resumed": report.resumed,
        "safe_to_delete_files": report.safe_files,
        "fault": _fault(result.fault.code, result.fault.detail) if result.fault else None,
        "attention": [
            {"path": row.path, "bucket": row.bucket.value, "size_bytes": row.size_bytes}
            | (_fault(row.code, row.detail or "") if row.code else {})
            for row in report.attention
        ],
        "attention_files": snapshot.files.failed + snapshot.files.unsupported,
        "findings": _findings_json(report.findings),
    }


def failure_json(error: MigrateError, exit_code: int) -> dict[str, Any]:
    """Result: a copy that could not begin, for a program."""
    return {
        "outcome": "failed",
        "exit_code": exit_code,
        "fault": _fault(error.code.value, redactor.clean(error.detail)),
    }


def dry_json(request: CopyRequest, plan: DryRun, mbps: float | None) -> dict[str, Any]:
    """Result: what would be done, for a program. `seconds`: how long the bytes take at `mbps`; null: none was given."""
    return {
        "dry_run": True,
        **_where(request),
        "files": plan.files.model_dump(),
        "bytes": plan.bytes.model_dump(),
        "compared_files": plan.compared_files,
        "checked_readable": plan.checked_readable,
        "mbps": mbps,
        "seconds": None if mbps is None else round(seconds_at(plan.bytes.transferred, mbps), 1),
        "findings": _findings_json(plan.findings),
        "attention_files": plan.attention_files,
        "attention": [
            {"path": found.path, "bucket": found.bucket, "size_bytes": found.size_bytes}
            | (_fault(found.code, found.detail or "") if found.code else {})
            for found in plan.attention
        ],
    }


def _findings_json(findings: list[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "bucket": found.bucket.value,
            **_fault(found.code, found.rule),
            "files": found.files,
            "bytes": found.bytes,
            "examples": found.examples,
        }
        for found in findings
    ]


class ExcludedFiles:
    """The files that were left out, where they were asked for: a line each for a person, a list for a program."""

    def __init__(self, wanted: bool, as_json: bool) -> None:
        self._wanted, self._as_json = wanted, as_json
        self._listed: list[dict[str, Any]] = []

    @property
    def heard(self) -> Callable[[DryRunFile | LedgerRow], None] | None:
        """Result: what takes each file that was left out; None where nobody asked for them."""
        return self._add if self._wanted else None

    def _add(self, file: DryRunFile | LedgerRow) -> None:
        if self._as_json:
            code, detail = file.code or "", file.detail or ""
            self._listed.append({"path": file.path, "size_bytes": file.size_bytes, "code": code, "detail": detail})
        else:
            say(printable(f"excluded: {file.path}: {file.detail or file.code}"))

    def as_json(self) -> dict[str, Any]:
        """Result: what a program's answer says of them."""
        return {"excluded": self._listed} if self._wanted else {}


def _where(request: CopyRequest) -> dict[str, Any]:
    return {
        "source": str(request.source),
        "container_url": request.access.current().container_url,
        "prefix": request.prefix,
    }


def _fault(code: str, detail: str) -> dict[str, Any]:
    try:
        entry = CATALOGUE[ErrorCode(code)]
    except ValueError:
        return {"code": code, "detail": detail}
    return {"code": code, "title": entry.title, "detail": detail, "fix": entry.fix}


def _outcome(report: CopyReport) -> str:
    if report.result.stopped:
        return "interrupted"
    if report.result.outcome is not None and report.result.phase is JobPhase.COMPLETED:
        return report.result.outcome.value
    return report.result.phase.value


def describe(request: CopyRequest, report: CopyReport) -> None:
    """Prints the copy's end for a person."""
    console = Console(highlight=False, soft_wrap=True)
    snapshot, result = report.snapshot, report.result
    if snapshot.files.scanned:
        console.print(_tallies(snapshot.files, snapshot.bytes))
    average = f", {rate(snapshot.average_bytes_per_second)} average" if snapshot.average_bytes_per_second else ""
    console.print(f"Verified: {snapshot.verified_files:,} files. {duration(report.seconds)}{average}.")
    _print_findings(console, report.findings)
    for row in report.attention[:_SHOWN_FILES]:
        words = _fault(row.code or "", row.detail or "")
        line = f"{row.bucket.value}: {row.path}: {words.get('title', row.code)}: {row.detail or ''}"
        console.print(Text(f"  {printable(line)}"))
    wrong = snapshot.files.failed + snapshot.files.unsupported
    if wrong > _SHOWN_FILES:
        console.print(f"  ... and {wrong - _SHOWN_FILES:,} more: --json or --ledger FILE lists them.")
    if result.stopped:
        show_error(Fatal(ErrorCode.INTERRUPTED, f"{snapshot.files.pending:,} files of those found are left"))
    elif result.fault is not None:
        show_error(Fatal(_code(result.fault.code), result.fault.detail))
    else:
        target = "/".join(filter(None, (request.access.container, request.prefix)))
        style = "bold green" if _outcome(report) == "complete" else "bold yellow"
        outcome = _outcome(report).replace("_", " ").capitalize()
        console.print(Text(printable(f"{outcome}: {request.source} to {target}."), style=style))


def describe_dry(request: CopyRequest, plan: DryRun, mbps: float | None) -> None:
    """Prints what would be done, for a person, and how long it takes at `mbps` if that is known."""
    console = Console(highlight=False, soft_wrap=True)
    title = f"Dry run: {request.source} to {request.access.container}. Nothing was written."
    console.print(Text(printable(title), style="bold"))
    console.print(_tallies(plan.files, plan.bytes, transferred="To transfer"))
    if plan.compared_files:
        console.print(f"{plan.compared_files:,} of the same size are compared by hash first; they may be unchanged.")
    if mbps is not None:
        seconds = seconds_at(plan.bytes.transferred, mbps)
        console.print(f"At {mbps:g} Mbps the bytes alone take {_long(seconds)}.")
    _print_findings(console, plan.findings)
    for found in plan.attention[:_SHOWN_FILES]:
        words = _fault(found.code or "", found.detail or "")
        line = f"{found.bucket}: {found.path}: {words.get('title', '')}: {found.detail or ''}"
        console.print(Text(f"  {printable(line)}"))
    if plan.attention_files > _SHOWN_FILES:
        listed = f"--json lists {len(plan.attention):,} of them." if plan.attention_files > len(plan.attention) else ""
        more = plan.attention_files - _SHOWN_FILES
        console.print(f"  ... and {more:,} more: {listed or '--json lists them.'}")


def _print_findings(console: Console, findings: list[Finding]) -> None:
    if not findings:
        return
    table = Table("What was found", "Bucket", "Files", "Bytes", box=None, padding=(0, 2, 0, 0))
    for column in table.columns[2:]:
        column.justify = "right"
    for found in findings[:_SHOWN_FILES]:
        words = found.rule or _fault(found.code, "").get("title", found.code)
        table.add_row(Text(printable(words)), found.bucket.value, f"{found.files:,}", size(found.bytes))
    console.print(table)
    if len(findings) > _SHOWN_FILES:
        console.print(f"  ... and {len(findings) - _SHOWN_FILES:,} more kinds: --json lists them.")


def _tallies(files: Tally, sizes: Tally, *, transferred: str = "Transferred") -> Table:
    table = Table("", "Files", "Bytes", box=None, padding=(0, 2, 0, 0))
    for column in table.columns[1:]:
        column.justify = "right"
    for bucket in ("transferred", "unchanged", "excluded", "unsupported", "failed", "pending", "scanned"):
        count, amount = getattr(files, bucket), getattr(sizes, bucket)
        if count or bucket in ("transferred", "scanned"):
            label = transferred if bucket == "transferred" else bucket.capitalize()
            table.add_row(label, f"{count:,}", size(amount))
    return table


def _code(code: str) -> ErrorCode:
    try:
        return ErrorCode(code)
    except ValueError:
        return ErrorCode.INTERNAL
