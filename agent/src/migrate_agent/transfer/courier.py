"""Brings one request through: with a live grant, over lost connections, past a busy service.

Nouns: a file's *tries* are the service's unhelpful answers about that file; only they are limited. A lost connection
stops that clock (transfer/connectivity.py), and a refused grant is renewed.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from migrate_agent.stop import StopRequested, StopSignal
from migrate_agent.transfer.access import GrantSource
from migrate_agent.transfer.blob_answers import AccessRefused, BytesDamaged, ServiceBusy
from migrate_agent.transfer.blob_http import BlobClient
from migrate_agent.transfer.connection import ConnectionFault
from migrate_agent.transfer.connectivity import Connectivity
from migrate_agent.transfer.meter import Meter, reason_index
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.jobs import Grant, WaitReason

log = logging.getLogger(__name__)
_GRANT = reason_index(WaitReason.GRANT)
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Tries:
    """What one file has cost in this pass. `answers`: unhelpful ones; `broken`: connections in a row.

    Requests for the job as a whole are not `limited`: a busy service only delays them.
    """

    answers: int = 0
    broken: int = 0
    limited: bool = True
    used_up: bool = False

    @property
    def total(self) -> int:
        """Result: requests that were answered unhelpfully, and the one that was not, if there was one."""
        return self.answers + (0 if self.used_up else 1)


@dataclass(frozen=True, slots=True)
class RetryRules:
    """The product page's retry rules; `chance` is uniform in [0, 1)."""

    max_tries: int
    first_seconds: float
    ceiling_seconds: float
    access_patience_seconds: float
    chance: Callable[[], float] = random.random

    def delay(self, failures: int, retry_after_seconds: float | None = None) -> float:
        """Result: seconds before the next try: full jitter below a doubling bound, at least what the service asks."""
        bound = min(self.first_seconds * 2.0 ** min(failures - 1, 32), self.ceiling_seconds)
        return max(bound * self.chance(), retry_after_seconds or 0.0)


class Courier:
    """Shared by all workers of a job."""

    def __init__(
        self,
        client: BlobClient,
        access: GrantSource,
        connectivity: Connectivity,
        meter: Meter,
        stop: StopSignal,
        rules: RetryRules,
        *,
        on_retry: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client, self._monotonic = client, monotonic
        self._access, self._connectivity, self._meter = access, connectivity, meter
        self._stop, self._rules, self._on_retry = stop, rules, on_retry

    @property
    def max_tries(self) -> int:
        """Result: how many unhelpful answers end a file's pass."""
        return self._rules.max_tries

    def send(self, call: Callable[[Grant], Answer], tries: Tries, *, waiting: WaitReason) -> Answer:
        """Result: what `call` returns, tried with a live grant as often as the rules allow; `waiting` is what it is.

        Raises StopRequested; Retryable(target-busy, transit-corrupted) after too many answers, and
        Retryable(target-unreachable) where this one request breaks every connection although the service answers
        others; Fatal(target-access-denied, ...) and what else `call` raises.
        """
        denied_seconds, denials = 0.0, 0
        switch, at = self._meter.switch, reason_index(waiting)
        while True:
            if self._stop.cancelled:
                self._stop.raise_if_requested()
            self._connectivity.wait_until_open()
            outer = switch(_GRANT)
            try:
                grant = self._access.current()
                switch(at)
                began = self._monotonic()
                answer = call(grant)
            except ConnectionFault as fault:
                self._meter.setback()
                self._after_break(fault, grant, tries)
            except AccessRefused as refused:
                denials += 1
                denied_seconds += self._after_denial(refused, grant, denials, denied_seconds)
            except (ServiceBusy, BytesDamaged) as busy:
                self._meter.setback(busy=isinstance(busy, ServiceBusy))
                self._after_answer(busy, tries)
            else:
                tries.broken = 0
                self._meter.answered(self._monotonic() - began)
                return answer
            finally:
                switch(outer)
            self._on_retry()

    def _after_answer(self, busy: Retryable, tries: Tries) -> None:
        tries.answers += 1
        tries.broken = 0
        if tries.limited and tries.answers >= self._rules.max_tries:
            tries.used_up = True
            raise busy
        self._pause(self._rules.delay(tries.answers, busy.retry_after_seconds), WaitReason.SERVICE_BUSY)

    def _after_break(self, fault: ConnectionFault, grant: Grant, tries: Tries) -> None:
        self._stop.raise_if_requested()
        self._connectivity.restore(fault, lambda: self.client.probe(grant))
        tries.broken += 1
        if tries.limited and tries.broken >= self._rules.max_tries:
            raise Retryable(
                ErrorCode.TARGET_UNREACHABLE,
                f"{fault.host} answers, but {tries.broken} connections in a row broke under this file: {fault.reason}",
            )
        if tries.broken > 1:
            self._pause(self._rules.delay(tries.broken - 1), WaitReason.NETWORK)

    def _after_denial(self, refused: AccessRefused, grant: Grant, denials: int, waited: float) -> float:
        """Result: seconds that were waited because of it. A new role takes minutes to act, so one refusal is little."""
        if waited >= self._rules.access_patience_seconds:
            raise Fatal(ErrorCode.TARGET_ACCESS_DENIED, refused.detail)
        log.info("a grant was refused (%s); asking for a new one", refused.service_code)
        with self._meter.during(WaitReason.GRANT):
            self._access.renew(grant, refused.service_code)
        if denials == 1:
            return 0.0
        seconds = self._rules.delay(denials - 1)
        self._pause(seconds, WaitReason.GRANT)
        return max(seconds, 1.0)

    def _pause(self, seconds: float, reason: WaitReason) -> None:
        with self._meter.during(reason):
            if self._stop.wait(seconds):
                assert self._stop.kind is not None
                raise StopRequested(self._stop.kind)
