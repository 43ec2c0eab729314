"""One copy without a control plane: the same engine, with a journal of its own so that a broken copy goes on.

A copy is named by its source, destination and everything that decides which file goes where; running the same one
again after an interruption takes its journal up. A copy that came to its end leaves no journal: the next one looks at
every file again. A journal older than a week is not taken up, because staged blocks live no longer than that.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from migrate_agent.engine_results import EngineResult, Snapshot
from migrate_agent.network import Network
from migrate_agent.runtime.instance_lock import InstanceLock
from migrate_agent.runtime.safe_list import SafeList
from migrate_agent.runtime.watching import watching
from migrate_agent.stop import StopSignal
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.transfer.access import SasUrlAccess
from migrate_agent.transfer.dry_run import findings_of
from migrate_agent.transfer.engine import CopyEngine
from migrate_agent.transfer.results import DryRun, DryRunFile, EngineSettings
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import (
    BlobDestination,
    Bucket,
    FileFilters,
    Finding,
    JobPhase,
    JobSpec,
    JobType,
    LedgerRow,
    LocalSource,
    SymlinkPolicy,
    TransferSettings,
)

_STALE_SECONDS = 7 * 24 * 3600.0
_GIVE_UP_SECONDS = 15 * 60.0
_PAGE = 2_000
_MOST_ATTEMPTS = 1_000_000
_LOOK_SECONDS = 0.5
_NOT_IN_THE_NAME = {"concurrency", "bandwidth_limit_mbps", "memory_limit_mib"}
"""Of the transfer settings: what a copy that goes on may have changed. A new setting's None changes no name."""


@dataclass(frozen=True)
class CopyRequest:
    """What to copy where, and how."""

    source: Path
    access: SasUrlAccess
    prefix: str = ""
    filters: FileFilters = field(default_factory=FileFilters)
    transfer: TransferSettings = field(default_factory=TransferSettings)
    check_readable: bool = False
    """A dry run opens each file that would be read."""
    manifest_digest: str = ""
    """Of the manifest's content: another list is another copy, whatever its file is called."""

    def spec(self, attempt: int = 1) -> JobSpec:
        """Result: the job that the engine works from. Raises Fatal(sas-url-invalid), ValueError for the prefix."""
        try:
            destination = BlobDestination(container=self.access.container, prefix=self.prefix)
        except ValidationError as error:
            if any(found["loc"] and found["loc"][0] == "container" for found in error.errors()):
                detail = f"{self.access.container!r} cannot be the name of a container"
                raise Fatal(ErrorCode.SAS_URL_INVALID, detail) from None
            raise
        return JobSpec(
            job_id=self._job_id(),
            attempt=attempt,
            name="copy",
            type=JobType.MIGRATE_FILES,
            source=LocalSource(path=str(self.source)),
            destination=destination,
            filters=self.filters,
            transfer=self.transfer,
            check_readable=self.check_readable,
        )

    def _job_id(self) -> str:
        how = self.transfer.model_dump(mode="json", exclude=_NOT_IN_THE_NAME, exclude_none=True)
        container = self.access.current().container_url
        which = self.filters.model_dump(mode="json") | {"manifest": self.manifest_digest}
        named = json.dumps([str(self.source), container, self.prefix, which, how])
        digest = hashlib.sha256(named.encode("utf-8", "surrogateescape")).digest()
        return "job_" + base64.b32encode(digest).decode("ascii").lower()[:24]


@dataclass(frozen=True)
class CopyReport:
    """How a copy ended."""

    result: EngineResult
    snapshot: Snapshot
    seconds: float
    resumed: bool
    attention: list[LedgerRow]
    """Failed and unsupported files, as many as were asked for."""
    findings: list[Finding]
    """What happened to files for which there is something to say, by kind."""
    safe_files: int = 0
    """In the list of files that are safe to delete, where one was asked for."""


