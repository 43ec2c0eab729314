"""Makes a progress report of a job: from its engine while one runs, from the journal otherwise."""

from __future__ import annotations

from typing import Any

from migrate_agent.engine_results import Snapshot
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.store.journal import JobRecord
from migrate_contract.jobs import FileFault, JobPhase, Progress, Waiting, WaitReason
from migrate_contract.rockrms import EntityProgress
from migrate_contract.wire import MAX_PROGRESS_BODY_BYTES

_FAULTS_SHOWN = 20
_FAULTS_BYTES = MAX_PROGRESS_BODY_BYTES // 2
"""Twenty of the longest paths and details would not fit into one body."""
_APPROVAL = Waiting(reason=WaitReason.APPROVAL, detail="the scan is complete; an operator's approval is awaited")


def progress_of(record: JobRecord, sequence: int, snapshot: Snapshot | None, journal: JobJournal) -> Progress:
    """Result: the report. Counts are absolute and on the disk already, so that a crash never makes them shrink."""
    preflight = journal.preflight() if record.phase is JobPhase.READY else None
    if snapshot is not None:
        return Progress(
            attempt=record.attempt,
            sequence=sequence,
            phase=record.phase,
            scan_complete=snapshot.scan_complete,
            files=snapshot.files,
            bytes=snapshot.bytes,
            verified_files=snapshot.verified_files,
            retries=snapshot.retries,
            speed_bytes_per_second=snapshot.speed_bytes_per_second,
            average_bytes_per_second=snapshot.average_bytes_per_second,
            eta_seconds=snapshot.eta_seconds,
            waiting=snapshot.waiting,
            limit=snapshot.limit,
            concurrency=snapshot.concurrency,
            advice=snapshot.advice,
            waited_seconds={WaitReason(reason): spent for reason, spent in snapshot.waited_seconds.items()},
            recent_faults=_that_fit(snapshot.recent_faults),
            outcome=record.outcome,
            fault=record.fault,
            mirror=journal.beside.mirror_tally(),
            preflight=preflight,
        )
    counters = journal.counters()
    return Progress(
        attempt=record.attempt,
        sequence=sequence,
        phase=record.phase,
        scan_complete=journal.scan_complete,
        files=counters.files,
        bytes=counters.bytes,
        verified_files=counters.verified_files,
        retries=counters.retries,
        waiting=_APPROVAL if record.phase is JobPhase.READY else Waiting(),
        recent_faults=_that_fit(journal.recent_faults(_FAULTS_SHOWN)),
        outcome=record.outcome,
        fault=record.fault,
        mirror=journal.beside.mirror_tally(),
        preflight=preflight,
    )


def import_progress_of(
    record: JobRecord, sequence: int, snapshot: Snapshot | None, entities: list[EntityProgress]
) -> Progress:
    """Result: the report of an import; `entities` are the journal's counts, so that a crash never makes them shrink."""
    waiting = Waiting()
    if snapshot is not None:
        waiting = snapshot.waiting
    elif record.phase is JobPhase.READY:
        waiting = _APPROVAL.model_copy(update={"detail": "the dry run is complete; an operator's approval is awaited"})
    return Progress(
        attempt=record.attempt,
        sequence=sequence,
        phase=record.phase,
        scan_complete=record.phase not in (JobPhase.QUEUED, JobPhase.SCANNING),
        retries=snapshot.retries if snapshot else 0,
        eta_seconds=snapshot.eta_seconds if snapshot else None,
        waiting=waiting,
        advice=snapshot.advice if snapshot else "",
        outcome=record.outcome,
        fault=record.fault,
        entities=entities,
        speed_records_per_second=snapshot.records_per_second if snapshot else 0.0,
    )


def status_of(snapshot: Snapshot) -> dict[str, Any]:
    """Result: how far a running job is, for `migrate-agent status`. Rounded: a file that is read by people."""
    eta = snapshot.eta_seconds
    return {
        "files": snapshot.files.model_dump(),
        "bytes": snapshot.bytes.model_dump(),
        "scan_complete": snapshot.scan_complete,
        "waiting": snapshot.waiting.model_dump(mode="json"),
        "speed_bytes_per_second": round(snapshot.speed_bytes_per_second),
        "average_bytes_per_second": round(snapshot.average_bytes_per_second),
        "eta_seconds": None if eta is None else round(eta),
        "limit": snapshot.limit.model_dump(mode="json") if snapshot.limit else None,
        "concurrency": snapshot.concurrency,
        "advice": snapshot.advice,
        "waited_seconds": {reason: round(spent, 1) for reason, spent in snapshot.waited_seconds.items()},
        "entities": [found.model_dump(mode="json") for found in snapshot.entities],
        "records_per_second": round(snapshot.records_per_second),
    }


def _that_fit(faults: list[FileFault]) -> list[FileFault]:
    """Result: the newest ones, as many as a body has room for."""
    shown: list[FileFault] = []
    size = 0
    for fault in faults[:_FAULTS_SHOWN]:
        size += len(fault.model_dump_json().encode())
        if size > _FAULTS_BYTES:
            break
        shown.append(fault)
    return shown
