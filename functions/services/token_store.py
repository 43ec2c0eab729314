"""Stored sign-ins: one row each, in the partition of its project, from the sign-in to its end.

Which one is the project's connection is said by the project's row alone; the others are drafts, and end by
themselves. A row that is removed is never written again: a renewal that comes too late finds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from functions.domain import rows
from functions.domain.connection import Person, StorageName
from functions.domain.envelope import Belonging
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Row, RowChanged, RowMissing, Tables, Value
from functions.services.secrets import Secrets
from migrate_contract.errors import ErrorCode, Retryable

TABLE = "azuretokens"
_TRIES = 10


@dataclass(frozen=True, slots=True)
class StoredSignIn:
    """One row as it was read."""

    organization: str
    project_id: str
    connection_id: str
    name: StorageName
    tenant_id: str
    container: str
    person: Person
    signed_in_at: datetime
    redeemed_at: datetime
    draft_ends_at: datetime
    refused_since: datetime | None
    """The first of the refusals for a missing role since the last success."""
    sealed: str = field(repr=False)
    etag: str = ""


class TokenStore:
    """The only writer of the table."""

    def __init__(self, tables: Tables, secrets: Secrets) -> None:
        self._tables = tables
        self._secrets = secrets

    def add(self, draft: StoredSignIn, refresh_token: str) -> StoredSignIn:
        """Result: the draft as stored; its `sealed` and `etag` are made here."""
        sealed = self._secrets.seal(_belonging(draft.organization, draft.project_id), refresh_token)
        columns: dict[str, Value] = {
            "account": draft.name.account,
            "suffix": draft.name.suffix,
            "tenant_id": draft.tenant_id,
            "container": draft.container,
            "object_id": draft.person.object_id,
            "username": draft.person.username,
            "person": draft.person.name,
            "signed_in_at": draft.signed_in_at,
            "redeemed_at": draft.redeemed_at,
            "draft_ends_at": draft.draft_ends_at,
            **rows.long_text("sealed", sealed),
        }
        tables = OrganizationTables(self._tables, draft.organization)
        etag = tables.insert(TABLE, draft.project_id, draft.connection_id, columns)
        return _stored(Row(tables.key(draft.project_id), draft.connection_id, columns, etag))

    def get(self, organization: str, project_id: str, connection_id: str) -> StoredSignIn | None:
        """Result: the sign-in, or None where it was destroyed."""
        row = OrganizationTables(self._tables, organization).get(TABLE, project_id, connection_id)
        return _stored(row) if row else None

    def refresh_token(self, stored: StoredSignIn) -> str:
        """Result: the token. Raises Fatal(secret-unreadable), Retryable(key-vault-unavailable)."""
        return self._secrets.open(_belonging(stored.organization, stored.project_id), stored.sealed)

    def rotate(self, stored: StoredSignIn, refresh_token: str, now: datetime) -> StoredSignIn | None:
        """Puts a new token in the place of the one that was read. Result: the sign-in as it is now.

        Another instance may have put its own there meanwhile, which is as good: the first stays. None: destroyed.
        """
        sealed = self._secrets.seal(_belonging(stored.organization, stored.project_id), refresh_token)
        current: StoredSignIn | None = stored
        for _ in range(_TRIES):
            if current is None or current.sealed != stored.sealed:
                return current
            if self._merge(current, {**rows.long_text("sealed", sealed), "redeemed_at": now}):
                return self.get(stored.organization, stored.project_id, stored.connection_id)
            current = self.get(stored.organization, stored.project_id, stored.connection_id)
        raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The sign-in is being changed by several at once.")

    def refused(self, stored: StoredSignIn, now: datetime) -> datetime:
        """The account refuses this person. Result: since when."""
        if stored.refused_since is not None:
            return stored.refused_since
        self._note(stored, {"refused": True, "refused_since": now})
        return now

    def admitted(self, stored: StoredSignIn) -> None:
        """The account lets this person in (again)."""
        if stored.refused_since is not None:
            self._note(stored, {"refused": False})

    def rewrap(self, stored: StoredSignIn) -> bool:
        """Result: whether the token's key was wrapped anew; False where it was not needed, or the row changed."""
        sealed = self._secrets.rewrapped(stored.sealed)
        return sealed is not None and self._merge(stored, rows.long_text("sealed", sealed))

    def destroy(self, stored: StoredSignIn) -> None:
        """Removes one sign-in."""
        OrganizationTables(self._tables, stored.organization).delete(TABLE, stored.project_id, stored.connection_id)

    def destroy_all(self, organization: str, project_id: str, *, but: str = "") -> None:
        """Removes the sign-ins of a project, but that one."""
        destroy_sign_ins(self._tables, organization, project_id, but=but)

    def page(self, continuation: str | None) -> tuple[list[StoredSignIn], str | None]:
        """Result: some of all sign-ins of every organization, and how to go on."""
        page = self._tables.page(TABLE, limit=1000, continuation=continuation)
        return [_stored(row) for row in page.rows], page.continuation

    def _merge(self, stored: StoredSignIn, columns: dict[str, Value]) -> bool:
        tables = OrganizationTables(self._tables, stored.organization)
        try:
            tables.merge(TABLE, stored.project_id, stored.connection_id, columns, stored.etag)
        except (RowChanged, RowMissing):
            return False
        return True

    def _note(self, stored: StoredSignIn, columns: dict[str, Value]) -> None:
        tables = OrganizationTables(self._tables, stored.organization)
        try:
            tables.merge(TABLE, stored.project_id, stored.connection_id, columns, None)
        except RowMissing:
            return  # Destroyed meanwhile: there is nothing to note.


def destroy_sign_ins(tables: Tables, organization: str, project_id: str, *, but: str = "") -> None:
    """Removes the sign-ins of a project, but that one: what cannot be read any more cannot be used."""
    mine = OrganizationTables(tables, organization)
    for row in mine.partition(TABLE, project_id):
        if row.rk != but:
            mine.delete(TABLE, project_id, row.rk)


def _belonging(organization: str, project_id: str) -> Belonging:
    return Belonging("azure-refresh-token", organization, project_id)


def _stored(row: Row) -> StoredSignIn:
    organization, _, project_id = row.pk.partition("|")
    return StoredSignIn(
        organization=organization,
        project_id=project_id,
        connection_id=row.rk,
        name=StorageName(rows.text(row, "account"), rows.text(row, "suffix")),
        tenant_id=rows.text(row, "tenant_id"),
        container=rows.text(row, "container"),
        person=Person(rows.text(row, "object_id"), rows.text(row, "username"), rows.text(row, "person")),
        signed_in_at=rows.need_moment(row, "signed_in_at"),
        redeemed_at=rows.need_moment(row, "redeemed_at"),
        draft_ends_at=rows.need_moment(row, "draft_ends_at"),
        refused_since=rows.moment(row, "refused_since") if rows.flag(row, "refused") else None,
        sealed=rows.joined_text(row, "sealed"),
        etag=row.etag,
    )
