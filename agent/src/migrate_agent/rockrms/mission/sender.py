"""Sends mapped records to Mission until each has an answer: batches, repeats, splitting, waiting for a lost route.

Each record is answered exactly once in the results, whatever was repeated or split on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from migrate_agent.rockrms.mission.port import ResultStatus
from migrate_contract.errors import ErrorCode
from migrate_contract.rockrms import Entity


class Outgoing(Protocol):
    """What the sender needs of a mapped record (rockrms/records.py: Mapped). `body`: its compact JSON."""

    @property
    def source_id(self) -> int: ...
    @property
    def external_id(self) -> str: ...
    @property
    def body(self) -> bytes: ...


class Sent(NamedTuple):
    """What became of one record. Only a refused one has `code`, `detail` and `answer` (up to 2 KB, scrubbed)."""

    source_id: int
    external_id: str
    status: ResultStatus
    code: ErrorCode | None
    detail: str | None
    request_id: str | None
    answer: str | None
    batch_key: str


class Sender:
    """Safe for all threads. See `send` and `send_all`."""

    def send(self, entity: Entity, records: Sequence[Outgoing]) -> list[Sent]:
        """Result: one Sent for each record, in their order; any number of records.

        Returns only with answers: it repeats what may be repeated, and waits while Mission cannot be reached.
        Raises Fatal(mission-key-revoked), Fatal(mission-contract-unknown), StopRequested.
        """
        raise NotImplementedError

    def send_all(self, entity: Entity, batches: Iterable[Sequence[Outgoing]]) -> Iterator[list[Sent]]:
        """Result: `send` of each batch, in their order, with a few of them in flight at once.

        `batches` is read by the caller's thread, not further ahead than what is in flight.
        """
        raise NotImplementedError
