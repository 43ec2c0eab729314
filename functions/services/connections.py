"""Connections: how a project reaches Azure Storage, and opening the account behind one.

Writes the column `connection` of a project, and nobody else does.
"""

from __future__ import annotations

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, DataAccount, DataAccounts, Row, RowMissing, Tables
from functions.domain.views import AzureConnectionBody, AzureConnectionView, ConnectionKind, ProjectView
from functions.services.audit import Audit
from functions.services.projects import TABLE, Projects, connection_view, need_project
from migrate_contract.errors import ErrorCode, Fatal


class Connections:
    """Connects, disconnects, opens."""

    def __init__(
        self, tables: Tables, clock: Clock, data_accounts: DataAccounts, audit: Audit, projects: Projects
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._data_accounts = data_accounts
        self._audit = audit
        self._projects = projects

    def connect(self, caller: OperatorCaller, project_id: str, body: AzureConnectionBody) -> ProjectView:
        """Result: the project, connected. Raises Fatal(deployment-storage-missing)."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        connection = AzureConnectionView(
            kind=body.kind,
            account=self._account(body.kind).account,
            connected_at=self._clock(),
            connected_by=caller.label,
        )
        self._write(caller, project, connection.model_dump_json(), "connection.connect", connection.account)
        return self._projects.show(caller, project_id)

    def disconnect(self, caller: OperatorCaller, project_id: str) -> ProjectView:
        """Result: the project without a connection: no grant is given or renewed any more."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        if connection_view(project) is not None:
            self._write(caller, project, "", "connection.disconnect", "")
        return self._projects.show(caller, project_id)

    def open(self, project: Row) -> DataAccount:
        """Result: the account behind the project's connection.

        Raises Fatal(NO_AZURE_CONNECTION), Fatal(deployment-storage-missing).
        """
        connection = connection_view(project)
        if connection is None:
            raise Fatal(
                ErrorCode.NO_AZURE_CONNECTION,
                f"Project {rows.text(project, 'name')} has no Azure connection.",
            )
        return self._account(connection.kind)

    def _account(self, kind: ConnectionKind) -> DataAccount:
        """Result: the account of this kind of connection."""
        match kind:
            case ConnectionKind.DEPLOYMENT:
                account = self._data_accounts.deployment()
                if account is None:
                    raise Fatal(
                        ErrorCode.DEPLOYMENT_STORAGE_MISSING,
                        "Neither ONEMIGRATE_DATA_STORAGE nor ONEMIGRATE_DATA_STORAGE__blobServiceUri is set.",
                    )
                return account
            case ConnectionKind.CUSTOMER:
                raise Fatal(ErrorCode.NO_AZURE_CONNECTION, "Customers' accounts are not supported yet.")

    def _write(self, caller: OperatorCaller, project: Row, connection: str, action: str, detail: str) -> None:
        tables = OrganizationTables(self._tables, caller.organization)
        try:
            tables.merge(TABLE, "", project.rk, {"connection": connection}, None)
        except RowMissing as missing:
            raise Fatal(ErrorCode.NOT_FOUND, "No such project") from missing
        self._audit.record(
            caller.organization,
            caller.label,
            action,
            project.rk,
            client_id=rows.text(project, "client_id"),
            detail=detail,
        )
