"""What an import and its verification ask of Mission, in our words; mission/adapter.py alone knows the HTTP of it.

Terms: a *batch* is up to 500 records of one entity, sent under one idempotency key; *results* answer it record by
record; a *copy* is one record as Mission holds it now (a doubled record has two copies under one external id).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum, unique
from typing import Any, NamedTuple, Protocol

from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.rockrms import Entity

CONTRACT_VERSION = "1"
"""The version of Mission's import contract that the schemas describe."""
MAX_BATCH_RECORDS = 500
DEFAULT_MAX_BYTES = 1024 * 1024
"""Of a body, where Mission names no limit."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every batch of an import says beside its records. `install`: the Rock install's Guid, lower case."""

    install: str
    time_zone: str


@unique
class ResultStatus(StrEnum):
    """What Mission did with one record; set by Mission."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Result(NamedTuple):
    """Mission's word on one record. `code` and `detail` only where it refused."""

    external_id: str
    status: ResultStatus
    code: str | None = None
    detail: str | None = None


class BatchAnswer(NamedTuple):
    """The answer to a batch, in the order of its records. `text`: up to 2 KB of it, scrubbed, if any is refused."""

    results: Sequence[Result]
    request_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class MissionStatus:
    """Who answers. `max_bytes`: the largest body that it says to take."""

    organization: str
    contract_version: str
    max_records: int = MAX_BATCH_RECORDS
    max_bytes: int = DEFAULT_MAX_BYTES


@dataclass(frozen=True, slots=True)
class Fund:
    """A fund. `external_id` is ours for one that we made, Mission's own otherwise; `parent` the id of another."""

    external_id: str
    name: str
    parent: str | None = None
    is_active: bool = True


@unique
class Dimension(StrEnum):
    """By what Mission can add up records; each is a field of the record (null where that is null)."""

    FUND = "fund"
    """fund_external_id"""
    DATE = "date"
    """gift_date (attendance: date), YYYY-MM-DD"""
    YEAR = "year"
    """The year of it, YYYY"""
    CLASS = "class"
    BATCH = "batch"
    """batch.external_id"""
    PAYMENT_METHOD = "payment_method"
    CAMPUS = "campus"
    """campus.external_id"""
    GIVING_UNIT = "giving_unit"
    PERSON = "person"
    """external_person_id"""
    TRANSACTION_TYPE = "transaction_type"
    GROUP = "group"
    """group_external_id"""


class TotalsRow(NamedTuple):
    """Number and sum of the records with these values of the dimensions, in the order asked for."""

    key: tuple[str | None, ...]
    records: int
    amount: Decimal


class Copy(NamedTuple):
    """One record as Mission holds it. `record` has the keys of the entity's schema."""

    mission_id: str
    record: Mapping[str, Any]
    batch_key: str | None = None
    """The idempotency key of the batch that wrote it last."""
    updated_at: str | None = None


class BatchRefused(Fatal):
    """Mission takes nothing of a batch. `answer`: up to 2 KB of what it said, scrubbed."""

    def __init__(self, detail: str, status: int, request_id: str | None, answer: str) -> None:
        super().__init__(ErrorCode.MISSION_BATCH_REFUSED, detail)
        self.status, self.request_id, self.answer = status, request_id, answer


class BatchTooLarge(BatchRefused):
    """The same because of its size: `size` bytes are too many."""

    def __init__(self, detail: str, size: int, request_id: str | None, answer: str) -> None:
        super().__init__(detail, 413, request_id, answer)
        self.size = size


class BatchFailed(Retryable):
    """Mission failed at this request (500): it may be for one record, or for none."""

    def __init__(
        self, detail: str, status: int, request_id: str | None, answer: str, *, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(ErrorCode.MISSION_BUSY, detail, retry_after_seconds=retry_after_seconds)
        self.status, self.request_id, self.answer = status, request_id, answer


class MissionClient(Protocol):
    """One request a call, a page a request for what is iterated. Safe for all threads.

    Each raises: Retryable(mission-unreachable) without an answer; Retryable(mission-busy) where the whole service has
    no time (408, 429, 503 ...), with what Retry-After asks; BatchFailed where it failed at this request (500);
    Retryable(mission-answer-unreadable) for an answer to a batch that cannot be read; Fatal(mission-key-revoked) for
    401 and 403; Fatal(mission-not-found) and Fatal(mission-contract-unknown) for an answer that is not Mission's;
    Fatal(mission-readback-missing) where it does not let us read; for a batch BatchTooLarge and BatchRefused.
    """

    @property
    def host(self) -> str:
        """Result: for messages: who does not answer."""
        ...

    def status(self) -> MissionStatus:
        """Result: the organization behind the key, and the limits."""
        ...

    def send(self, entity: Entity, envelope: Envelope, bodies: Sequence[bytes], key: str) -> BatchAnswer:
        """Upserts a batch; `bodies` are the records' JSON. The same `key` with the same body is answered the same."""
        ...

    def funds(self) -> list[Fund]:
        """Result: every fund that Mission knows."""
        ...

    def create_funds(self, envelope: Envelope, funds: Sequence[Fund], key: str) -> BatchAnswer:
        """Upserts up to 500 funds."""
        ...

    def counts(self, install: str) -> dict[Entity, dict[str, int]]:
        """Result: per entity its measures.

        `records` of this install, `all_records` of anybody, and what this install's records hold: people: phones,
        emails, birth_dates; families: members, addresses; groups: members.
        """
        ...

    def totals(
        self,
        entity: Entity,
        install: str,
        by: Sequence[Dimension],
        *,
        date_from: str | None = None,
        date_to: str | None = None,
    ) -> Iterator[TotalsRow]:
        """Result: this install's contributions or attendance added up, ordered by key. Pages are fetched as used.

        Dates are inclusive. Attendance knows the dimensions date, year, campus, person and group, and has no amount.
        """
        ...

    def lookup(self, entity: Entity, external_ids: Sequence[str]) -> list[Copy]:
        """Result: every copy of up to 500 records; one that Mission does not have is not in it."""
        ...

    def external_ids(self, entity: Entity, install: str, after: str = "") -> Iterator[str]:
        """Result: the ids of this install's records in code point order; a doubled record's id comes twice."""
        ...

    def void(self, envelope: Envelope, external_ids: Sequence[str], key: str) -> BatchAnswer:
        """Takes up to 500 contributions out of Mission's books: afterwards they are in no read-back."""
        ...

    def close(self) -> None:
        """Ends its connections; a call that waits for an answer fails at once."""
        ...
