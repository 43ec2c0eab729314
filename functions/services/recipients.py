"""Recipients: who gets a project's mail, and which kinds somebody wants no more.

Table `recipients`, partition of the project: `rcp|<address hash>` is a recipient (written by operators), and
`mut|<address hash>|<kind>` a kind that this address wants no more (written by whoever holds its signed link).
"""

from __future__ import annotations

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.mail import MailKind
from functions.domain.mail_rows import RECIPIENTS, address_hash, part_of
from functions.domain.mail_views import RecipientBody, RecipientsView, RecipientView
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowExists, Tables, Value
from functions.services.audit import Audit
from functions.services.projects import need_project
from migrate_contract.errors import ErrorCode, Fatal

TABLE = RECIPIENTS
MOST = 20
"""Recipients of one project: their copies are written in one transaction, and a mailing list serves more people."""
_RECIPIENT, _MUTED = "rcp|", "mut|"


class Recipients:
    """The only writer of the table."""

    def __init__(self, tables: Tables, clock: Clock, audit: Audit) -> None:
        self._tables = tables
        self._clock = clock
        self._audit = audit

    def list(self, caller: OperatorCaller, project_id: str) -> RecipientsView:
        """Result: the project's recipients, by address. Raises Fatal(not-found)."""
        need_project(self._tables, caller, project_id)
        found = OrganizationTables(self._tables, caller.organization).partition(TABLE, project_id)
        muted = [row.rk for row in found if row.rk.startswith(_MUTED)]
        views = [_view(row, muted) for row in found if row.rk.startswith(_RECIPIENT)]
        return RecipientsView(items=sorted(views, key=lambda view: view.address))

    def add(self, caller: OperatorCaller, project_id: str, body: RecipientBody) -> RecipientsView:
        """Result: the recipients. One that is there already stays as it is. Raises Fatal(request-invalid) over 20."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        tables = OrganizationTables(self._tables, caller.organization)
        if len(tables.partition(TABLE, project_id, prefix=_RECIPIENT)) >= MOST:
            raise Fatal(
                ErrorCode.REQUEST_INVALID, f"address: a project has at most {MOST} recipients; use a mailing list"
            )
        values: dict[str, Value] = {
            "address": body.address,
            "added_at": self._clock(),
            "added_by": caller.label,
        }
        try:
            tables.insert(TABLE, project_id, _RECIPIENT + address_hash(body.address), values)
        except RowExists:
            return self.list(caller, project_id)
        self._record(caller, project, "recipient.add", body.address)
        return self.list(caller, project_id)

    def remove(self, caller: OperatorCaller, project_id: str, recipient_id: str) -> RecipientsView:
        """Result: the recipients without this one. What it wants no more is kept, should it come back."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        tables = OrganizationTables(self._tables, caller.organization)
        row = tables.get(TABLE, project_id, _RECIPIENT + recipient_id)
        if row is not None:
            tables.delete(TABLE, project_id, row.rk)
            self._record(caller, project, "recipient.remove", rows.text(row, "address"))
        return self.list(caller, project_id)

    def addresses(self, organization: str, project_id: str) -> tuple[str, ...]:
        """Result: the addresses that the project's mail goes to."""
        found = OrganizationTables(self._tables, organization).partition(TABLE, project_id, prefix=_RECIPIENT)
        return tuple(rows.text(row, "address") for row in found)

    def address_of(self, organization: str, project_id: str, hashed: str) -> str:
        """Result: the recipient's address; "" where it is none any more."""
        row = OrganizationTables(self._tables, organization).get(TABLE, part_of(project_id), _RECIPIENT + hashed)
        return rows.text(row, "address") if row else ""

    def is_muted(self, organization: str, project_id: str, address: str, kind: MailKind) -> bool:
        """Result: whether this address wants no mail of this kind about the project."""
        return self.has_muted(organization, project_id, address_hash(address), kind)

    def has_muted(self, organization: str, project_id: str, hashed: str, kind: MailKind) -> bool:
        """As `is_muted`, for who knows the address's hash only."""
        tables = OrganizationTables(self._tables, organization)
        return tables.get(TABLE, part_of(project_id), _muted_key(hashed, kind)) is not None

    def mute(self, organization: str, project_id: str, hashed: str, kind: MailKind) -> None:
        """This address wants no more mail of this kind about the project."""
        tables = OrganizationTables(self._tables, organization)
        tables.upsert(TABLE, part_of(project_id), _muted_key(hashed, kind), {"muted_at": self._clock()})

    def unmute(self, organization: str, project_id: str, hashed: str, kind: MailKind) -> None:
        """It wants them again."""
        OrganizationTables(self._tables, organization).delete(TABLE, part_of(project_id), _muted_key(hashed, kind))

    def _record(self, caller: OperatorCaller, project: Row, action: str, address: str) -> None:
        client_id = rows.text(project, "client_id")
        self._audit.record(caller.organization, caller.label, action, project.rk, client_id=client_id, detail=address)


def _muted_key(hashed: str, kind: MailKind) -> str:
    return f"{_MUTED}{hashed}|{kind.value}"


def _view(row: Row, muted: list[str]) -> RecipientView:
    hashed = row.rk.removeprefix(_RECIPIENT)
    prefix = f"{_MUTED}{hashed}|"
    return RecipientView(
        recipient_id=hashed,
        address=rows.text(row, "address"),
        unsubscribed_from=[key.removeprefix(prefix) for key in muted if key.startswith(prefix)],
        added_at=rows.need_moment(row, "added_at"),
        added_by=rows.text(row, "added_by"),
    )
