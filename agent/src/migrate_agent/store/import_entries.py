"""What the import journal keeps: the words that the store, the import pipeline and the reconciliation share.

Nouns: a *record* is one row of an entity's table in Rock, named by (entity, source id); a *run* is one attempt of an
import job; a record is *held* where Mission has acknowledged a version of it, in this run or in an earlier one, and
its *digest* is that version's. A record is *seen* by a run when the run has decided what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum, unique
from typing import NamedTuple

from migrate_contract.rockrms import Entity, EntityProgress, LogKind

REPORT = "report"
"""The journal's document that is the run's newest report (JSON of `ImportReport`)."""

OVER = "over"
"""Kept when everything of the run is done: a process that ended before it could say so does nothing again."""


@unique
class RecordStatus(IntEnum):
    """What became of a record in a run; set by the pipeline, from Mission's answer where it was sent."""

    IMPORTED = 1
    UPDATED = 2
    UNCHANGED = 3
    """Mission holds this version already: the journal knows it, or Mission said so."""
    SKIPPED = 4
    """A rule leaves it out; the log says which."""
    ERRORED = 5
    """Mission refused it; the log says why. Sent again by every later run."""
    PENDING = 6
    """Only in a dry run: it would be sent."""


ACKNOWLEDGED = frozenset({RecordStatus.IMPORTED, RecordStatus.UPDATED, RecordStatus.UNCHANGED})


@unique
class ImportPass(StrEnum):
    """The two passes of a run over the entities; each has counters and checkpoints of its own."""

    DRY_RUN = "dry_run"
    IMPORT = "import"


class Known(NamedTuple):
    """What the journal knows of a record before this run decides on it."""

    digest: bytes | None
    """Of the version that Mission holds; None where that is not known (nothing acknowledged, or refused since)."""
    held: bool


class Decided(NamedTuple):
    """What became of one record. `digest` is that of the body sent (16 bytes), b"" for a skipped one."""

    source_id: int
    status: RecordStatus
    digest: bytes
    batch: str = ""
    """The idempotency key of its batch; empty where nothing was sent."""
    request_id: str = ""
    """Mission's, of that batch."""


class Record(NamedTuple):
    """One line of the run's ledger."""

    source_id: int
    status: RecordStatus
    digest: bytes
    """Of the body as mapped; b"" for a skipped one."""
    batch: str
    request_id: str
    held: bool
    """Mission has acknowledged a version of it, in this run or before."""


class LogEntry(NamedTuple):
    """One row of the import log before it has its number: errored, skipped or flagged. No confidential text."""

    kind: LogKind
    source_table: str
    source_id: int
    external_id: str
    code: str
    detail: str
    fix: str = ""
    request_id: str | None = None
    answer: str | None = None
    batch_key: str | None = None


class Checkpoint(NamedTuple):
    """How far an entity is in a stage: every row up to `last_id` is decided and on the disk."""

    last_id: int = 0
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Fixed:
    """What a run decides once, at its start, and keeps over every resume."""

    target: str
    """Which Mission and which install: what was acknowledged there is known only under the same name."""
    install: str
    facts: str
    """JSON of the source's facts."""
    settings: str
    """JSON of the import's settings."""
    mapping_version: str
    high_water: dict[Entity, int]
    started_at: str
    """ISO 8601, UTC."""
    marks: dict[Entity, str] = field(default_factory=dict)
    """The latest ModifiedDateTime of each entity (local, ISO 8601): what was modified since is read again."""


@dataclass(slots=True)
class EntityCounts:
    """Absolute counts of one entity in the run's current stage."""

    expected: int = 0
    """Rows counted before reading; 0 where not counted. Gives way to what was read when the entity is complete."""
    by_status: dict[RecordStatus, int] = field(default_factory=lambda: dict.fromkeys(RecordStatus, 0))
    flagged: int = 0
    last_id: int = 0
    """Every row up to this id is decided."""
    complete: bool = False

    @property
    def decided(self) -> int:
        """Result: how many records have a status."""
        return sum(self.by_status.values())

    @property
    def in_scope(self) -> int:
        """Result: imported + updated + unchanged + skipped + errored + pending, always."""
        return self.decided if self.complete else max(self.expected, self.decided)

    def copy(self) -> EntityCounts:
        """Result: counts that can be changed without changing these."""
        return EntityCounts(self.expected, dict(self.by_status), self.flagged, self.last_id, self.complete)

    def progress(self, entity: Entity) -> EntityProgress:
        """Result: the same on the wire."""
        found = self.by_status
        in_scope = self.in_scope
        return EntityProgress(
            entity=entity,
            in_scope=in_scope,
            imported=found[RecordStatus.IMPORTED],
            updated=found[RecordStatus.UPDATED],
            unchanged=found[RecordStatus.UNCHANGED],
            skipped=found[RecordStatus.SKIPPED],
            errored=found[RecordStatus.ERRORED],
            pending=in_scope - self.decided + found[RecordStatus.PENDING],
            flagged=self.flagged,
        )
