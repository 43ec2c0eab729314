"""Webhooks: where an organization wants its events posted to, and the secrets that sign what is posted.

A webhook is of one project (operators), or of the whole organization (administrators who see all clients). The secret
is shown when it is made or renewed, and kept nowhere: the row holds a random salt, from which and from the deployment's
own key the secret comes out again.
"""

from __future__ import annotations

from collections.abc import Sequence

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.event import EventKind
from functions.domain.event_views import WebhookCreate, WebhookPatch, WebhookSecretView, WebhookView
from functions.domain.ids import need_id, new_webhook_id
from functions.domain.keys import Continuations, derive
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Condition, Row, RowMissing, Tables, Tokens, Value
from functions.domain.views import ListQuery, Page
from functions.domain.webhook import Webhook, secret_text
from functions.services.audit import Audit
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import need_project
from migrate_contract.errors import ErrorCode, Fatal

TABLE = "webhooks"


class Webhooks:
    """The only writer of the table."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        tokens: Tokens,
        limits: Limits,
        audit: Audit,
        continuations: Continuations,
        secret_key: bytes,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._limits = limits
        self._audit = audit
        self._continuations = continuations
        self._secret_key = secret_key

    def list(self, caller: OperatorCaller, query: ListQuery, project_id: str | None = None) -> Page[WebhookView]:
        """Result: the webhooks that this member may see, of one project if given. Raises Fatal(not-found)."""
        where: dict[str, Condition] = {}
        if project_id is not None:
            need_project(self._tables, caller, project_id)
            where["project_id"] = project_id
        elif caller.client_ids:
            where["client_id"] = tuple(sorted(caller.client_ids))
        scope = f"webhooks|{caller.organization}|{caller.object_id}|{project_id}"
        page = OrganizationTables(self._tables, caller.organization).page(
            TABLE, "", where=where, limit=query.limit, continuation=self._continuations.open(query.continuation, scope)
        )
        found = [_webhook_of(row) for row in page.rows]
        names = self._project_names(caller.organization, found)
        return Page(
            items=[_view(webhook, names) for webhook in found],
            continuation=self._continuations.seal(page.continuation, scope),
        )

    def show(self, caller: OperatorCaller, webhook_id: str) -> WebhookView:
        """Result: the webhook. Raises Fatal(not-found)."""
        webhook = self.need(caller, webhook_id)
        return _view(webhook, self._project_names(caller.organization, [webhook]))

    def create(self, caller: OperatorCaller, body: WebhookCreate) -> WebhookSecretView:
        """Result: the webhook with its secret, shown this once.

        Raises Fatal(not-found), Fatal(role-insufficient), Fatal(webhook-limit-reached).
        """
        client_id = ""
        if body.project_id is not None:
            caller.need(Role.OPERATOR)
            client_id = rows.text(need_project(self._tables, caller, body.project_id), "client_id")
        else:
            _need_whole_organization(caller)
        project_id = body.project_id or ""
        present = sum(webhook.project_id == project_id for webhook in self.every(caller.organization))
        if present >= self._limits.webhooks_most:
            raise Fatal(ErrorCode.WEBHOOK_LIMIT_REACHED, f"At most {self._limits.webhooks_most}; there are {present}.")
        webhook_id, now = new_webhook_id(self._tokens), self._clock()
        OrganizationTables(self._tables, caller.organization).insert(
            TABLE,
            "",
            webhook_id,
            {
                "organization": caller.organization,
                "client_id": client_id,
                "project_id": project_id,
                "url": body.url,
                "kinds": _joined(body.events),
                "enabled": True,
                "created_at": now,
                "created_by": caller.label,
                "salt": self._tokens.secret(),
                "secret_at": now,
            },
        )
        return self._with_secret(caller, webhook_id, "webhook.create")

    def change(self, caller: OperatorCaller, webhook_id: str, body: WebhookPatch) -> WebhookView:
        """Result: the webhook as changed. Raises Fatal(not-found), Fatal(role-insufficient)."""
        webhook = self.need_changeable(caller, webhook_id)
        columns: dict[str, Value] = {
            "url": body.url,
            "kinds": _joined(body.events) if body.events is not None else None,
            "enabled": body.enabled,
        }
        columns = {name: value for name, value in columns.items() if value is not None}
        if columns:
            self._merge(webhook, columns)
            self._record(caller, webhook, "webhook.change", ", ".join(sorted(columns)))
        return self.show(caller, webhook_id)

    def renew_secret(self, caller: OperatorCaller, webhook_id: str) -> WebhookSecretView:
        """Result: the webhook with its new secret; the old one signs nothing any more.

        Raises Fatal(not-found), Fatal(role-insufficient).
        """
        webhook = self.need_changeable(caller, webhook_id)
        self._merge(webhook, {"salt": self._tokens.secret(), "secret_at": self._clock()})
        return self._with_secret(caller, webhook_id, "webhook.renew-secret")

    def delete(self, caller: OperatorCaller, webhook_id: str) -> None:
        """Removes the webhook; what waits for it is not sent. Raises Fatal(not-found), Fatal(role-insufficient)."""
        webhook = self.need_changeable(caller, webhook_id)
        OrganizationTables(self._tables, caller.organization).delete(TABLE, "", webhook_id)
        self._record(caller, webhook, "webhook.delete", webhook.url)

    def need(self, caller: OperatorCaller, webhook_id: str) -> Webhook:
        """Result: the webhook. Raises Fatal(not-found), also for one that this member may not see."""
        webhook = self.find(caller.organization, need_id("webhook", webhook_id))
        if webhook is None or not _may_see(caller, webhook):
            raise Fatal(ErrorCode.NOT_FOUND, "No such webhook, or not yours")
        return webhook

    def find(self, organization: str, webhook_id: str) -> Webhook | None:
        """Result: the webhook, or None."""
        row = OrganizationTables(self._tables, organization).get(TABLE, "", webhook_id)
        return _webhook_of(row) if row else None

    def every(self, organization: str) -> Sequence[Webhook]:
        """Result: all webhooks of the organization; one query."""
        found = OrganizationTables(self._tables, organization).partition(TABLE, "")
        return sorted(map(_webhook_of, found), key=lambda webhook: (webhook.created_at, webhook.webhook_id))

    def key(self, organization: str, webhook_id: str) -> bytes | None:
        """Result: what signs the webhook's requests; None where it was deleted."""
        row = OrganizationTables(self._tables, organization).get(TABLE, "", webhook_id)
        if row is None:
            return None
        return derive(self._secret_key, f"{organization}|{webhook_id}|{rows.text(row, 'salt')}")

    def need_changeable(self, caller: OperatorCaller, webhook_id: str) -> Webhook:
        """Result: the webhook, which this member may change and try. Raises Fatal(not-found, role-insufficient)."""
        webhook = self.need(caller, webhook_id)
        if webhook.project_id:
            caller.need(Role.OPERATOR)
        else:
            _need_whole_organization(caller)
        return webhook

    def _with_secret(self, caller: OperatorCaller, webhook_id: str, action: str) -> WebhookSecretView:
        webhook, key = self.need(caller, webhook_id), self.key(caller.organization, webhook_id)
        if key is None:
            raise Fatal(ErrorCode.NOT_FOUND, "The webhook was deleted just now.")
        self._record(caller, webhook, action, webhook.url)
        view = _view(webhook, self._project_names(caller.organization, [webhook]))
        return WebhookSecretView(**view.model_dump(), secret=secret_text(key))

    def _merge(self, webhook: Webhook, columns: dict[str, Value]) -> None:
        try:
            OrganizationTables(self._tables, webhook.organization).merge(TABLE, "", webhook.webhook_id, columns, None)
        except RowMissing as missing:
            raise Fatal(ErrorCode.NOT_FOUND, "The webhook was deleted just now.") from missing

    def _record(self, caller: OperatorCaller, webhook: Webhook, action: str, detail: str) -> None:
        self._audit.record(
            caller.organization,
            caller.label,
            action,
            webhook.webhook_id,
            client_id=webhook.client_id,
            detail=detail,
        )

    def _project_names(self, organization: str, webhooks: Sequence[Webhook]) -> dict[str, str]:
        tables = OrganizationTables(self._tables, organization)
        wanted = {webhook.project_id for webhook in webhooks if webhook.project_id}
        found = {project_id: tables.get(PROJECTS, "", project_id) for project_id in sorted(wanted)}
        return {project_id: rows.text(row, "name") for project_id, row in found.items() if row is not None}


