"""Sign-ins at Microsoft: state, nonce and verifier are kept here, once, for ten minutes.

One row per sign-in, found by the hash of its state; what Microsoft's answer is checked against is sealed in it. It is
used by If-Match, so that of two answers with one state a single one is heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

import structlog

from functions.domain import rows
from functions.domain.connection import (
    APPROVED_PATH,
    CALLBACK_PATH,
    Connector,
    SignInRefused,
    SignInStart,
    StorageName,
    container_name,
    is_tenant_id,
    storage_name,
)
from functions.domain.connection_views import DraftView
from functions.domain.envelope import Belonging
from functions.domain.identity_ports import CustomerAccounts, IdentityService, SignedIn
from functions.domain.keys import same, secret_hash
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowChanged, RowMissing, Tables, Tokens
from functions.services.connection_drafts import ConnectionDrafts
from functions.services.deployment import Deployment
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import need_open
from functions.services.secrets import Secrets
from migrate_contract.errors import ErrorCode, Fatal, MigrateError

TABLE = "signins"
ROW = "flow"
_PURPOSE = "sign-in"
_log = structlog.get_logger(__name__)


class Failures(Protocol):
    """Who is told of sign-ins that did not succeed."""

    def failed(
        self, organization: str, client_id: str, project_id: str, flow_id: str, code: ErrorCode, *, detail: str = ""
    ) -> None:
        """A sign-in did not succeed; `flow_id` names it and is no secret."""


class SignIns:
    """Begins and finishes sign-ins; what comes of one is a draft of a connection. Writes the table alone."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        tokens: Tokens,
        limits: Limits,
        deployment: Deployment,
        identity: IdentityService,
        accounts: CustomerAccounts,
        secrets: Secrets,
        drafts: ConnectionDrafts,
        failures: Failures | None = None,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._limits = limits
        self._deployment = deployment
        self._identity = identity
        self._accounts = accounts
        self._secrets = secrets
        self._drafts = drafts
        self._failures = failures

    def begin(self, who: Connector, account: str, container: str = "") -> SignInStart:
        """Result: where to send the browser. `account` and `container` as typed.

        Raises Fatal: azure-account-invalid, azure-container-invalid, azure-account-not-found, azure-account-disabled,
        azure-firewall, customer-sign-in-missing, project-closed; Retryable.
        """
        need_open(self._project(who))
        name = storage_name(account, self._deployment.storage_suffixes)
        chosen = container_name(container) if container.strip() else ""
        tenant_id = self._accounts.tenant_of(name)
        begun = self._identity.begin(tenant_id, self._deployment.public_url + CALLBACK_PATH)
        browser = self._tokens.secret()
        now = self._clock()
        expires_at = now + timedelta(seconds=self._limits.sign_in_seconds)
        sealed = self._secrets.seal(Belonging(_PURPOSE, who.organization, who.project_id), begun.flow)
        self._tables.insert(
            TABLE,
            secret_hash(begun.state),
            ROW,
            {
                "organization": who.organization,
                "project_id": who.project_id,
                "by": who.label,
                "account": name.account,
                "suffix": name.suffix,
                "container": chosen,
                "tenant_id": tenant_id,
                "browser_hash": secret_hash(browser),
                "begun_at": now,
                "expires_at": expires_at,
                "used": False,
                **rows.long_text("sealed", sealed),
            },
        )
        return SignInStart(begun.url, browser, tenant_id, name.account, expires_at)

    def finish(self, browser: str, answer: Mapping[str, str]) -> DraftView:
        """Result: the draft. `answer` is the query of the callback, `browser` the secret of the browser's cookie.

        Raises SignInRefused: sign-in-state-lost, sign-in-expired, azure-consent-denied, azure-approval-needed (with
        the tenant), azure-wrong-tenant, sign-in-refused, identity-misconfigured; Retryable.
        """
        flow = self._used(browser, answer.get("state", ""))
        project_id, tenant_id = rows.text(flow, "project_id"), rows.text(flow, "tenant_id")
        try:
            return self._drafts.add(
                _connector(flow), _name(flow), tenant_id, rows.text(flow, "container"), self._signed_in(flow, answer)
            )
        except MigrateError as fault:
            self._failed(flow, fault)
            if isinstance(fault, Fatal):
                raise SignInRefused(fault.code, fault.detail, project_id=project_id, tenant_id=tenant_id) from fault
            raise

    def approval_url(self, tenant_id: str) -> str:
        """Result: where an administrator of that tenant approves the app for everybody there. Raises Fatal."""
        if not is_tenant_id(tenant_id):
            raise Fatal(ErrorCode.NOT_FOUND, "No such tenant")
        return self._identity.approval_url(tenant_id, self._deployment.public_url + APPROVED_PATH)

    def forget_old(self) -> int:
        """Removes sign-ins that nobody can finish any more, a day after their end. Result: how many."""
        old = self._clock() - timedelta(days=1)
        removed = 0
        continuation: str | None = None
        while True:
            page = self._tables.page(TABLE, limit=1000, continuation=continuation)
            for row in page.rows:
                if rows.need_moment(row, "expires_at") < old:
                    self._tables.delete(TABLE, row.pk, row.rk)
                    removed += 1
            continuation = page.continuation
            if continuation is None:
                return removed

    def _project(self, who: Connector) -> Row:
        row = OrganizationTables(self._tables, who.organization).get(PROJECTS, "", who.project_id)
        if row is None:
            raise Fatal(ErrorCode.NOT_FOUND, "No such project")
        return row

    def _used(self, browser: str, state: str) -> Row:
        """Result: the sign-in, which is used from now on. Raises SignInRefused."""
        row = self._tables.get(TABLE, secret_hash(state), ROW) if state else None
        if row is None or not same(secret_hash(browser), rows.text(row, "browser_hash")):
            raise SignInRefused(ErrorCode.SIGN_IN_STATE_LOST, "It was begun in another browser, or long ago.")
        known = {"project_id": rows.text(row, "project_id"), "tenant_id": rows.text(row, "tenant_id")}
        if rows.flag(row, "used"):
            raise SignInRefused(ErrorCode.SIGN_IN_STATE_LOST, "It was answered before.", **known)
        try:
            # Emptied as well: what is used is of no more use to anybody.
            self._tables.merge(TABLE, row.pk, row.rk, {"used": True, **rows.long_text("sealed", "")}, row.etag)
        except (RowChanged, RowMissing) as taken:
            raise SignInRefused(ErrorCode.SIGN_IN_STATE_LOST, "It was answered before.", **known) from taken
        if self._clock() >= rows.need_moment(row, "expires_at"):
            late = SignInRefused(
                ErrorCode.SIGN_IN_EXPIRED, f"It had {self._limits.sign_in_seconds / 60:g} minutes.", **known
            )
            self._failed(row, late)
            raise late
        return row

    def _signed_in(self, flow: Row, answer: Mapping[str, str]) -> SignedIn:
        who = _connector(flow)
        sealed = rows.joined_text(flow, "sealed")
        opened = self._secrets.open(Belonging(_PURPOSE, who.organization, who.project_id), sealed)
        return self._identity.finish(rows.text(flow, "tenant_id"), opened, answer)

    def _failed(self, flow: Row, fault: MigrateError) -> None:
        who = _connector(flow)
        _log.warning("sign_in.failed", organization=who.organization, project_id=who.project_id, code=fault.code.value)
        project = OrganizationTables(self._tables, who.organization).get(PROJECTS, "", who.project_id)
        if self._failures is not None and project is not None:
            client_id = rows.text(project, "client_id")
            self._failures.failed(
                who.organization, client_id, who.project_id, flow.pk[:16], fault.code, detail=fault.detail
            )


def _connector(flow: Row) -> Connector:
    return Connector(rows.text(flow, "organization"), rows.text(flow, "project_id"), rows.text(flow, "by"))


def _name(flow: Row) -> StorageName:
    return StorageName(rows.text(flow, "account"), rows.text(flow, "suffix"))
