"""What the demonstration shows: steps, live progress (lines where there is no terminal), and the report."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from local.demo_report import DemoReport

if TYPE_CHECKING:
    from local.rock_demo import RockDemoReport

LINE_SECONDS = 5.0
MAX_NAMED = 1000


class DemoDisplay:
    """Prints to one console. A bar per phase on a terminal, a line every few seconds elsewhere."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self._console = console
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._last_line_at = 0.0
        self._started_at = time.monotonic()

    def __enter__(self) -> Self:
        """Show progress within a block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._end_bar()

    def step(self, sentence: str) -> None:
        """A new step begins."""
        self._end_bar()
        elapsed = time.monotonic() - self._started_at
        self._console.print(Text(f"[{elapsed:6.1f} s] {sentence}"), soft_wrap=True)

    def job(self, job: dict[str, Any]) -> None:
        """Where the job stands, from its view."""
        progress = job["progress"]
        if progress is None:
            self._show(f"{job['state']}: {job['waiting_because'] or 'starting'}", 0, None)
            return
        files, moved = progress["files"], progress["bytes"]
        done = files["scanned"] - files["pending"]
        rate = _size(progress["speed_bytes_per_second"])
        waits = progress["waiting"]["detail"] if progress["waiting"]["reason"] != "none" else ""
        text = f"{job['state']}: {done} of {files['scanned']} files, {_size(moved['transferred'])}, {rate}/s"
        text += f"; waits for: {waits}" if waits else ""
        self._show(text, done, files["scanned"] if job["scan_complete"] else None)

    def records(self, job: dict[str, Any]) -> None:
        """Where an import stands, from its view."""
        entities = (job["progress"] or {}).get("entities") or []
        if not entities:
            self._show(f"{job['state']}: {job['waiting_because'] or 'starting'}", 0, None)
            return
        total = sum(each["in_scope"] for each in entities)
        done = total - sum(each["pending"] for each in entities)
        at_work = next((each["entity"] for each in entities if each["pending"]), "verification")
        self._show(f"{job['state']}: {done:,} of {total:,} records, {at_work}", done, total)

    def import_report(self, found: RockDemoReport) -> None:
        """Entities, money, bridge, the comparison, the verdict."""
        self._end_bar()
        report = found.report
        table = Table(title="Records", box=None, padding=(0, 1, 0, 0))
        columns = ("in_scope", "imported", "updated", "unchanged", "skipped", "errored", "flagged")
        for name in ("entity", "in scope", "new", "updated", "same", "skipped", "errored", "flagged", "in Mission"):
            table.add_column(name, justify="left" if name == "entity" else "right", no_wrap=True)
        for entity in report.entities:
            counts = [f"{getattr(entity, name):,}" for name in columns]
            table.add_row(entity.entity.value, *counts, "?" if entity.mission is None else f"{entity.mission:,}")
        self._console.print(table)
        money = Table(title=f"Gifts ({report.currency})")
        for name in ("", "lines", "amount"):
            money.add_column(name, justify="right" if name else "left")
        totals = report.totals
        money.add_row("gross", f"{totals.gifts:,}", totals.gross)
        money.add_row("refunds", f"{totals.refund_lines:,}", totals.refunds)
        money.add_row("corrections", f"{totals.correction_lines:,}", totals.corrections)
        money.add_section()
        money.add_row("net", "", totals.net)
        self._console.print(money)
        bridge = Table(title="Bridge from Rock to Mission")
        for name in ("", "lines", "amount"):
            bridge.add_column(name, justify="right" if name else "left")
        for line in report.bridge:
            bridge.add_row(line.label, f"{line.count:,}", line.amount)
        bridge.add_section()
        bridge.add_row("unexplained", "", report.unexplained)
        self._console.print(bridge)
        self._list(
            "Rows that differ",
            [f"{row.entity.value} {row.measure} {row.label}" for row in report.rows if row.verdict.value == "differs"],
        )
        self._console.print(
            f"Financial match: {report.financial_match}; quality {report.quality_score}; evidence: "
            f"{report.evidence.value}; {found.records:,} records in Mission compared field by field with the church's "
            f"model: {len(found.differences):,} differences.",
            soft_wrap=True,
        )
        self._console.print(f"Certificate: {found.certificate}", soft_wrap=True)
        self._import_verdict(found)

    def _import_verdict(self, found: RockDemoReport) -> None:
        if found.problems:
            self.failure("; ".join(found.problems), "Read the page 'when the numbers differ' of docs/runbook.md.")
            return
        killed = "with one kill -9 on the way, " if found.killed else ""
        sentence = f"PASSED in {found.seconds:.0f} s: {killed}Mission holds exactly what the church has."
        self._console.print(Text(sentence, style="bold green"), soft_wrap=True)

    def compared(self, done: int, total: int) -> None:
        """How far the comparison is."""
        self._show(f"{done} of {total} files compared", done, total)

    def report(self, report: DemoReport) -> None:
        """The six buckets, what was not copied and why, the comparison, the verdict."""
        self._end_bar()
        self._console.print(Text(f"Copy of {report.source}"), soft_wrap=True)
        table = Table()
        table.add_column("bucket")
        table.add_column("files", justify="right")
        table.add_column("bytes", justify="right")
        for bucket in ("transferred", "unchanged", "excluded", "unsupported", "failed", "pending"):
            table.add_row(bucket, f"{report.files[bucket]:,}", f"{report.bytes[bucket]:,}")
        table.add_section()
        table.add_row("scanned", f"{report.files['scanned']:,}", f"{report.bytes['scanned']:,}")
        self._console.print(table)
        named = [row for row in report.not_copied if row["bucket"] != "excluded"]
        self._list("Not copied, with the reason", [*_excluded(report.not_copied), *map(_reason, named)])
        comparison = report.comparison
        self._console.print(
            f"Compared: {comparison.equal_files:,} files, {comparison.equal_bytes:,} bytes are equal; "
            f"{comparison.left_out_files:,} files were left out with a reason; "
            f"{len(comparison.differences):,} names differ.",
            soft_wrap=True,
        )
        self._list(
            "Differences", [f"{each.kind.value}: {each.name} ({each.detail})" for each in comparison.differences]
        )
        self._verdict(report)

    def failure(self, cause: str, fix: str) -> None:
        """Why there is no report, and what to do."""
        self._end_bar()
        self._console.print(Text(f"FAILED: {cause}", style="bold red"), soft_wrap=True)
        self._console.print(Text(f"What to do: {fix}"), soft_wrap=True)

    def _verdict(self, report: DemoReport) -> None:
        if not report.problems:
            sentence = f"PASSED in {report.seconds:.0f} s: every file in the container equals its source."
            self._console.print(Text(sentence, style="bold green"), soft_wrap=True)
            return
        self.failure(
            "; ".join(report.problems),
            "Look at the names above. A file that was changed during the copy is copied by a second run; "
            "anything else is a defect: keep this output.",
        )

    def _list(self, title: str, lines: list[str]) -> None:
        if not lines:
            return
        self._console.print(Text(f"{title}:"))
        for line in lines[:MAX_NAMED]:
            self._console.print(Text(f"  {_printable(line)}"), soft_wrap=True)
        if len(lines) > MAX_NAMED:
            self._console.print(Text(f"  and {len(lines) - MAX_NAMED:,} more"))

    def _show(self, text: str, done: int, total: int | None) -> None:
        if not self._console.is_terminal:
            if time.monotonic() - self._last_line_at >= LINE_SECONDS or (total is not None and done == total > 0):
                self._last_line_at = time.monotonic()
                self._console.print(Text(f"           {text}"), soft_wrap=True)
            return
        if self._progress is None:
            columns = (BarColumn(bar_width=20), TextColumn("{task.description}"), TimeElapsedColumn())
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.start()
            self._task = self._progress.add_task("", total=None)
        if self._task is not None:
            self._progress.update(self._task, description=text, completed=done, total=total)

    def _end_bar(self) -> None:
        if self._progress is not None:
            self._progress.stop()
        self._progress = self._task = None
        self._last_line_at = 0.0


def _reason(row: dict[str, Any]) -> str:
    return f"{row['bucket']}: {row['path']} ({row.get('code') or 'no code'}: {row.get('detail') or 'no detail'})"


def _excluded(rows: list[dict[str, Any]]) -> list[str]:
    """What the job's own settings left out, one line for each reason."""
    by_code: dict[str, list[str]] = {}
    for row in rows:
        if row["bucket"] == "excluded":
            by_code.setdefault(row.get("code") or "no code", []).append(row["path"])
    return [f"excluded: {len(paths):,} ({code}), such as {paths[0]}" for code, paths in sorted(by_code.items())]


def _printable(text: str) -> str:
    """File names may hold anything; a terminal must not obey it."""
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)


def _size(count: float) -> str:
    """A number of bytes for a person."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")
