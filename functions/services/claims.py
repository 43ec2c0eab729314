"""Who writes where: containers belong to one client, and two unfinished jobs never overlap below them.

One row per container (`claims`, PK account, RK container): its owner, and an entry per unfinished job. Ownership
outlives the jobs, because their files are still there; it ends only if no job was ever given access.
"""

from __future__ import annotations

from collections.abc import Callable

from pydantic import TypeAdapter

from functions.domain import rows
from functions.domain.job import UNFINISHED, Job
from functions.domain.ports import Row, RowChanged, RowExists, RowMissing, Tables, Value
from functions.services.job_store import JobStore
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.wire import WireModel

TABLE = "claims"
_TRIES = 10


class Entry(WireModel):
    """One unfinished job's prefix."""

    job_id: str
    prefix: str


_ENTRIES = TypeAdapter(list[Entry])


def overlaps(left: str, right: str) -> bool:
    """Result: whether one prefix is, or is below, the other. The empty one is everything."""
    return not left or not right or f"{left}/".startswith(f"{right}/") or f"{right}/".startswith(f"{left}/")


class Claims:
    """The only writer of the table. An entry whose job has ended or is gone is dropped when it is met."""

    def __init__(self, tables: Tables, jobs: JobStore) -> None:
        self._tables = tables
        self._jobs = jobs

    def acquire(self, job: Job, account: str, container: str, prefix: str) -> None:
        """Claims the destination for the job; again is fine.

        Raises Fatal(container-of-another-client), Fatal(destination-overlap).
        """

        def claim(row: Row | None, entries: list[Entry]) -> dict[str, Value] | None:
            if row is not None and _owner(row) != (job.organization, job.client_id):
                raise Fatal(ErrorCode.CONTAINER_OF_ANOTHER_CLIENT, f"Container {container} is used by another client.")
            mine = [entry for entry in entries if entry.job_id == job.job_id]
            others = [entry for entry in entries if entry.job_id != job.job_id]
            others = [entry for entry in others if self._is_alive(job.organization, entry, account)]
            for entry in others:
                if overlaps(entry.prefix, prefix):
                    raise Fatal(
                        ErrorCode.DESTINATION_OVERLAP,
                        f"Job {entry.job_id} writes to {container}/{entry.prefix}".rstrip("/") + ".",
                    )
            if all(entry.prefix != prefix for entry in mine):
                mine.append(Entry(job_id=job.job_id, prefix=prefix))
            if row is not None and [*others, *mine] == entries:
                return None
            return {
                "organization": job.organization,
                "client_id": job.client_id,
                "used": row is not None and rows.flag(row, "used"),
                **_columns([*others, *mine]),
            }

        self._change(account, container, claim)

    def narrow(self, job: Job, account: str, container: str, prefix: str) -> None:
        """The job keeps this one prefix of the container and gives up its others."""

        def keep(row: Row | None, entries: list[Entry]) -> dict[str, Value] | None:
            if row is None:
                return None
            kept = [entry for entry in entries if entry.job_id != job.job_id or entry.prefix == prefix]
            return None if kept == entries else {**_base(row), **_columns(kept)}

        self._change(account, container, keep)

    def release(self, job: Job, account: str, container: str, *, used: bool) -> None:
        """The job is done with the container. `used`: it was given access at least once."""

        def leave(row: Row | None, entries: list[Entry]) -> dict[str, Value] | None:
            if row is None or _owner(row) != (job.organization, job.client_id):
                return None
            kept = [entry for entry in entries if entry.job_id != job.job_id]
            ever_used = used or rows.flag(row, "used")
            if not kept and not ever_used:
                self._tables.delete(TABLE, account, container, row.etag)
                return None
            if kept == entries and ever_used == rows.flag(row, "used"):
                return None
            return {**_base(row), "used": ever_used, **_columns(kept)}

        self._change(account, container, leave)

    def _change(
        self, account: str, container: str, plan: Callable[[Row | None, list[Entry]], dict[str, Value] | None]
    ) -> None:
        """Writes what the plan makes of the row; tries again where somebody else wrote meanwhile."""
        for _ in range(_TRIES):
            row = self._tables.get(TABLE, account, container)
            entries = _ENTRIES.validate_json(rows.joined_text(row, "entries") or "[]") if row else []
            try:
                columns = plan(row, entries)
                if columns is None:
                    return
                if row is None:
                    self._tables.insert(TABLE, account, container, columns)
                else:
                    self._tables.replace(TABLE, account, container, columns, row.etag)
            except (RowExists, RowChanged, RowMissing):
                continue
            return
        raise Retryable(ErrorCode.CHANGED_MEANWHILE, f"Container {container} is being claimed by several jobs at once.")

    def _is_alive(self, organization: str, entry: Entry, account: str) -> bool:
        """Result: whether the entry's job still is unfinished."""
        found = self._jobs.find(organization, entry.job_id)
        return found is not None and found[0].state in UNFINISHED and found[0].account in (account, None)


def _owner(row: Row) -> tuple[str, str]:
    return rows.text(row, "organization"), rows.text(row, "client_id")


def _base(row: Row) -> dict[str, Value]:
    return {
        "organization": rows.text(row, "organization"),
        "client_id": rows.text(row, "client_id"),
        "used": rows.flag(row, "used"),
    }


def _columns(entries: list[Entry]) -> dict[str, Value]:
    return rows.long_text("entries", _ENTRIES.dump_json(entries).decode())