def run_copy(
    request: CopyRequest,
    folder: Path,
    network: Network,
    stop: StopSignal,
    *,
    watch: Callable[[Snapshot], None],
    ledger: IO[str] | None = None,
    safe: IO[str] | None = None,
    excluded: Callable[[LedgerRow], None] | None = None,
    most_attention: int = 10_000,
) -> CopyReport:
    """Result: the copy's end; `watch` hears how far it is twice a second. `folder` holds journals of copies.

    `ledger` gets a line for each file, `excluded` hears the rows of those that were left out, and `safe` gets the list
    of source files that are safe to delete (runtime/safe_list.py).
    Raises Fatal (already-running, journal-unreadable, sas-url-invalid), Retryable(disk-full).
    """
    began = time.monotonic()
    with _journal_of(folder / request.spec().job_id) as (journal, attempt, resumed):
        engine = _engine(request.spec(attempt), journal, request, network, stop)
        with watching(engine.snapshot, watch, _LOOK_SECONDS):
            result = engine.run()
        snapshot = engine.snapshot()
        if ledger is not None:
            _write_ledger(journal, ledger)
        listed = SafeList(safe, request.source, follow=request.transfer.symlinks is SymlinkPolicy.FOLLOW)
        if safe is not None:
            _write_safe_list(journal, listed)
        if excluded is not None:
            for row in _rows_in(journal, Bucket.EXCLUDED):
                excluded(row)
        attention = journal.ledger_rows(1, most_attention, (Bucket.FAILED, Bucket.UNSUPPORTED))
        findings = findings_of(journal).all()
        return CopyReport(
            result, snapshot, time.monotonic() - began, resumed, attention, findings, safe_files=listed.files
        )


def run_dry(
    request: CopyRequest,
    folder: Path,
    network: Network,
    stop: StopSignal,
    *,
    excluded: Callable[[DryRunFile], None] | None = None,
) -> DryRun:
    """Result: what `run_copy` would do; nothing is written. Raises Fatal, StopRequested.

    `excluded` hears of every file that is left out.
    """
    spec = request.spec()
    with _fresh_journal(folder / f"{spec.job_id}.dry") as journal:
        return _engine(spec, journal, request, network, stop).dry_run(excluded=excluded)


def digest_of_manifest(path: str | None) -> str:
    """Result: what names the manifest's content, '' without one. Raises Fatal(manifest-not-readable)."""
    if path is None:
        return ""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise Fatal(ErrorCode.MANIFEST_NOT_READABLE, f"{path}: {words}") from error


def forget_copy(request: CopyRequest, folder: Path) -> None:
    """The copy came to its end: its journal is of no more use."""
    shutil.rmtree(folder / request.spec().job_id, ignore_errors=True)


def _engine(spec: JobSpec, journal: JobJournal, request: CopyRequest, network: Network, stop: StopSignal) -> CopyEngine:
    settings = EngineSettings(give_up_after_seconds=_GIVE_UP_SECONDS)
    return CopyEngine(spec, journal, request.access, stop, network=network, settings=settings)


@contextlib.contextmanager
def _journal_of(own: Path) -> Iterator[tuple[JobJournal, int, bool]]:
    """The copy's journal, its attempt, and whether an earlier run left it; held against a second run of the same copy.

    Each new copy is an attempt of its own: what an earlier one has sent is unchanged, not sent by this one.
    """
    with InstanceLock(own):
        known = [path for path in own.glob("*.db") if path.stem.isdigit()]
        fresh = [path for path in known if time.time() - path.stat().st_mtime < _STALE_SECONDS]
        for path in set(known) - set(fresh[:1]):
            _remove(path)
        attempt = int(fresh[0].stem) if fresh else secrets.randbelow(_MOST_ATTEMPTS) + 1
        journal = JobJournal(own / f"{attempt}.db")
        try:
            yield journal, attempt, bool(fresh)
        finally:
            journal.close()


@contextlib.contextmanager
def _fresh_journal(own: Path) -> Iterator[JobJournal]:
    with InstanceLock(own):
        path = own / "dry.db"
        _remove(path)
        journal = JobJournal(path)
        try:
            yield journal
        finally:
            journal.close()
    shutil.rmtree(own, ignore_errors=True)


def _write_ledger(journal: JobJournal, ledger: IO[str]) -> None:
    """JSON lines, on the disk when this returns."""
    for page in journal.ledger_pages(_PAGE):
        ledger.write("".join(page))
    ledger.flush()
    with contextlib.suppress(OSError, ValueError):  # a pipe or a terminal is nobody's disk
        os.fsync(ledger.fileno())


def _write_safe_list(journal: JobJournal, listed: SafeList) -> None:
    for row in _rows_in(journal, Bucket.TRANSFERRED, Bucket.UNCHANGED):
        listed.add(row)


def _rows_in(journal: JobJournal, *buckets: Bucket) -> Iterator[LedgerRow]:
    first = 1
    while rows := journal.ledger_rows(first, _PAGE, buckets):
        yield from rows
        first = rows[-1].row + 1


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def ended(result: EngineResult) -> bool:
    """Result: whether nothing of this copy is left to go on with."""
    return not result.stopped and result.phase is JobPhase.COMPLETED
