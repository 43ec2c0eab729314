"""Who did what, kept for administrators: one row per action, newest first, partitioned by month."""

from __future__ import annotations

import json
from datetime import datetime

from functions.domain import rows
from functions.domain.caller import OperatorCaller
from functions.domain.keys import Continuations
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, Tables, Tokens
from functions.domain.views import AuditView, ListQuery, Page

TABLE = "audit"
_END_OF_TIME = 10**13
"""Milliseconds; a row key counts down to it, so that the newest sorts first."""
_MONTHS = 18
"""How far back a list looks: the retention of summaries (product page, Limits)."""


class Audit:
    """Writes and lists audit entries."""

    def __init__(self, tables: Tables, clock: Clock, tokens: Tokens, continuations: Continuations) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._continuations = continuations

    def record(
        self,
        organization: str,
        actor: str,
        action: str,
        subject: str,
        *,
        client_id: str = "",
        detail: str = "",
    ) -> None:
        """Adds one entry. `detail` is for people and holds no secret."""
        now = self._clock()
        countdown = _END_OF_TIME - int(now.timestamp() * 1000)
        OrganizationTables(self._tables, organization).insert(
            TABLE,
            now.strftime("%Y%m"),
            f"{countdown:013d}-{self._tokens.identifier(8)}",
            {
                "at": now,
                "actor": actor,
                "action": action,
                "subject": subject,
                "client_id": client_id,
                "detail": detail[:2000],
            },
        )

    def list(self, caller: OperatorCaller, query: ListQuery) -> Page[AuditView]:
        """Result: the newest first. A member limited to some clients sees their entries only."""
        tables = OrganizationTables(self._tables, caller.organization)
        scope = f"audit|{caller.organization}|{caller.object_id}"
        opened = self._continuations.open(query.continuation, scope)
        month, inner = json.loads(opened) if opened else (self._clock().strftime("%Y%m"), None)
        oldest = _months_before(self._clock(), _MONTHS)
        where = {"client_id": tuple(sorted(caller.client_ids))} if caller.client_ids else None
        found: list[Row] = []
        while month >= oldest and len(found) < query.limit:
            page = tables.page(TABLE, month, where=where, limit=query.limit - len(found), continuation=inner)
            found.extend(page.rows)
            inner = page.continuation
            month = month if inner else _month_before(month)
        rest = json.dumps([month, inner]) if month >= oldest and len(found) >= query.limit else None
        return Page(items=[_view(row) for row in found], continuation=self._continuations.seal(rest, scope))


def _month_before(month: str) -> str:
    year, number = int(month[:4]), int(month[4:])
    return f"{year - 1}12" if number == 1 else f"{year}{number - 1:02d}"


def _months_before(now: datetime, count: int) -> str:
    month = now.strftime("%Y%m")
    for _ in range(count):
        month = _month_before(month)
    return month


def _view(row: Row) -> AuditView:
    return AuditView(
        at=rows.need_moment(row, "at"),
        actor=rows.text(row, "actor"),
        action=rows.text(row, "action"),
        subject=rows.text(row, "subject"),
        client_id=rows.text_or_none(row, "client_id"),
        detail=rows.text(row, "detail"),
    )
