"""Sends mapped records to Mission until each has an answer: batches, repeats, splitting, waiting for a lost route.

Each record is answered exactly once in the results, whatever was repeated or split on the way. A batch's idempotency
key comes from its content and the scope (the attempt), so that the same batch after a crash is the same request, while
the same content in a later attempt is a new one: an amount that was changed and changed back must be written again.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from migrate_agent.rockrms.mission.patience import Patience
from migrate_agent.rockrms.mission.port import (
    CONTRACT_VERSION,
    DEFAULT_MAX_BYTES,
    MAX_BATCH_RECORDS,
    BatchAnswer,
    BatchFailed,
    BatchRefused,
    BatchTooLarge,
    Envelope,
    MissionClient,
    Result,
    ResultStatus,
)
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.rockrms import Entity

log = logging.getLogger(__name__)

IN_FLIGHT = 4
"""Batches that wait for Mission's answer at once: its time is not ours."""
_LEAST_BATCH_BYTES = 16 * 1024
_PART_TRIES = 3
"""Of a part of a batch at which Mission has failed twenty times."""
_CODES: Mapping[str, ErrorCode] = MappingProxyType(
    {
        code.value: code
        for code in (
            ErrorCode.FUND_MISSING,
            ErrorCode.PERSON_REFERENCE_MISSING,
            ErrorCode.GROUP_REFERENCE_MISSING,
        )
    }
)
"""Mission's words for a refused record that are also ours."""


