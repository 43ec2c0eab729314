"""What a client leaves behind when it is deleted: revoked agents, codes, mailboxes."""

from __future__ import annotations

from functions.domain import rows
from functions.domain.agent import AGENT_ROW
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Row, Tables, Value
from migrate_contract.errors import ErrorCode, Fatal

_PAGE = 200


class ClientPurge:
    """Checks that nothing living is left, and removes the rest."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def check_empty(self, organization: str, client_id: str) -> None:
        """Raises Fatal(client-not-empty) while there is a project or an agent that is not revoked."""
        projects = self._found(organization, "projects", "", {"client_id": client_id})
        if projects:
            names = ", ".join(rows.text(row, "name") for row in projects[:5])
            raise Fatal(ErrorCode.CLIENT_NOT_EMPTY, f"Its projects ({len(projects)}): {names}")
        agents = [row for row in self._agents(organization, client_id) if rows.moment(row, "revoked_at") is None]
        if agents:
            names = ", ".join(rows.text(row, "name") for row in agents[:5])
            raise Fatal(ErrorCode.CLIENT_NOT_EMPTY, f"Its agents that are not revoked ({len(agents)}): {names}")

    def remove(self, organization: str, client_id: str) -> str:
        """Removes agents and codes. Result: the receipt, in words."""
        tables = OrganizationTables(self._tables, organization)
        agents = self._agents(organization, client_id)
        for agent in agents:
            part = agent.pk.removeprefix(f"{organization}|")
            for row in tables.partition("agents", part):
                tables.delete("agents", part, row.rk)
        codes = 0
        continuation: str | None = None
        while True:
            page = tables.page_owned("codes", where={"client_id": client_id}, limit=_PAGE, continuation=continuation)
            for row in page.rows:
                self._tables.delete("codes", row.pk, row.rk)
            codes += len(page.rows)
            continuation = page.continuation
            if continuation is None:
                return f"removed {len(agents)} agents and {codes} registration codes"

    def _agents(self, organization: str, client_id: str) -> list[Row]:
        found = self._found(organization, "agents", None, {"client_id": client_id})
        return [row for row in found if row.rk == AGENT_ROW]

    def _found(self, organization: str, table: str, part: str | None, where: dict[str, Value]) -> list[Row]:
        tables = OrganizationTables(self._tables, organization)
        found: list[Row] = []
        continuation: str | None = None
        while True:
            page = tables.page(table, part, where=where, limit=_PAGE, continuation=continuation)
            found.extend(page.rows)
            continuation = page.continuation
            if continuation is None:
                return found
