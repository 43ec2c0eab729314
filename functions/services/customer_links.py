"""Customer links: signed addresses that let a customer reconnect one project without being a member here.

A link works until the project's connection is saved, it is revoked, or its life ends; how often it is opened does not
matter, since mail scanners open links too. What is kept of one is its name and its fate, never the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.connection import KNOWN_SUFFIXES, container_name, storage_name
from functions.domain.customer_link import CustomerLinkView, LinkName, LinkState, LinkVisit, link_token, read_token
from functions.domain.ids import need_id
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowChanged, RowMissing, Tables, Tokens, Value
from functions.services.audit import Audit
from functions.services.link_purge import TABLE
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import connection_view, need_project
from migrate_contract.errors import ErrorCode, Fatal, Retryable

_ID_LENGTH = 12
_OLD = timedelta(days=90)
"""How long an ended link stays listed."""
_FRESH_SHARE = 0.5
"""A mail takes the open link with at least this share of its life left, and a new one otherwise."""
_NOTHING: Mapping[str, Value] = {}
_REFUSALS = {
    LinkState.SAVED: (ErrorCode.CUSTOMER_LINK_DONE, "The connection was saved at {:%Y-%m-%d %H:%M} UTC."),
    LinkState.REVOKED: (ErrorCode.CUSTOMER_LINK_REVOKED, "It was withdrawn at {:%Y-%m-%d %H:%M} UTC."),
    LinkState.EXPIRED: (ErrorCode.CUSTOMER_LINK_EXPIRED, "It worked until {:%Y-%m-%d %H:%M} UTC."),
}


class CustomerLinks:
    """The only writer of the table: one row per link, in the partition of its project, which it goes with."""

    def __init__(self, tables: Tables, clock: Clock, tokens: Tokens, limits: Limits, audit: Audit, key: bytes) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._limits = limits
        self._audit = audit
        self._key = key

    def create(
        self, caller: OperatorCaller, project_id: str, account: str = "", container: str = ""
    ) -> CustomerLinkView:
        """Result: a new link of the project; `address` says where it leads.

        `account` and `container` as typed, both empty to keep those of the connection. Raises Fatal(not-found), and
        for a project that is not connected to a customer's account Fatal(azure-account-invalid),
        Fatal(azure-container-invalid).
        """
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        connection = connection_view(project)
        asked: dict[str, Value] = {}
        if account or connection is None or not connection.signs_in:
            asked = {"account": storage_name(account, KNOWN_SUFFIXES).host, "container": container_name(container)}
        row = self._insert(caller.organization, project_id, caller.label, asked)
        self._record(caller, project, row.rk, "link.create")
        return link_view(row, self._clock())

    def for_mail(self, organization: str, project_id: str) -> str:
        """Result: the path that a mail of this project carries, noted as sent now.

        It is that of the open link, or of a new one where that would soon be too old.
        """
        now = self._clock()
        link_id = self._open_for_a_while(organization, project_id, now)
        tables = OrganizationTables(self._tables, organization)
        if link_id is None:
            link_id = self._insert(organization, project_id, "OneMigrate").rk
        tables.merge(TABLE, project_id, link_id, {"last_sent_at": now}, None)
        return self.address(organization, project_id, link_id)

    def address(self, organization: str, project_id: str, link_id: str) -> str:
        """Result: the path of the link's page, with its token: for a mail or for the eyes of who sends it."""
        name = LinkName(organization, project_id, need_id("link", link_id))
        return f"/reconnect/{link_token(self._key, name)}"

    def show_address(self, caller: OperatorCaller, project_id: str, link_id: str) -> str:
        """Result: the path of an open link, for an operator who sends it by other means.

        Raises Fatal(not-found), and what `open` raises for a link that has ended.
        """
        caller.need(Role.OPERATOR)
        need_project(self._tables, caller, project_id)
        _refuse_ended(self._need(caller.organization, project_id, link_id), self._clock())
        return self.address(caller.organization, project_id, link_id)

    def of_project(self, caller: OperatorCaller, project_id: str) -> list[CustomerLinkView]:
        """Result: the links of the project, newest first."""
        need_project(self._tables, caller, project_id)
        now = self._clock()
        links = [link_view(row, now) for row in self._rows(caller.organization, project_id)]
        return sorted(links, key=lambda link: link.created_at, reverse=True)

    def open(self, token: str) -> LinkVisit:
        """Result: the visit that this token allows.

        Raises Fatal: customer-link-unknown, customer-link-done, customer-link-revoked, customer-link-expired.
        """
        name = read_token(self._key, token)
        row = self._row(name) if name else None
        if name is None or row is None or self._project(name) is None:
            raise Fatal(ErrorCode.CUSTOMER_LINK_UNKNOWN, "The address is cut off, or its project was deleted.")
        _refuse_ended(row, self._clock())
        return LinkVisit(
            *name, rows.need_moment(row, "expires_at"), rows.text(row, "account"), rows.text(row, "container")
        )

    def revoke(self, caller: OperatorCaller, project_id: str, link_id: str) -> None:
        """Ends an open link. One that has ended stays as it is: there is nothing to take back."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        row = self._need(caller.organization, project_id, link_id)
        if link_view(row, self._clock()).state is not LinkState.OPEN:
            return
        if not self._end(caller.organization, row, LinkState.REVOKED):
            raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The link was changed just now.")
        self._record(caller, project, link_id, "link.revoke")

    def saved(self, organization: str, project_id: str) -> None:
        """The project's connection was saved: every link of it has done its work."""
        now = self._clock()
        for row in self._rows(organization, project_id):
            if link_view(row, now).state is LinkState.OPEN:
                self._end(organization, row, LinkState.SAVED)

    def _open_for_a_while(self, organization: str, project_id: str, now: datetime) -> str | None:
        """Result: the open link that lives longest, if at least that share of its life is left."""
        least = timedelta(seconds=self._limits.link_life_seconds * _FRESH_SHARE)
        links = [link_view(row, now) for row in self._rows(organization, project_id)]
        fresh = [link for link in links if link.state is LinkState.OPEN and link.expires_at - now >= least]
        return max(fresh, key=lambda link: link.expires_at).link_id if fresh else None

    def _insert(self, organization: str, project_id: str, by: str, asked: Mapping[str, Value] = _NOTHING) -> Row:
        """Result: a new link; old ones that have ended are removed with this occasion."""
        tables = OrganizationTables(self._tables, organization)
        now = self._clock()
        for row in self._rows(organization, project_id):
            if rows.need_moment(row, "expires_at") + _OLD <= now:
                tables.delete(TABLE, project_id, row.rk)
        link_id = self._tokens.identifier(_ID_LENGTH)
        columns: dict[str, Value] = {
            "created_at": now,
            "created_by": by,
            "expires_at": now + timedelta(seconds=self._limits.link_life_seconds),
            **asked,
        }
        etag = tables.insert(TABLE, project_id, link_id, columns)
        return Row(tables.key(project_id), link_id, columns, etag)

    def _end(self, organization: str, row: Row, how: LinkState) -> bool:
        """Result: whether it ended by this; False where somebody was faster."""
        project_id = row.pk.partition("|")[2]
        ended = {"ended_at": self._clock(), "ended_by": how.value}
        try:
            OrganizationTables(self._tables, organization).merge(TABLE, project_id, row.rk, ended, row.etag)
        except RowMissing:
            return True
        except RowChanged:
            again = self._row(LinkName(organization, project_id, row.rk))
            if again is None or rows.moment(again, "ended_at") is not None:
                return again is None
            return self._end(organization, again, how)
        return True

    def _rows(self, organization: str, project_id: str) -> list[Row]:
        return OrganizationTables(self._tables, organization).partition(TABLE, project_id)

    def _row(self, name: LinkName) -> Row | None:
        return OrganizationTables(self._tables, name.organization).get(TABLE, name.project_id, name.link_id)

    def _project(self, name: LinkName) -> Row | None:
        return OrganizationTables(self._tables, name.organization).get(PROJECTS, "", name.project_id)

    def _need(self, organization: str, project_id: str, link_id: str) -> Row:
        """Result: the link's row. Raises Fatal(not-found)."""
        row = self._row(LinkName(organization, project_id, need_id("link", link_id)))
        if row is None:
            raise Fatal(ErrorCode.NOT_FOUND, "No such link")
        return row

    def _record(self, caller: OperatorCaller, project: Row, link_id: str, action: str) -> None:
        self._audit.record(
            caller.organization,
            caller.label,
            action,
            project.rk,
            client_id=rows.text(project, "client_id"),
            detail=link_id,
        )


def link_view(row: Row, now: datetime) -> CustomerLinkView:
    """Result: the link and its fate."""
    ended_at, expires_at = rows.moment(row, "ended_at"), rows.need_moment(row, "expires_at")
    if ended_at is not None:
        state = LinkState(rows.text(row, "ended_by"))
    else:
        state = LinkState.EXPIRED if now >= expires_at else LinkState.OPEN
    return CustomerLinkView(
        link_id=row.rk,
        state=state,
        created_at=rows.need_moment(row, "created_at"),
        created_by=rows.text(row, "created_by"),
        expires_at=expires_at,
        ended_at=ended_at,
        account=rows.text(row, "account"),
        last_sent_at=rows.moment(row, "last_sent_at"),
    )


def _refuse_ended(row: Row, now: datetime) -> None:
    """Raises the refusal of a link that works no more."""
    link = link_view(row, now)
    if link.state is not LinkState.OPEN:
        code, words = _REFUSALS[link.state]
        raise Fatal(code, words.format(link.ended_at or link.expires_at))
