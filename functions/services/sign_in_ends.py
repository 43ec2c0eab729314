"""What happens when a customer's sign-in has ended: the project asks for a person, and says so in one mail.

The only writer of a project's columns `sign_in_ended...`. Whoever finds the end first writes it; a job that asks for
access and the daily look of the checker may find it at the same time, on several instances. The mail is posted after
the mark, under a name that is read off the mark: a crash between the two is made good by whoever looks next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Protocol

import structlog

from functions.domain import rows
from functions.domain.event import Event, EventKind
from functions.domain.expiry import NOT_ENDED, EndKind, Notice, SignInEnd, days_left, end_of
from functions.domain.mail import MailDraft, MailKind
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowChanged, RowMissing, Tables
from functions.domain.views import AzureConnectionView
from functions.services.events import Events
from functions.services.projects import TABLE, connection_view
from migrate_contract.errors import ErrorCode, Fatal, Retryable

_TRIES = 5
_log = structlog.get_logger(__name__)


class Letters(Protocol):
    """The part of the outbox that is used here."""

    def post(self, organization: str, draft: MailDraft) -> None:
        """See the outbox."""

    def withdraw(self, organization: str, project_id: str, *kinds: MailKind) -> int:
        """See the outbox."""


class SignInEnds:
    """Marks ends, takes them back, and refuses what needs a sign-in that works."""

    def __init__(self, tables: Tables, clock: Clock, letters: Letters, events: Events) -> None:
        self._tables = tables
        self._clock = clock
        self._letters = letters
        self._events = events

    @contextmanager
    def watching(self, project: Row) -> Iterator[None]:
        """Around whatever uses the project's connection.

        Raises Fatal(azure-credentials-expired) at once where the end is known; one that is found inside is marked.
        """
        need_sign_in(project)
        try:
            yield
        except Fatal as fatal:
            if fatal.code is ErrorCode.AZURE_CREDENTIALS_EXPIRED:
                self.found(project, EndKind.REFUSED, fatal.detail)
            raise

    def found(self, project: Row, kind: EndKind, reason: str) -> SignInEnd | None:
        """The sign-in of the project's connection, as it was read, has ended. Result: the end as it is marked.

        None: the project was connected anew meanwhile, disconnected or deleted: nothing has ended.
        """
        connection = connection_view(project)
        if connection is None:
            return None
        marked = self._mark(project, connection, kind, reason)
        if marked is not None:
            self.tell(project, connection, marked)
        return marked

    def tell(self, project: Row, connection: AzureConnectionView, end: SignInEnd) -> None:
        """Posts the one mail of this end and records its event; repeating it changes nothing."""
        facts = {"reason": end.reason, "account": connection.account, "ended_on": end.at.date().isoformat()}
        event = _event(
            project,
            EventKind.CONNECTION_EXPIRED,
            end.at,
            end.at.isoformat(),
            f"The sign-in to {connection.account} has ended: {end.reason}",
            facts,
        )
        self._events.record(replace(event, code=ErrorCode.AZURE_CREDENTIALS_EXPIRED))
        self._post(project, connection, MailKind.CONNECTION_EXPIRED, end.at.date(), facts)

    def announce(
        self, project: Row, connection: AzureConnectionView, notice: Notice, ends_at: datetime, reason: str
    ) -> None:
        """Posts the mail that so many days are left and records the event; repeating it changes nothing."""
        facts = {
            "days_left": str(max(days_left(ends_at, self._clock()), 0)),
            "expires_on": ends_at.date().isoformat(),
            "account": connection.account,
            "reason": reason,
        }
        event = _event(
            project,
            EventKind.CONNECTION_EXPIRING,
            datetime(notice.due_on.year, notice.due_on.month, notice.due_on.day, tzinfo=UTC),
            f"{connection.connected_at.isoformat()} {notice.due_on.isoformat()}",
            f"The sign-in to {connection.account} ends on {ends_at:%Y-%m-%d} unless it is renewed: {reason}",
            facts,
        )
        self._events.record(event)
        self._post(project, connection, MailKind.CONNECTION_EXPIRING, notice.due_on, facts)

    def works(self, project: Row) -> None:
        """A redemption has succeeded: a lapse is taken back, and mails that wait to announce one are withdrawn."""
        connection = connection_view(project)
        if connection is None:
            return
        if end_of(project, connection) is not None:
            tables = OrganizationTables(self._tables, project.pk)
            try:
                tables.merge(TABLE, "", project.rk, NOT_ENDED, None)
            except RowMissing:
                return
            _log.info("sign_in.works_again", organization=project.pk, project_id=project.rk)
        self._letters.withdraw(project.pk, project.rk, MailKind.CONNECTION_EXPIRING, MailKind.CONNECTION_EXPIRED)

    def _mark(self, project: Row, connection: AzureConnectionView, kind: EndKind, reason: str) -> SignInEnd | None:
        """Result: the end as it is in the row now, whoever wrote it."""
        tables = OrganizationTables(self._tables, project.pk)
        for _ in range(_TRIES):
            now = tables.get(TABLE, "", project.rk)
            present = connection_view(now) if now else None
            if now is None or present is None or present.connected_at != connection.connected_at:
                return None
            known = end_of(now, present)
            if known is not None and (known.kind is kind or known.kind is EndKind.REFUSED):
                return known
            at = known.at if known else self._clock()
            end = SignInEnd(connection.connected_at, at, kind, reason)
            try:
                tables.merge(TABLE, "", project.rk, end.columns, now.etag)
            except (RowChanged, RowMissing):
                continue
            _log.warning(
                "sign_in.ended", organization=project.pk, project_id=project.rk, kind=kind.value, reason=reason
            )
            return end
        raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The project was changed several times just now.")

    def _post(
        self,
        project: Row,
        connection: AzureConnectionView,
        kind: MailKind,
        due_on: date,
        facts: dict[str, str],
    ) -> None:
        draft = MailDraft(
            kind=kind,
            subject_id=f"{project.rk}-{int(connection.connected_at.timestamp() * 1000)}",
            project_id=project.rk,
            due_on=due_on,
            facts=facts,
        )
        self._letters.post(project.pk, draft)


def need_sign_in(project: Row) -> None:
    """Raises Fatal(azure-credentials-expired) for a project whose sign-in has ended; the detail is the reason."""
    end = end_of(project, connection_view(project))
    if end is not None:
        raise Fatal(
            ErrorCode.AZURE_CREDENTIALS_EXPIRED,
            f"Project {rows.text(project, 'name')}, since {end.at:%Y-%m-%d %H:%M} UTC: {end.reason}",
        )


def _event(
    project: Row, kind: EventKind, at: datetime, occurrence: str, summary: str, facts: Mapping[str, str]
) -> Event:
    """Result: what the project's list of events and its webhooks say."""
    return Event(
        organization=project.pk,
        client_id=rows.text(project, "client_id"),
        project_id=project.rk,
        kind=kind,
        subject=project.rk,
        occurrence=occurrence,
        at=at,
        summary=summary,
        link=f"/projects/{project.rk}",
        facts=facts,
    )
