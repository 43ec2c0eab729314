"""Drafts of a customer's connection: look at the containers, prove access, save.

A draft is a stored sign-in that no project names. Saving writes its name into the project's row (connections does);
nothing is copied, and a crash in between leaves either the old connection or the new.
"""

from __future__ import annotations

from datetime import timedelta

from functions.domain.connection import Connector, StorageName, container_name
from functions.domain.connection_views import ContainersView, DraftView
from functions.domain.identity_ports import CustomerAccount, CustomerAccounts, SignedIn
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Tables, Tokens
from functions.domain.views import AzureConnectionView, ConnectionKind
from functions.services.connections import Connections, StoredSignIns
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import need_open
from functions.services.token_store import StoredSignIn
from migrate_contract.errors import ErrorCode, Fatal

PROBE_PREFIX = "_onemigrate/access-test-"
_ID_LENGTH = 24


class ConnectionDrafts:
    """What happens between the sign-in and the saved connection."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        tokens: Tokens,
        limits: Limits,
        accounts: CustomerAccounts,
        sign_ins: StoredSignIns,
        connections: Connections,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._limits = limits
        self._accounts = accounts
        self._store = sign_ins.store
        self._redemption = sign_ins.redemption
        self._wait = sign_ins.wait
        self._connections = connections

    def add(self, who: Connector, name: StorageName, tenant_id: str, container: str, signed_in: SignedIn) -> DraftView:
        """Result: the draft of a sign-in that has just succeeded."""
        now = self._clock()
        draft = StoredSignIn(
            organization=who.organization,
            project_id=who.project_id,
            connection_id=self._tokens.identifier(_ID_LENGTH),
            name=name,
            tenant_id=tenant_id,
            container=container,
            person=signed_in.person,
            signed_in_at=now,
            redeemed_at=now,
            draft_ends_at=now + timedelta(seconds=self._limits.draft_seconds),
            refused_since=None,
            sealed="",
        )
        return _view(self._store.add(draft, signed_in.refresh_token))

    def show(self, who: Connector, draft_id: str) -> DraftView:
        """Result: the draft. Raises Fatal(sign-in-expired)."""
        return _view(self._need(who, draft_id))

    def containers(self, who: Connector, draft_id: str) -> ContainersView:
        """Result: the account's containers. A refusal to list them is no refusal: the name can be typed."""
        draft = self._need(who, draft_id)
        try:
            return ContainersView(containers=self._open(draft).containers())
        except Fatal as fatal:
            if fatal.code is not ErrorCode.AZURE_ROLE_MISSING:
                raise
            return ContainersView(listed=False)

    def test(self, who: Connector, draft_id: str, container: str) -> None:
        """Proves access by the very calls that a job needs.

        Raises Fatal: azure-role-missing, azure-role-scope (both Retryable for ten minutes after the first of them, as
        a fresh role needs), azure-firewall, azure-account-disabled, azure-wrong-tenant, azure-container-invalid,
        azure-credentials-expired, sign-in-expired.
        """
        self._prove(self._need(who, draft_id), container_name(container))

    def save(self, who: Connector, draft_id: str, container: str) -> AzureConnectionView:
        """Result: the project's connection, after the test: the sign-in before it is destroyed. Raises as `test`."""
        draft, chosen = self._need(who, draft_id), container_name(container)
        project = OrganizationTables(self._tables, who.organization).get(PROJECTS, "", who.project_id)
        if project is None:
            raise Fatal(ErrorCode.NOT_FOUND, "No such project")
        need_open(project)
        self._prove(draft, chosen)
        connection = AzureConnectionView(
            kind=ConnectionKind.CUSTOMER,
            account=draft.name.account,
            connected_at=self._clock(),
            connected_by=who.label,
            connection_id=draft.connection_id,
            suffix=draft.name.suffix,
            tenant_id=draft.tenant_id,
            container=chosen,
            signed_in_as=draft.person.label,
        )
        self._connections.adopt(project, connection)
        return connection

    def _need(self, who: Connector, draft_id: str) -> StoredSignIn:
        """Result: a draft of this project. Raises Fatal(sign-in-expired)."""
        draft = self._store.get(who.organization, who.project_id, draft_id) if _is_id(draft_id) else None
        if draft is None or self._clock() >= draft.draft_ends_at:
            minutes = self._limits.draft_seconds / 60
            raise Fatal(ErrorCode.SIGN_IN_EXPIRED, f"A sign-in has to be saved within {minutes:g} minutes.")
        return draft

    def _open(self, draft: StoredSignIn) -> CustomerAccount:
        return self._accounts.open(draft.name, lambda: self._redemption.access(draft))

    def _prove(self, draft: StoredSignIn, container: str) -> None:
        probe = PROBE_PREFIX + self._tokens.identifier(12)
        with self._wait.judging(draft, person_waits=True):
            self._open(draft).prove(container, probe)


def _is_id(text: str) -> bool:
    return len(text) == _ID_LENGTH and text.isascii() and text.isalnum()


def _view(draft: StoredSignIn) -> DraftView:
    return DraftView(
        draft_id=draft.connection_id,
        project_id=draft.project_id,
        account=draft.name.account,
        container=draft.container,
        tenant_id=draft.tenant_id,
        person=draft.person.label,
        signed_in_at=draft.signed_in_at,
        expires_at=draft.draft_ends_at,
    )
