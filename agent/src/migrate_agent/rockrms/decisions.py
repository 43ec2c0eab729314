"""What becomes of mapped records: which are sent, and what the journal is told about those that are. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from migrate_agent.redaction import redactor
from migrate_agent.rockrms.mission.port import ResultStatus
from migrate_agent.rockrms.mission.sender import Sent
from migrate_agent.rockrms.records import ERRORED, Mapped, Skipped
from migrate_agent.store.import_entries import Decided, Known, LogEntry, RecordStatus
from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.rockrms import Entity, LogKind

TABLES: Mapping[Entity, str] = MappingProxyType(
    {
        Entity.PEOPLE: "Person",
        Entity.FAMILIES: "Group",
        Entity.GROUPS: "Group",
        Entity.CONTRIBUTIONS: "FinancialTransactionDetail",
        Entity.ATTENDANCE: "Attendance",
        Entity.PRAYER_REQUESTS: "PrayerRequest",
    }
)
"""The table whose row is a record of the entity."""
_STATUS = {
    ResultStatus.CREATED: RecordStatus.IMPORTED,
    ResultStatus.UPDATED: RecordStatus.UPDATED,
    ResultStatus.UNCHANGED: RecordStatus.UNCHANGED,
    ResultStatus.REFUSED: RecordStatus.ERRORED,
}


@dataclass(slots=True)
class Sorted:
    """The records of a page: those to send, and what is decided about the others."""

    to_send: list[Mapped] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)


def sort_out(entity: Entity, records: Sequence[Mapped | Skipped], known: Mapping[int, Known], *, dry: bool) -> Sorted:
    """Result: what is to be done with each record; one whose digest Mission is known to hold is not sent."""
    found = Sorted()
    mapped = [record for record in records if type(record) is Mapped]
    if len(mapped) != len(records):
        for record in records:
            if type(record) is Skipped:
                status = RecordStatus.ERRORED if record.code in ERRORED else RecordStatus.SKIPPED
                found.decided.append(Decided(record.source_id, status, b""))
                found.log.append(_skipped(entity, record))
    for record in mapped:
        if record.notes:
            found.log += _flags(entity, record)
    if not known:
        found.to_send = mapped
    else:
        unchanged, held = RecordStatus.UNCHANGED, known.get
        for record in mapped:
            before = held(record.source_id)
            if before is not None and before.digest == record.digest:
                found.decided.append(Decided(record.source_id, unchanged, record.digest))
            else:
                found.to_send.append(record)
    if dry:
        pending = RecordStatus.PENDING
        found.decided += [Decided(record.source_id, pending, record.digest) for record in found.to_send]
        found.to_send = []
    return found


def answered(
    entity: Entity, sent: Iterable[tuple[Mapped, Sent]], clean: Any = redactor.clean
) -> tuple[list[Decided], list[LogEntry]]:
    """Result: what the journal is told of records that Mission has answered, and the log of those it refused."""
    decided: list[Decided] = []
    log: list[LogEntry] = []
    add, errored = decided.append, RecordStatus.ERRORED
    for record, answer in sent:
        status = _STATUS[answer.status]
        add(Decided(record.source_id, status, record.digest, answer.batch_key, answer.request_id or ""))
        if status is errored:
            log.append(_errored(entity, answer, clean))
    return decided, log


def fix_of(code: ErrorCode) -> str:
    """Result: what the catalogue says to do."""
    return CATALOGUE[code].fix


def _skipped(entity: Entity, record: Skipped) -> LogEntry:
    return LogEntry(
        LogKind.ERRORED if record.code in ERRORED else LogKind.SKIPPED,
        TABLES[entity],
        record.source_id,
        record.external_id,
        record.code.value,
        record.detail,
        fix_of(record.code),
    )


def _flags(entity: Entity, record: Mapped) -> list[LogEntry]:
    return [
        LogEntry(
            LogKind.FLAGGED,
            TABLES[entity],
            record.source_id,
            record.external_id,
            note.code.value,
            note.detail,
            fix_of(note.code),
        )
        for note in record.notes
    ]


def _errored(entity: Entity, answer: Sent, clean: Any) -> LogEntry:
    code = answer.code or ErrorCode.MISSION_RECORD_REFUSED
    return LogEntry(
        LogKind.ERRORED,
        TABLES[entity],
        answer.source_id,
        answer.external_id,
        code.value,
        clean(answer.detail or ""),
        fix_of(code),
        answer.request_id,
        clean(answer.answer) if answer.answer else None,
        answer.batch_key,
    )
