"""The outbox: posts letters, and sends each copy once. See docs/mail.md for why none is lost or sent twice.

A pointer in the table `outbox` says that a letter has copies to send. It is written before the letter and removed, by
its etag, only when all copies have ended: whatever crashes in between, a letter that exists has its pointer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from functions.domain import rows
from functions.domain.mail import NEEDED_FACTS, TO_OPERATORS, MailDraft, MailKind
from functions.domain.mail_rows import (
    COPY,
    LETTER,
    MAILS,
    OUTBOX,
    Copy,
    address_hash,
    copy_columns,
    letter_columns,
    letter_name,
    part_of,
)
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Operation, Row, RowChanged, RowExists, Tables, Value, Write
from functions.services.deployment import Deployment
from functions.services.guarded import Guarded
from functions.services.mail_alerts import MailAlerts
from functions.services.mail_composer import MailComposer
from functions.services.mail_sender import MailSender, Step
from functions.services.recipients import Recipients
from migrate_contract.errors import ErrorCode, Retryable

_STRAY = timedelta(hours=1)
"""A pointer without a letter is of a post that crashed: its caller has posted again by then, or never will."""
_PAGE = 1000
_FIRST = frozenset({MailKind.CONNECTION_EXPIRED, MailKind.RECONNECT_LINK, MailKind.CONNECTION_EXPIRING, MailKind.TEST})
"""Kinds that go first where the quota is short: somebody has to act, or looks at a screen."""
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class MailRun:
    """What one run of the outbox found and did, in letters."""

    looked_at: int = 0
    ended: int = 0
    waiting: int = 0


class MailOutbox:
    """The only writer of letters, copies and pointers."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        deployment: Deployment,
        recipients: Recipients,
        sender: MailSender,
        composer: MailComposer,
        alerts: MailAlerts,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._deployment = deployment
        self._recipients = recipients
        self._sender = sender
        self._composer = composer
        self._alerts = alerts

    def post(self, organization: str, draft: MailDraft) -> None:
        """Keeps the letter until it is sent. Posted again with the same kind, subject and day, nothing happens.

        Recipients are those of this moment: the project's, the operators' where it has none or the kind is theirs.
        Sends nothing itself. Raises Retryable(storage-unavailable); ValueError for a draft that says too little.
        """
        missing = NEEDED_FACTS[draft.kind] - set(draft.facts)
        if missing:
            raise ValueError(f"a mail {draft.kind.value} does not say {', '.join(sorted(missing))}")
        name = letter_name(draft)
        tables, part = OrganizationTables(self._tables, organization), part_of(draft.project_id)
        if tables.get(MAILS, part, LETTER + name) is not None:
            return
        addresses = self._addresses(organization, draft)
        if not addresses:
            _log.warning("mail.nobody", organization=organization, letter=name)
            return
        now = self._clock()
        operations = [Operation(Write.INSERT, LETTER + name, letter_columns(draft, now))]
        for address in addresses:
            rk = f"{COPY}{name}|{address_hash(address)}"
            columns = copy_columns(draft, tables.key(part), rk, address, now)
            operations.append(Operation(Write.INSERT, rk, columns))
        self._point(tables, part, name, draft.kind)
        try:
            tables.transact(MAILS, part, operations)
        except RowExists:
            return  # Somebody else has posted it meanwhile; the pointer is its.
        if tables.get(OUTBOX, "", f"{part}|{name}") is None:
            self._point(tables, part, name, draft.kind)  # We slept for so long that it was taken for a stray.
        _log.info("mail.posted", organization=organization, letter=name, copies=len(addresses))

    def withdraw(self, organization: str, project_id: str, *kinds: MailKind) -> int:
        """What these kinds say is no longer so: copies that wait are not sent any more. Result: how many."""
        tables, part = OrganizationTables(self._tables, organization), part_of(project_id)
        withdrawn = 0
        for kind in kinds:
            for row in tables.partition(MAILS, part, prefix=f"{COPY}{kind.value}|"):
                withdrawn += self._sender.withdraw(Copy.of(row))
        return withdrawn

    def run(self, budget_seconds: float) -> MailRun:
        """Sends what is due, for about so long. Result: what was done.

        May run on several instances at once and be cut off anywhere. What fails for one letter leaves the others alone;
        an ExceptionGroup of it is raised at the end.
        """
        result, guarded = MailRun(), Guarded()
        deadline = self._clock() + timedelta(seconds=budget_seconds)
        for pointer in self._pointers():
            if self._clock() >= deadline:
                break
            step = Step.LATER
            with guarded.part(f"mail {pointer.rk}"):
                step = self._forward(pointer)
            result.looked_at += 1
            result.ended += step is Step.ENDED
            result.waiting += step is not Step.ENDED
            if step is Step.STOP:
                break
        if result.looked_at:
            _log.info("mail.run", looked_at=result.looked_at, ended=result.ended, waiting=result.waiting)
        guarded.finish()
        return result

    def _addresses(self, organization: str, draft: MailDraft) -> list[str]:
        """Result: whom the letter goes to, each mailbox once."""
        given = draft.to
        if not given and draft.kind not in TO_OPERATORS and draft.project_id:
            given = self._recipients.addresses(organization, draft.project_id)
        given = given or self._deployment.operator_mail
        return list({address_hash(address): address.strip() for address in given}.values())

    def _pointers(self) -> list[Row]:
        """Result: every open letter; the urgent ones first, then by age."""
        found: list[Row] = []
        continuation: str | None = None
        while True:
            page = self._tables.page(OUTBOX, limit=_PAGE, continuation=continuation)
            found.extend(page.rows)
            continuation = page.continuation
            if continuation is None:
                break
        return sorted(found, key=lambda row: (rows.text(row, "kind") not in _FIRST, rows.need_moment(row, "posted_at")))

    def _forward(self, pointer: Row) -> Step:
        """Does what is next for each copy of the letter; removes the pointer when all have ended."""
        organization, part, name = pointer.pk, rows.text(pointer, "part"), rows.text(pointer, "letter")
        tables = OrganizationTables(self._tables, organization)
        letter = tables.get(MAILS, part, LETTER + name)
        if letter is None:
            if self._clock() - rows.need_moment(pointer, "posted_at") < _STRAY:
                return Step.LATER
            return self._remove(pointer)
        steps = set[Step]()
        for row in tables.partition(MAILS, part, prefix=f"{COPY}{name}|"):
            step = self._advance(organization, letter, Copy.of(row))
            steps.add(step)
            if step is Step.STOP:
                return step
        return self._remove(pointer) if steps <= {Step.ENDED, Step.FAILED} else Step.LATER

    def _advance(self, organization: str, letter: Row, copy: Copy) -> Step:
        """One copy. Operators are told of a service that does not accept our mail, and of a mail that it refused."""
        try:
            step = self._sender.advance(copy, partial(self._composer.compose, organization, letter))
        except Retryable as fault:
            if fault.code is not ErrorCode.MAIL_NOT_ACCEPTED:
                raise
            self._alerts.not_accepted(fault.detail)
            return Step.STOP
        if step is Step.FAILED:
            self._alerts.refused(copy)
        elif step is Step.ENDED and copy.is_open:
            self._alerts.sent(copy)
        return step

    def _point(self, tables: OrganizationTables, part: str, name: str, kind: MailKind) -> None:
        pointer: dict[str, Value] = {"part": part, "letter": name, "kind": kind.value, "posted_at": self._clock()}
        tables.upsert(OUTBOX, "", f"{part}|{name}", pointer)

    def _remove(self, pointer: Row) -> Step:
        """Removes the pointer unless the letter was posted again meanwhile."""
        try:
            self._tables.delete(OUTBOX, pointer.pk, pointer.rk, pointer.etag)
        except RowChanged:
            return Step.LATER
        return Step.ENDED
