"""Clients: the customers of the operator. A client is deleted only when nothing of it is left to lose."""

from __future__ import annotations

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.ids import need_id, new_client_id
from functions.domain.keys import Continuations
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowChanged, RowMissing, Tables, Tokens, Value
from functions.domain.views import ClientCreate, ClientPatch, ClientView, ListQuery, Page
from functions.services.audit import Audit
from functions.services.client_purge import ClientPurge
from migrate_contract.errors import ErrorCode, Fatal, Retryable

TABLE = "clients"


class Clients:
    """Writes a client's columns but two: `touched_at` (by whatever is added to it), `site_limit_mbps` (bandwidth)."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        tokens: Tokens,
        audit: Audit,
        continuations: Continuations,
        purge: ClientPurge,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._audit = audit
        self._continuations = continuations
        self._purge = purge

    def list(self, caller: OperatorCaller, query: ListQuery) -> Page[ClientView]:
        """Result: the clients that this member may see."""
        scope = f"clients|{caller.organization}|{caller.object_id}"
        where = {"client_id": tuple(sorted(caller.client_ids))} if caller.client_ids else None
        page = OrganizationTables(self._tables, caller.organization).page(
            TABLE,
            "",
            where=where,
            limit=query.limit,
            continuation=self._continuations.open(query.continuation, scope),
        )
        return Page(
            items=[client_view(row) for row in page.rows],
            continuation=self._continuations.seal(page.continuation, scope),
        )

    def create(self, caller: OperatorCaller, body: ClientCreate) -> ClientView:
        """Result: the new client. A member limited to some clients cannot add one."""
        caller.need(Role.OPERATOR)
        if caller.client_ids:
            raise Fatal(ErrorCode.ROLE_INSUFFICIENT, "Only a member who sees all clients can add one.")
        client_id = new_client_id(self._tokens)
        OrganizationTables(self._tables, caller.organization).insert(
            TABLE,
            "",
            client_id,
            {
                "client_id": client_id,
                "name": body.name,
                "notes": body.notes,
                "created_at": self._clock(),
                "created_by": caller.label,
            },
        )
        self._audit.record(
            caller.organization, caller.label, "client.create", client_id, client_id=client_id, detail=body.name
        )
        return self.show(caller, client_id)

    def show(self, caller: OperatorCaller, client_id: str) -> ClientView:
        """Result: the client. Raises Fatal(not-found)."""
        return client_view(need_client(self._tables, caller, client_id))

    def change(self, caller: OperatorCaller, client_id: str, body: ClientPatch) -> ClientView:
        """Result: the client as changed."""
        caller.need(Role.OPERATOR)
        need_client(self._tables, caller, client_id)
        columns: dict[str, Value] = {"name": body.name, "notes": body.notes}
        columns = {name: value for name, value in columns.items() if value is not None}
        if columns:
            try:
                OrganizationTables(self._tables, caller.organization).merge(TABLE, "", client_id, columns, None)
            except RowMissing as missing:
                raise Fatal(ErrorCode.NOT_FOUND, "No such client") from missing
            self._audit.record(caller.organization, caller.label, "client.change", client_id, client_id=client_id)
        return self.show(caller, client_id)

    def delete(self, caller: OperatorCaller, client_id: str) -> None:
        """Removes the client and its revoked agents and codes. Raises Fatal(client-not-empty).

        The receipt of what was removed is an audit entry.
        """
        caller.need(Role.ADMIN)
        row = need_client(self._tables, caller, client_id)
        self._purge.check_empty(caller.organization, client_id)
        try:
            OrganizationTables(self._tables, caller.organization).delete(TABLE, "", client_id, row.etag)
        except RowChanged as changed:
            raise Retryable(ErrorCode.CHANGED_MEANWHILE, "Something was added to the client just now.") from changed
        receipt = self._purge.remove(caller.organization, client_id)
        self._audit.record(
            caller.organization,
            caller.label,
            "client.delete",
            client_id,
            client_id=client_id,
            detail=f"{rows.text(row, 'name')}: {receipt}",
        )


def need_client(tables: Tables, caller: OperatorCaller, client_id: str) -> Row:
    """Result: the client's row. Raises Fatal(not-found), also for a client that this member may not see."""
    caller.see(need_id("client", client_id))
    row = OrganizationTables(tables, caller.organization).get(TABLE, "", client_id)
    if row is None:
        raise Fatal(ErrorCode.NOT_FOUND, "No such client, or not yours")
    return row


def touch_client(tables: OrganizationTables, client_id: str, clock: Clock) -> None:
    """Called after something was added to the client, so that a deletion that began before cannot go through.

    Raises Fatal(not-found) if the client is gone: then what was added has to be removed.
    """
    try:
        tables.merge(TABLE, "", client_id, {"touched_at": clock()}, None)
    except RowMissing as missing:
        raise Fatal(ErrorCode.NOT_FOUND, "The client was deleted meanwhile") from missing


def site_limit_of(row: Row) -> float | None:
    """Result: what all agents of the client may send together, in Mbps; None: no limit."""
    return rows.real(row, "site_limit_mbps") or None


def client_view(row: Row) -> ClientView:
    """Result: the client as shown."""
    return ClientView(
        client_id=row.rk,
        name=rows.text(row, "name"),
        notes=rows.text(row, "notes"),
        bandwidth_limit_mbps=site_limit_of(row),
        created_at=rows.need_moment(row, "created_at"),
        created_by=rows.text(row, "created_by"),
    )
