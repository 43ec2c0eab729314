"""Sends one copy, once: claim it, ask about it where it was claimed before, take a slot, hand it over, write it down.

Whoever reads a claimed copy whose claim has ended cannot know whether it was sent, so the mail service is asked first
and the copy is sent only if the service does not know its operation id. The service is not trusted to notice doubles.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto

import structlog

from functions.domain import rows
from functions.domain.limits import Limits
from functions.domain.mail import Mailer, MailMessage, SendState, SendStatus
from functions.domain.mail_rows import MAILS, OPERATIONS, OPERATIONS_ROW, Copy, CopyState
from functions.domain.ports import Clock, Row, RowChanged, RowMissing, Tables, Value
from functions.services.mail_quota import MailQuota
from migrate_contract.errors import ErrorCode, Fatal, Retryable

_LONGEST_WAIT = timedelta(hours=1)
_FORGOTTEN_AFTER = timedelta(days=1)
"""So long after it was taken, a mail that the service still calls running, or knows no more, counts as sent."""
_MARGIN = 0.5
"""The part of its claim within which a copy has to be handed over: what is left is longer than any request."""
_DETAIL = 1000
_log = structlog.get_logger(__name__)

type Compose = Callable[[Copy], MailMessage | None]
"""Writes the mail; None where the recipient wants none of this kind."""


class Step(Enum):
    """What became of one copy in one run."""

    ENDED = auto()
    """Nothing is left to do for it."""
    FAILED = auto()
    """It has just failed for good."""
    LATER = auto()
    """It waits, for its time or for an answer."""
    STOP = auto()
    """The mail service takes nothing now: the others wait as well."""


class MailSender:
    """Writes the columns of copies that change, and nobody else does."""

    def __init__(self, tables: Tables, clock: Clock, limits: Limits, mailer: Mailer, quota: MailQuota) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._mailer = mailer
        self._quota = quota

    def advance(self, copy: Copy, compose: Compose) -> Step:
        """Does what is next for the copy. Result: see Step.

        Raises Retryable(storage-unavailable), and Retryable(mail-not-accepted) once it is written down.
        """
        if not copy.is_open:
            return Step.ENDED
        if copy.not_before > self._clock():
            return Step.LATER
        try:
            return self._ask(copy) if copy.state is CopyState.ACCEPTED else self._deliver(copy, compose)
        except (RowChanged, RowMissing):
            _log.info("mail.claim_lost", operation_id=copy.operation_id)
            return Step.LATER

    def withdraw(self, copy: Copy) -> bool:
        """Ends a copy that surely was not sent. Result: False where it is being sent or has been."""
        if copy.state is not CopyState.WAITING:
            return False
        try:
            self._write(copy, {"state": CopyState.WITHDRAWN.value, "ended_at": self._clock()})
        except (RowChanged, RowMissing):
            return False
        return True

    def _ask(self, copy: Copy) -> Step:
        """Asks what became of a copy that the service has taken."""
        try:
            return self._settle(copy, self._mailer.status(copy.operation_id))
        except Retryable as fault:
            return self._put_off(copy, fault, CopyState.ACCEPTED)

    def _deliver(self, copy: Copy, compose: Compose) -> Step:
        """Sends a copy that waits, or whose claim has ended."""
        doubtful = copy.state is CopyState.CLAIMED
        if not doubtful and not self._quota.has_room():
            return Step.STOP
        ends = self._clock() + timedelta(seconds=self._limits.mail_claim_seconds)
        claim: dict[str, Value] = {"state": CopyState.CLAIMED.value, "not_before": ends, "tries": copy.tries + 1}
        copy = self._write(copy, claim)
        unsent = CopyState.WAITING
        try:
            if doubtful:
                unsent = CopyState.CLAIMED
                known = self._mailer.status(copy.operation_id)
                if known.state is not SendState.UNKNOWN:
                    return self._settle(copy, known)
            return self._send(copy, compose, ends, unsent)
        except Fatal as refused:
            return self._fail(copy, refused.code.value, refused.detail)
        except Retryable as fault:
            return self._put_off(copy, fault, unsent)

    def _send(self, copy: Copy, compose: Compose, ends: datetime, unsent: CopyState) -> Step:
        """Hands a claimed copy over that the service does not know."""
        message = compose(copy)
        if message is None:
            return self._end(copy, CopyState.UNSUBSCRIBED)
        where: dict[str, Value] = {"copy_pk": copy.row.pk, "copy_rk": copy.row.rk, "created_at": self._clock()}
        self._tables.upsert(OPERATIONS, copy.operation_id, OPERATIONS_ROW, where)
        if not self._quota.take():
            self._write(copy, {"state": unsent.value, "not_before": self._clock()})
            return Step.STOP
        left = (ends - self._clock()).total_seconds()
        if left < self._limits.mail_claim_seconds * _MARGIN:
            _log.warning("mail.claim_too_old", operation_id=copy.operation_id, seconds_left=left)
            return Step.LATER
        return self._settle(copy, self._mailer.send(message, copy.operation_id))

    def _settle(self, copy: Copy, status: SendStatus) -> Step:
        """Writes down what the service says of a copy that it has, or had."""
        if status.state is SendState.FAILED:
            detail = ": ".join(filter(None, (status.code, status.detail)))
            return self._fail(copy, ErrorCode.MAIL_REFUSED.value, detail)
        now = self._clock()
        taken = copy.state is CopyState.ACCEPTED
        taken_at = (rows.moment(copy.row, "sent_at") if taken else None) or now
        if status.state is not SendState.RUNNING or now - taken_at > _FORGOTTEN_AFTER:
            return self._end(copy, CopyState.SENT)
        asked = copy.tries if taken else 0
        wait = self._wait(self._limits.mail_status_seconds, asked)
        self._write(
            copy,
            {"state": CopyState.ACCEPTED.value, "sent_at": taken_at, "not_before": now + wait, "tries": asked + 1},
        )
        return Step.LATER

    def _put_off(self, copy: Copy, fault: Retryable, unsent: CopyState) -> Step:
        """The service was not reached, or takes nothing now. `unsent`: the state where surely nothing was sent."""
        if fault.code is ErrorCode.STORAGE_UNAVAILABLE:
            raise fault  # Ours, not the mail service's: the claim ends by itself.
        _log.warning("mail.put_off", operation_id=copy.operation_id, code=fault.code.value, detail=fault.detail)
        perhaps_sent = unsent is CopyState.WAITING and fault.code is ErrorCode.MAIL_UNAVAILABLE
        wait = max(
            self._wait(self._limits.mail_retry_seconds, copy.tries - 1),
            timedelta(seconds=fault.retry_after_seconds or 0),
        )
        self._write(
            copy,
            {
                "state": (CopyState.CLAIMED if perhaps_sent else unsent).value,
                "not_before": self._clock() + wait,
                "tries": copy.tries + (unsent is CopyState.ACCEPTED),
                "code": fault.code.value,
                "detail": fault.detail[:_DETAIL],
            },
        )
        if fault.code is ErrorCode.MAIL_OVER_QUOTA:
            self._quota.close(fault.retry_after_seconds or self._limits.mail_retry_seconds)
        if fault.code is ErrorCode.MAIL_NOT_ACCEPTED:
            raise fault
        return Step.STOP

    def _wait(self, first_seconds: float, times: int) -> timedelta:
        """Result: how long to wait after so many waits before it: doubling, an hour at most."""
        return min(timedelta(seconds=first_seconds * 2 ** min(times, 12)), _LONGEST_WAIT)

    def _fail(self, copy: Copy, code: str, detail: str) -> Step:
        _log.error("mail.failed", operation_id=copy.operation_id, kind=copy.kind.value, code=code, detail=detail)
        self._end(copy, CopyState.FAILED, code=code, detail=detail[:_DETAIL])
        return Step.FAILED

    def _end(self, copy: Copy, state: CopyState, *, code: str = "", detail: str = "") -> Step:
        columns: dict[str, Value] = {"state": state.value, "ended_at": self._clock(), "code": code, "detail": detail}
        if state is CopyState.SENT and copy.state is not CopyState.ACCEPTED:
            columns["sent_at"] = self._clock()
        self._write(copy, columns)
        return Step.ENDED

    def _write(self, copy: Copy, columns: dict[str, Value]) -> Copy:
        """Result: the copy as written. Raises RowChanged where another instance has taken it over."""
        etag = self._tables.merge(MAILS, copy.row.pk, copy.row.rk, columns, copy.row.etag)
        return Copy.of(Row(copy.row.pk, copy.row.rk, {**copy.row.values, **columns}, etag))
