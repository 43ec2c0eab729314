"""Unsubscribing: a signed link in each mail, good for one address, one kind and one project, without signing in.

The link holds no address, only its hash. It does not end: who keeps an old mail may still want no more of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from functions.domain import rows
from functions.domain.ids import is_id
from functions.domain.keys import keyed_hash, same
from functions.domain.mail import ASKED_FOR, MailKind
from functions.domain.mail_rows import OPERATORS_PART, address_hash, part_of
from functions.domain.mail_views import UnsubscribeView
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Tables
from functions.services.deployment import Deployment
from functions.services.projects import TABLE as PROJECTS
from functions.services.recipients import Recipients
from migrate_contract.errors import ErrorCode, Fatal

PATH = "/mail/unsubscribe/"
_SEAL = 32
"""Hex characters of the signature: 128 bits."""
_PARTS = 5


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a link is good for."""

    organization: str
    project_id: str
    kind: MailKind
    hashed: str


class Unsubscribes:
    """Makes the links and does what they ask for."""

    def __init__(self, tables: Tables, deployment: Deployment, recipients: Recipients, key: bytes) -> None:
        self._tables = tables
        self._deployment = deployment
        self._recipients = recipients
        self._key = key

    def link(self, organization: str, project_id: str, address: str, kind: MailKind) -> str:
        """Result: the address of the page on which this reader can have no more mail of this kind."""
        content = ".".join((organization, part_of(project_id), kind.value, address_hash(address)))
        return f"{self._deployment.public_url}{PATH}{content}.{self._seal(content)}"

    def show(self, token: str) -> UnsubscribeView:
        """Result: what the link is about; changes nothing. Raises Fatal(mail-link-invalid)."""
        return self._view(self._open(token))

    def mute(self, token: str) -> UnsubscribeView:
        """Result: as asked: no more mail of this kind. Raises Fatal(mail-link-invalid)."""
        wish = self._open(token)
        self._recipients.mute(wish.organization, wish.project_id, wish.hashed, wish.kind)
        return self._view(wish)

    def unmute(self, token: str) -> UnsubscribeView:
        """Result: as asked: mail of this kind again. Raises Fatal(mail-link-invalid)."""
        wish = self._open(token)
        self._recipients.unmute(wish.organization, wish.project_id, wish.hashed, wish.kind)
        return self._view(wish)

    def _seal(self, content: str) -> str:
        return keyed_hash(self._key, content)[:_SEAL]

    def _open(self, token: str) -> _Wish:
        content, _, seal = token.rpartition(".")
        parts = content.split(".")
        if len(parts) != _PARTS - 1 or not same(seal, self._seal(content)):
            raise Fatal(ErrorCode.MAIL_LINK_INVALID)
        organization, part, kind, hashed = parts
        if not is_id("organization", organization) or kind not in set(MailKind) - ASKED_FOR:
            raise Fatal(ErrorCode.MAIL_LINK_INVALID)
        return _Wish(organization, "" if part == OPERATORS_PART else part, MailKind(kind), hashed)

    def _view(self, wish: _Wish) -> UnsubscribeView:
        project = None
        if wish.project_id:
            project = OrganizationTables(self._tables, wish.organization).get(PROJECTS, "", wish.project_id)
        address = self._recipients.address_of(wish.organization, wish.project_id, wish.hashed)
        operators = {address_hash(each): each for each in self._deployment.operator_mail}
        return UnsubscribeView(
            address=_masked(address or operators.get(wish.hashed, "")),
            kind=wish.kind.value,
            project_name=rows.text(project, "name") if project else "",
            organization_name=self._deployment.organization_name,
            unsubscribed=self._recipients.has_muted(wish.organization, wish.project_id, wish.hashed, wish.kind),
        )


def _masked(address: str) -> str:
    """Result: enough for its owner to know it by: mails are forwarded, and with them the link."""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}…{at}{domain}" if at else ""