def _need_whole_organization(caller: OperatorCaller) -> None:
    """Raises Fatal(role-insufficient) unless this member may see and change what is of all clients."""
    caller.need(Role.ADMIN)
    if caller.client_ids:
        raise Fatal(ErrorCode.ROLE_INSUFFICIENT, "This needs an administrator who sees all clients.")


def _may_see(caller: OperatorCaller, webhook: Webhook) -> bool:
    return caller.may_see(webhook.client_id) if webhook.project_id else not caller.client_ids


def _joined(kinds: Sequence[EventKind]) -> str:
    return ",".join(kind.value for kind in kinds)


def _webhook_of(row: Row) -> Webhook:
    return Webhook(
        organization=rows.text(row, "organization"),
        webhook_id=row.rk,
        client_id=rows.text(row, "client_id"),
        project_id=rows.text(row, "project_id"),
        url=rows.text(row, "url"),
        kinds=frozenset(EventKind(kind) for kind in rows.text(row, "kinds").split(",") if kind),
        enabled=rows.flag(row, "enabled"),
        created_at=rows.need_moment(row, "created_at"),
        created_by=rows.text(row, "created_by"),
        secret_at=rows.need_moment(row, "secret_at"),
    )


def _view(webhook: Webhook, project_names: dict[str, str]) -> WebhookView:
    return WebhookView(
        webhook_id=webhook.webhook_id,
        url=webhook.url,
        project_id=webhook.project_id or None,
        project_name=project_names.get(webhook.project_id),
        client_id=webhook.client_id or None,
        events=[kind for kind in EventKind if kind in webhook.kinds],
        enabled=webhook.enabled,
        created_at=webhook.created_at,
        created_by=webhook.created_by,
        secret_at=webhook.secret_at,
    )
