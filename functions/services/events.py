"""Events: one row each, written once however often the same one is found, and listed by project."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from functions.domain import rows
from functions.domain.caller import OperatorCaller
from functions.domain.event import WORDS, Event, EventKind, event_columns, event_of, key_before
from functions.domain.event_views import EventView
from functions.domain.keys import Continuations
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Row, RowExists, Tables
from functions.domain.views import ListQuery, Page
from functions.services.projects import need_project
from migrate_contract.errors import CATALOGUE, ErrorCode

TABLE = "events"
_PAGE = 100
_log = structlog.get_logger(__name__)


class Events:
    """Writes the table's rows but for `open` and `announced_at`, which are the announcements'."""

    def __init__(self, tables: Tables, continuations: Continuations) -> None:
        self._tables = tables
        self._continuations = continuations

    def record(self, event: Event) -> bool:
        """Writes the event unless it is there. Result: whether it was written now.

        The sweep tells mail and webhooks of it. Raises Retryable(storage-unavailable).
        """
        tables = OrganizationTables(self._tables, event.organization)
        try:
            tables.insert(TABLE, event.project_id, event.key, event_columns(event))
        except RowExists:
            return False
        _log.info(
            "event.recorded",
            organization=event.organization,
            project_id=event.project_id,
            kind=event.kind.value,
            subject=event.subject,
            code=event.code.value if event.code else "",
        )
        return True

    def list(self, caller: OperatorCaller, project_id: str, query: ListQuery) -> Page[EventView]:
        """Result: the project's events, the newest first. Raises Fatal(not-found)."""
        need_project(self._tables, caller, project_id)
        scope = f"events|{caller.organization}|{project_id}"
        page = OrganizationTables(self._tables, caller.organization).page(
            TABLE,
            project_id,
            limit=query.limit,
            continuation=self._continuations.open(query.continuation, scope),
        )
        return Page(
            items=[_view(row) for row in page.rows],
            continuation=self._continuations.seal(page.continuation, scope),
        )

    def since(self, organization: str, project_id: str, kind: EventKind, since: datetime) -> Sequence[Event]:
        """Result: the project's events of this kind from that moment on, the newest first."""
        found: list[Event] = []
        tables = OrganizationTables(self._tables, organization)
        continuation: str | None = None
        while True:
            page = tables.page(TABLE, project_id, limit=_PAGE, continuation=continuation)
            for row in page.rows:
                if row.rk[: len(key_before(since))] > key_before(since):
                    return found
                if rows.text(row, "kind") == kind.value:
                    found.append(event_of(row))
            continuation = page.continuation
            if continuation is None:
                return found


def _view(row: Row) -> EventView:
    event = event_of(row)
    entry = CATALOGUE[event.code] if event.code else None
    return EventView(
        event_id=event.event_id,
        kind=event.kind,
        title=WORDS[event.kind],
        at=event.at,
        project_id=event.project_id,
        subject=event.subject,
        summary=event.summary,
        code=event.code.value if event.code else None,
        fix=entry.fix if entry else None,
        link=event.link,
        announced_at=rows.moment(row, "announced_at"),
    )


def known_code(code: str) -> ErrorCode | None:
    """Result: the catalogue's code; None for the word of an agent that is newer than we are."""
    return ErrorCode(code) if code in ErrorCode else None