class Outgoing(Protocol):
    """What the sender needs of a mapped record (rockrms/records.py: Mapped)."""

    @property
    def source_id(self) -> int:
        """Result: the row in Rock."""
        ...

    @property
    def external_id(self) -> str:
        """Result: its name in Mission."""
        ...

    @property
    def body(self) -> bytes:
        """Result: the record as compact JSON."""
        ...

    @property
    def digest(self) -> bytes:
        """Result: 16 bytes of BLAKE2b over `body`."""
        ...


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

    def __init__(
        self,
        client: MissionClient,
        envelope: Envelope,
        patience: Patience,
        *,
        scope: str,
        batch_records: int = MAX_BATCH_RECORDS,
        batch_bytes: int = DEFAULT_MAX_BYTES,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        """`scope`: what makes equal batches different ones, the job and its attempt."""
        self._client, self._envelope, self._patience = client, envelope, patience
        self._records = min(batch_records, MAX_BATCH_RECORDS)
        self._bytes = batch_bytes
        self._in_flight = in_flight
        self._lock = threading.Lock()
        seed = (CONTRACT_VERSION, scope, envelope.install, envelope.time_zone)
        self._seed = hashlib.blake2b("\n".join(seed).encode(), digest_size=16)

    def send(self, entity: Entity, records: Sequence[Outgoing]) -> list[Sent]:
        """Result: one Sent for each record, in their order; any number of records.

        Returns only with answers: it repeats what may be repeated, and waits while Mission cannot be reached.
        Raises Fatal(mission-key-revoked), another Fatal of the client, StopRequested.
        """
        sent: list[Sent] = []
        for batch in self._batches(records):
            sent += self._settle(entity, batch, None, whole=True)
        return sent

    def send_all(self, entity: Entity, batches: Iterable[Sequence[Outgoing]]) -> Iterator[list[Sent]]:
        """Result: `send` of each batch, in their order, with a few of them in flight at once.

        `batches` is read by the caller's thread, not further ahead than what is in flight. After an error the batches
        that are under way end first; whatever they brought to Mission is "unchanged" when it is sent again.
        """
        with ThreadPoolExecutor(self._in_flight, thread_name_prefix="mission") as threads:
            under_way: deque[Future[list[Sent]]] = deque()
            try:
                for batch in batches:
                    under_way.append(threads.submit(self.send, entity, batch))
                    if len(under_way) >= self._in_flight:
                        yield under_way.popleft().result()
                while under_way:
                    yield under_way.popleft().result()
            finally:
                for future in under_way:
                    future.cancel()

    def batch_key(self, entity: Entity, batch: Sequence[Outgoing]) -> str:
        """Result: the idempotency key of exactly these records in this scope."""
        digest = self._seed.copy()
        digest.update(f"\n{entity.value}\n{len(batch)}\n".encode())
        digest.update(b"".join([record.digest for record in batch]))
        return digest.hexdigest()

    def _batches(self, records: Sequence[Outgoing]) -> Iterator[Sequence[Outgoing]]:
        start = size = 0
        for at, record in enumerate(records):
            length = len(record.body) + 1
            if at > start and (at - start >= self._records or size + length > self._bytes):
                yield records[start:at]
                start, size = at, 0
            size += length
        if start < len(records):
            yield records[start:]

    def _settle(self, entity: Entity, batch: Sequence[Outgoing], tries: int | None, *, whole: bool) -> list[Sent]:
        """One Sent for each record of `batch`, which is sent as one; where Mission refuses it, by halves."""
        key = self.batch_key(entity, batch)
        try:
            answer = self._answered(entity, batch, key, tries)
        except BatchTooLarge as refusal:
            with self._lock:
                self._bytes = min(self._bytes, max(refusal.size // 2, _LEAST_BATCH_BYTES))
            return self._divided(entity, batch, key, refusal, tries, whole=whole)
        except BatchRefused as refusal:
            return self._divided(entity, batch, key, refusal, tries, whole=whole)
        except BatchFailed as failure:
            return self._divided(entity, batch, key, failure, _PART_TRIES, whole=whole)
        return _sent(batch, key, answer)

    def _answered(self, entity: Entity, batch: Sequence[Outgoing], key: str, tries: int | None) -> BatchAnswer:
        bodies = [record.body for record in batch]
        client, envelope = self._client, self._envelope
        try:
            return self._patience.call(client.host, lambda: client.send(entity, envelope, bodies, key), tries=tries)
        except BatchFailed:
            raise
        except Retryable as error:
            raise Fatal(error.code, error.detail) from error

    def _divided(
        self,
        entity: Entity,
        batch: Sequence[Outgoing],
        key: str,
        refusal: BatchRefused | BatchFailed,
        tries: int | None,
        *,
        whole: bool,
    ) -> list[Sent]:
        if whole:
            fields: dict[str, Any] = {"code": refusal.code.value}
            log.warning(
                "Mission took none of a batch of %d %s (status %d, request %s, key %s); it is divided. It said: %s",
                len(batch), entity.value, refusal.status, refusal.request_id, key, refusal.answer, extra=fields,
            )  # fmt: skip
        if len(batch) == 1:
            record = batch[0]
            refused = ResultStatus.REFUSED, ErrorCode.MISSION_RECORD_REFUSED
            said = refusal.detail, refusal.request_id, refusal.answer
            return [Sent(record.source_id, record.external_id, *refused, *said, key)]
        middle = len(batch) // 2
        halves = batch[:middle], batch[middle:]
        return [sent for half in halves for sent in self._settle(entity, half, tries, whole=False)]


def _sent(batch: Sequence[Outgoing], key: str, answer: BatchAnswer) -> list[Sent]:
    request_id, results = answer.request_id, answer.results
    if [record.external_id for record in batch] != [result[0] for result in results]:
        results = _in_order(batch, results)
    sent = [
        Sent(record.source_id, record.external_id, result[1], None, None, request_id, None, key)
        for record, result in zip(batch, results, strict=True)
    ]
    refused = ResultStatus.REFUSED
    if refused in [result[1] for result in results]:
        for at, result in enumerate(results):
            if result.status is refused:
                words = ": ".join(part for part in (result.code, result.detail) if part) or "no reason given"
                code = _CODES.get(result.code or "", ErrorCode.MISSION_RECORD_REFUSED)
                sent[at] = sent[at]._replace(code=code, detail=words, answer=answer.text)
    return sent


def _in_order(batch: Sequence[Outgoing], results: Sequence[Result]) -> list[Result]:
    by_id: dict[str, Result] = {result.external_id: result for result in results}
    try:
        return [by_id[record.external_id] for record in batch]
    except KeyError as missing:
        raise Fatal(ErrorCode.MISSION_CONTRACT_UNKNOWN, f"the answer says nothing of {missing.args[0]}") from None
