"""Connections: how a project reaches Azure Storage, and opening the account behind one.

Writes the column `connection` of a project, and nobody else does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.connection import StorageName
from functions.domain.connection_views import ConnectionStatusView
from functions.domain.identity_ports import CustomerAccounts
from functions.domain.job_rows import GRANT_PREFIX
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, DataAccount, DataAccounts, Row, RowMissing, Tables
from functions.domain.views import AzureConnectionBody, AzureConnectionView, ConnectionKind, ProjectView
from functions.services.audit import Audit
from functions.services.job_store import TABLE as JOBS
from functions.services.projects import TABLE, Projects, connection_view, need_project
from functions.services.redemption import Redemption
from functions.services.role_wait import RoleWait, WaitingAccount
from functions.services.token_store import TokenStore
from migrate_contract.errors import ErrorCode, Fatal


@dataclass(frozen=True, slots=True)
class Accounts:
    """Both kinds of storage accounts."""

    data: DataAccounts
    customers: CustomerAccounts


@dataclass(frozen=True, slots=True)
class StoredSignIns:
    """What customers' sign-ins are used and judged by."""

    store: TokenStore
    redemption: Redemption
    wait: RoleWait


class Connections:
    """Connects, disconnects, opens, tells how it stands."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        limits: Limits,
        accounts: Accounts,
        audit: Audit,
        projects: Projects,
        sign_ins: StoredSignIns,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._accounts = accounts
        self._audit = audit
        self._projects = projects
        self._sign_ins = sign_ins

    def connect(self, caller: OperatorCaller, project_id: str, body: AzureConnectionBody) -> ProjectView:
        """Result: the project, connected to the deployment's account. Raises Fatal(deployment-storage-missing)."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        connection = AzureConnectionView(
            kind=body.kind,
            account=self._deployment().account,
            connected_at=self._clock(),
            connected_by=caller.label,
        )
        self.adopt(project, connection)
        return self._projects.show(caller, project_id)

    def adopt(self, project: Row, connection: AzureConnectionView) -> None:
        """The project is reached like this from now on; every other sign-in of it is destroyed."""
        self._write(project, connection.model_dump_json())
        self._sign_ins.store.destroy_all(project.pk, project.rk, but=connection.connection_id)
        by = f", signed in: {connection.signed_in_as}" if connection.signed_in_as else ""
        self._record(project, connection.connected_by, "connection.connect", connection.account + by)

    def disconnect(self, caller: OperatorCaller, project_id: str) -> ProjectView:
        """Result: the project without a connection: no grant is given or renewed any more, its sign-in is destroyed."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        if connection_view(project) is not None:
            self._write(project, "")
            self._record(project, caller.label, "connection.disconnect", "")
        self._sign_ins.store.destroy_all(caller.organization, project_id)
        return self._projects.show(caller, project_id)

    def open(self, project: Row) -> DataAccount:
        """Result: the account behind the project's connection. Nothing is asked of Azure before it is used.

        Raises Fatal(NO_AZURE_CONNECTION), Fatal(deployment-storage-missing).
        """
        connection = connection_view(project)
        if connection is None:
            raise Fatal(
                ErrorCode.NO_AZURE_CONNECTION,
                f"Project {rows.text(project, 'name')} has no Azure connection.",
            )
        match connection.kind:
            case ConnectionKind.DEPLOYMENT:
                return self._deployment()
            case ConnectionKind.CUSTOMER:
                redemption = self._sign_ins.redemption
                account = self._accounts.customers.open(
                    StorageName(connection.account, connection.suffix), lambda: redemption.token(project)
                )
                return WaitingAccount(account, self._sign_ins.wait, lambda: redemption.need(project))

    def status(self, caller: OperatorCaller, project_id: str) -> ConnectionStatusView:
        """Result: how the customer's connection stands. Raises Fatal(NO_AZURE_CONNECTION), Fatal(not-found)."""
        status = self.standing(need_project(self._tables, caller, project_id))
        if status is None:
            raise Fatal(ErrorCode.NO_AZURE_CONNECTION, "The project is not connected to a customer's account.")
        return status

    def standing(self, project: Row) -> ConnectionStatusView | None:
        """Result: how the customer's connection of a project stands; None where it has none."""
        connection, stored = connection_view(project), self._sign_ins.redemption.stored(project)
        if connection is None or stored is None:
            return None
        return ConnectionStatusView(
            account=connection.account,
            container=connection.container,
            tenant_id=connection.tenant_id,
            signed_in_as=connection.signed_in_as,
            signed_in_at=stored.signed_in_at,
            redeemed_at=stored.redeemed_at,
            expires_at=stored.redeemed_at + timedelta(days=self._limits.token_life_days),
            last_grant_ends_at=self.last_grant_ends_at(project),
        )

    def last_grant_ends_at(self, project: Row) -> datetime | None:
        """Result: until when access that was handed to agents may live; None where it has ended. It is not recalled."""
        grants = OrganizationTables(self._tables, project.pk).partition(JOBS, project.rk, prefix=GRANT_PREFIX)
        ends = [rows.need_moment(grant, "expires_at") for grant in grants]
        return max((end for end in ends if end > self._clock()), default=None)

    def _deployment(self) -> DataAccount:
        account = self._accounts.data.deployment()
        if account is None:
            raise Fatal(
                ErrorCode.DEPLOYMENT_STORAGE_MISSING,
                "Neither ONEMIGRATE_DATA_STORAGE nor ONEMIGRATE_DATA_STORAGE__blobServiceUri is set.",
            )
        return account

    def _write(self, project: Row, connection: str) -> None:
        try:
            OrganizationTables(self._tables, project.pk).merge(TABLE, "", project.rk, {"connection": connection}, None)
        except RowMissing as missing:
            raise Fatal(ErrorCode.NOT_FOUND, "No such project") from missing

    def _record(self, project: Row, who: str, action: str, detail: str) -> None:
        self._audit.record(
            project.pk, who, action, project.rk, client_id=rows.text(project, "client_id"), detail=detail
        )
