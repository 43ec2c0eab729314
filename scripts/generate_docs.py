"""Writes docs/errors.md from the error catalogue, docs/job-lifecycle.md from the transition table, and docs/mapping.md.

`python scripts/generate_docs.py` writes; `--check` exits 1 and names the file that is not what would be written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "agent" / "src"), str(ROOT / "scripts")]

from mapping_page import mapping_page  # noqa: E402

from functions.domain.job import TRANSITIONS  # noqa: E402  (the root has to be importable first)
from migrate_contract.errors import CATALOGUE, Fault  # noqa: E402
from migrate_contract.jobs import FOUND_BUCKETS, Bucket, JobPhase, JobState, Outcome, WaitReason  # noqa: E402

WHO = {
    Fault.CUSTOMER: "customer's side",
    Fault.OPERATOR: "operator",
    Fault.TRANSIENT: "nobody, it passes",
    Fault.BUG: "us",
}


def errors_page() -> str:
    """Result: docs/errors.md."""
    lines = [
        "# Errors",
        "",
        "Generated from `migrate_contract/errors.py` by `make docs`. The CLI, the dashboard, the API and the mails",
        "say these same words; every problem also carries a detail (which) and a correlation id.",
        "",
        "| code | what happened | fix | who acts | HTTP | retry |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{code.value}` | {entry.title} | {entry.fix.replace('|', '/')} | {WHO[entry.fault]} | {entry.status} "
        f"| {'yes' if entry.retryable else 'no'} |"
        for code, entry in CATALOGUE.items()
    ]
    return "\n".join(lines) + "\n"


def _members(enum: type[JobState] | type[JobPhase] | type[Outcome] | type[WaitReason]) -> str:
    return ", ".join(f"`{member.value}`" for member in enum)


def _listed(buckets: Iterable[Bucket]) -> str:
    return ", ".join(f"`{bucket.value}`" for bucket in buckets)


def lifecycle_page() -> str:
    """Result: docs/job-lifecycle.md."""
    lines = [
        "# Job lifecycle",
        "",
        "Generated from `functions/domain/job.py` by `make docs`. One function, `advance()`, moves a job and its one",
        "caller is `functions/services/lifecycle.py`; each move is written with its history row in one transaction.",
        "",
        "| from | to |",
        "|---|---|",
    ]
    for state in JobState:
        targets = [target for target in JobState if target in TRANSITIONS[state]]
        lines.append(f"| `{state.value}` | {', '.join(f'`{target.value}`' for target in targets)} |")
    lines += ["", "```mermaid", "stateDiagram-v2", "    [*] --> created"]
    lines += [
        f"    {state.value} --> {target.value}"
        for state in JobState
        for target in JobState
        if target in TRANSITIONS[state]
    ]
    lines += [
        "```",
        "",
        "- A rerun (`failed`, `completed`, `cancelled` -> `created`), a reassignment, a revoked agent and lost work",
        "  are each attempt + 1; an older attempt or session is refused with 409 and its agent stops.",
        "- Pause and cancel are wishes kept apart from the state until the agent has done them.",
        "- A sync's schedule begins attempts through the same function; a run that finds the last one unfinished is",
        "  skipped, with a history row. *Retry failed only* is an attempt about the failed files of the last one.",
        "- A lease that ran out moves nothing: the job is shown as unconfirmed, and goes on when its agent returns.",
        "",
        f"What an agent reports as phase: {_members(JobPhase)}.",
        f"Outcome of a completed job: {_members(Outcome)}.",
        f"Buckets (scanned is their sum): {_listed(FOUND_BUCKETS)}.",
        "Beside them in a ledger, of blobs and not of found files: "
        f"{_listed(bucket for bucket in Bucket if bucket not in FOUND_BUCKETS)} (docs/sync-and-archive.md).",
        f"What a transfer can wait for: {_members(WaitReason)}.",
    ]
    return "\n".join(lines) + "\n"


PAGES = {"errors.md": errors_page, "job-lifecycle.md": lifecycle_page, "mapping.md": mapping_page}


def main() -> int:
    """Result: 0, or 1 where `--check` found a page out of date."""
    check, stale = "--check" in sys.argv[1:], []
    for name, page in PAGES.items():
        path = ROOT / "docs" / name
        if check and (not path.exists() or path.read_text(encoding="utf-8") != page()):
            stale.append(name)
        elif not check:
            path.write_text(page(), encoding="utf-8")
    for name in stale:
        sys.stdout.write(f"docs/{name} is not what the code says: run make docs\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
