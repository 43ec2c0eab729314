"""What `migrate-agent copy` shows: progress on standard error, the result on standard output."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from migrate_agent.cli.output import note, printable, show_error
from migrate_agent.redaction import redactor
from migrate_agent.runtime.local_copy import CopyReport, CopyRequest
from migrate_agent.transfer.results import DryRun, Snapshot
from migrate_contract.errors import CATALOGUE, ErrorCode, Fatal, MigrateError
from migrate_contract.jobs import JobPhase, Tally, WaitReason

_PLAIN_SECONDS = 30.0
_SHOWN_FILES = 20
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_UNIT = 1024


class CopyProgress:
    """A bar where a person watches, a line now and then where standard error is a file."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._told_at = time.monotonic()
        self._connected = True

    def __enter__(self) -> CopyProgress:
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[numbers]}"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("scanning", total=None, numbers="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, snapshot: Snapshot) -> None:
        """How far it is."""
        numbers = _numbers(snapshot)
        if self._bar is not None and self._task is not None:
            total = snapshot.bytes.scanned if snapshot.scan_complete else None
            done = snapshot.bytes.scanned - snapshot.bytes.pending
            self._bar.update(self._task, description=snapshot.phase.value, total=total, completed=done, numbers=numbers)
            return
        waiting = snapshot.waiting
        lost = waiting.reason is WaitReason.NO_CONNECTION and bool(waiting.detail)
        news, self._connected = lost and self._connected, not lost
        if news or time.monotonic() - self._told_at >= _PLAIN_SECONDS:
            self._told_at = time.monotonic()
            note(f"{snapshot.phase.value}: {numbers}")


def _numbers(snapshot: Snapshot) -> str:
    files, sizes = snapshot.files, snapshot.bytes
    known = f"{files.scanned:,}" if snapshot.scan_complete else f"{files.scanned:,}+"
    text = f"{files.scanned - files.pending:,} of {known} files, {size(sizes.scanned - sizes.pending)}"
    if snapshot.speed_bytes_per_second:
        text += f", {size(snapshot.speed_bytes_per_second)}/s"
    if snapshot.eta_seconds is not None:
        text += f", {_duration(snapshot.eta_seconds)} left"
    if snapshot.waiting.reason is not WaitReason.NONE and snapshot.waiting.detail:
        text += f" ({snapshot.waiting.detail})"
    return text


def size(count: float) -> str:
    """Result: bytes in a unit that a person reads."""
    index = 0
    while count >= _UNIT and index < len(_UNITS) - 1:
        count, index = count / _UNIT, index + 1
    return f"{count:.0f} {_UNITS[index]}" if index == 0 else f"{count:.1f} {_UNITS[index]}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


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
        "resumed": report.resumed,
        "safe_to_delete_files": report.safe_files,
        "fault": _fault(result.fault.code, result.fault.detail) if result.fault else None,
        "attention": [
            {"path": row.path, "bucket": row.bucket.value, "size_bytes": row.size_bytes}
            | (_fault(row.code, row.detail or "") if row.code else {})
            for row in report.attention
        ],
    }


def failure_json(error: MigrateError, exit_code: int) -> dict[str, Any]:
    """Result: a copy that could not begin, for a program."""
    return {
        "outcome": "failed",
        "exit_code": exit_code,
        "fault": _fault(error.code.value, redactor.clean(error.detail)),
    }


def dry_json(request: CopyRequest, plan: DryRun) -> dict[str, Any]:
    """Result: what would be done, for a program."""
    return {
        "dry_run": True,
        **_where(request),
        "files": plan.files.model_dump(),
        "bytes": plan.bytes.model_dump(),
        "compared_files": plan.compared_files,
        "attention": [
            {"path": found.path, "bucket": found.bucket, "size_bytes": found.size_bytes}
            | (_fault(found.code, found.detail or "") if found.code else {})
            for found in plan.attention
        ],
    }


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
    console.print(f"Verified: {snapshot.verified_files:,} files. {_duration(report.seconds)}.")
    for row in report.attention[:_SHOWN_FILES]:
        words = _fault(row.code or "", row.detail or "")
        line = f"{row.bucket.value}: {row.path}: {words.get('title', row.code)}: {row.detail or ''}"
        console.print(Text(f"  {printable(line)}"))
    if len(report.attention) > _SHOWN_FILES:
        console.print(f"  ... and {len(report.attention) - _SHOWN_FILES:,} more: --json or --ledger FILE lists them.")
    if result.stopped:
        show_error(Fatal(ErrorCode.INTERRUPTED, f"{snapshot.files.pending:,} files of those found are left"))
    elif result.fault is not None:
        show_error(Fatal(_code(result.fault.code), result.fault.detail))
    else:
        target = "/".join(filter(None, (request.access.container, request.prefix)))
        style = "bold green" if _outcome(report) == "complete" else "bold yellow"
        outcome = _outcome(report).replace("_", " ").capitalize()
        console.print(Text(printable(f"{outcome}: {request.source} to {target}."), style=style))


def describe_dry(request: CopyRequest, plan: DryRun) -> None:
    """Prints what would be done, for a person."""
    console = Console(highlight=False, soft_wrap=True)
    title = f"Dry run: {request.source} to {request.access.container}. Nothing was written."
    console.print(Text(printable(title), style="bold"))
    console.print(_tallies(plan.files, plan.bytes, transferred="To transfer"))
    if plan.compared_files:
        console.print(f"{plan.compared_files:,} of the same size are compared by hash first; they may be unchanged.")
    for found in plan.attention[:_SHOWN_FILES]:
        words = _fault(found.code or "", found.detail or "")
        line = f"{found.bucket}: {found.path}: {words.get('title', '')}: {found.detail or ''}"
        console.print(Text(f"  {printable(line)}"))
    if len(plan.attention) > _SHOWN_FILES:
        console.print(f"  ... and {len(plan.attention) - _SHOWN_FILES:,} more: --json lists them.")


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
