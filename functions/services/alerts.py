"""What watchdogs found and a person should see: one row per kind and subject, and one line in the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from functions.domain import rows
from functions.domain.caller import OperatorCaller
from functions.domain.keys import Continuations
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowChanged, RowExists, RowMissing, Tables, Value
from functions.domain.views import AlertView, ListQuery, Page
from migrate_contract.errors import CATALOGUE, ErrorCode

TABLE = "alerts"
WATCHED = (
    ErrorCode.AGENT_CLONED,
    ErrorCode.AGENT_OFFLINE,
    ErrorCode.CLIENT_SECRET_EXPIRING,
    ErrorCode.DISPATCH_POISONED,
    ErrorCode.IDENTITY_MISCONFIGURED,
    ErrorCode.IDENTITY_UNAVAILABLE,
    ErrorCode.JOB_UNDELIVERED,
    ErrorCode.KEY_VAULT_UNAVAILABLE,
    ErrorCode.MAIL_BOUNCED,
    ErrorCode.MAIL_NOT_ACCEPTED,
    ErrorCode.MAIL_REFUSED,
    ErrorCode.SCAN_STALLED,
    ErrorCode.SECRET_UNREADABLE,
    ErrorCode.SIGN_IN_FAILING,
)
"""Every kind of alert there is."""
_TRIES = 5
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: its kind is the error code, its subject the id of what it is about."""

    organization: str
    code: ErrorCode
    subject: str
    detail: str
    link: str = ""
    client_id: str = ""

    @property
    def key(self) -> str:
        """Result: the row key, which is the alert's id too."""
        return f"{self.code.value}|{self.subject}"


class Alerts:
    """Raises, resolves and lists alerts. This service is the only writer of the table."""

    def __init__(self, tables: Tables, clock: Clock, continuations: Continuations) -> None:
        self._tables = tables
        self._clock = clock
        self._continuations = continuations

    def occurred(self, finding: Finding) -> None:
        """Something happened: opens the alert, or counts one more."""
        self._write(finding, count=True)

    def stands(self, finding: Finding) -> bool:
        """Something is so: opens the alert unless it is open. Result: whether it was opened now."""
        return self._write(finding, count=False)

    def is_open(self, organization: str, code: ErrorCode, subject: str) -> bool:
        """Result: whether this alert is open now."""
        row = OrganizationTables(self._tables, organization).get(TABLE, "", f"{code.value}|{subject}")
        return row is not None and rows.flag(row, "open")

    def over(self, organization: str, code: ErrorCode, subject: str) -> None:
        """It is so no longer: closes the alert if it is open."""
        tables = OrganizationTables(self._tables, organization)
        key = f"{code.value}|{subject}"
        row = tables.get(TABLE, "", key)
        if row is None or not rows.flag(row, "open"):
            return
        try:
            tables.merge(TABLE, "", key, {"open": False, "resolved_at": self._clock()}, row.etag)
        except (RowChanged, RowMissing):
            return  # Somebody else has just counted it again or closed it: the next sweep looks anew.
        _log.info("alert.resolved", organization=organization, code=code.value, subject=subject)

    def open_subjects(self, code: ErrorCode, *, quiet_since: datetime | None = None) -> list[tuple[str, str]]:
        """Result: (organization, subject) of every open alert of this kind, for the sweeps.

        `quiet_since`: only those that have not been counted again after this moment.
        """
        found: list[tuple[str, str]] = []
        continuation: str | None = None
        while True:
            page = self._tables.page(
                TABLE, where={"code": code.value, "open": True}, limit=1000, continuation=continuation
            )
            found.extend(
                (row.pk, rows.text(row, "subject"))
                for row in page.rows
                if quiet_since is None or rows.need_moment(row, "last_at") <= quiet_since
            )
            continuation = page.continuation
            if continuation is None:
                return found

    def forget(self, organization: str, subject: str) -> None:
        """The subject was deleted: its alerts go with it."""
        tables = OrganizationTables(self._tables, organization)
        for code in WATCHED:
            tables.delete(TABLE, "", f"{code.value}|{subject}")

    def list(self, caller: OperatorCaller, query: ListQuery, *, open_only: bool = True) -> Page[AlertView]:
        """Result: the organization's alerts; a member limited to some clients sees theirs only."""
        where: dict[str, Value | tuple[Value, ...]] = {}
        if open_only:
            where["open"] = True
        if caller.client_ids:
            where["client_id"] = tuple(sorted(caller.client_ids))
        scope = f"alerts|{caller.organization}|{caller.object_id}|{open_only}"
        page = OrganizationTables(self._tables, caller.organization).page(
            TABLE,
            "",
            where=where,
            limit=query.limit,
            continuation=self._continuations.open(query.continuation, scope),
        )
        return Page(
            items=[_view(row) for row in page.rows],
            continuation=self._continuations.seal(page.continuation, scope),
        )

    def _write(self, finding: Finding, *, count: bool) -> bool:
        """Result: whether anything was written."""
        tables = OrganizationTables(self._tables, finding.organization)
        for _ in range(_TRIES):
            row = tables.get(TABLE, "", finding.key)
            if row is not None and rows.flag(row, "open") and not count:
                return False
            try:
                if row is None:
                    tables.insert(TABLE, "", finding.key, self._columns(finding, None))
                else:
                    tables.replace(TABLE, "", finding.key, self._columns(finding, row), row.etag)
            except (RowExists, RowChanged, RowMissing):
                continue
            _log.warning(
                "alert.raised",
                organization=finding.organization,
                code=finding.code.value,
                subject=finding.subject,
                detail=finding.detail,
            )
            return True
        return False

    def _columns(self, finding: Finding, row: Row | None) -> dict[str, Value]:
        now = self._clock()
        return {
            "code": finding.code.value,
            "subject": finding.subject,
            "detail": finding.detail[:2000],
            "link": finding.link,
            "client_id": finding.client_id,
            "open": True,
            "count": (rows.number(row, "count") if row else 0) + 1,
            "first_at": (rows.moment(row, "first_at") if row else None) or now,
            "last_at": now,
        }


def _view(row: Row) -> AlertView:
    code = ErrorCode(rows.text(row, "code"))
    entry = CATALOGUE[code]
    return AlertView(
        alert_id=row.rk,
        code=code.value,
        title=entry.title,
        detail=rows.text(row, "detail"),
        fix=entry.fix,
        link=rows.text(row, "link"),
        client_id=rows.text_or_none(row, "client_id"),
        count=rows.number(row, "count"),
        first_at=rows.need_moment(row, "first_at"),
        last_at=rows.need_moment(row, "last_at"),
        resolved_at=rows.moment(row, "resolved_at"),
    )
