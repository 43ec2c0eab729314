"""Which fund in Mission each RockRMS account of a project becomes: one row, for all later attempts of its imports."""

from __future__ import annotations

from pydantic import TypeAdapter

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Tables
from functions.domain.rockrms_views import FundsBody
from functions.services.audit import Audit
from functions.services.projects import need_project
from functions.services.rock_checks import TABLE
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import FundChoice

_ROW = "funds"
_CHOICES = TypeAdapter(list[FundChoice])


class FundMap:
    """The only writer of the row `funds`."""

    def __init__(self, tables: Tables, clock: Clock, audit: Audit) -> None:
        self._tables = tables
        self._clock = clock
        self._audit = audit

    def of(self, organization: str, project_id: str) -> list[FundChoice]:
        """Result: the choices; none where nobody has chosen."""
        row = OrganizationTables(self._tables, organization).get(TABLE, project_id, _ROW)
        return _CHOICES.validate_json(rows.joined_text(row, "choices") or "[]") if row else []

    def choose(self, caller: OperatorCaller, project_id: str, body: FundsBody) -> list[FundChoice]:
        """Result: the choices as they are now. Raises Fatal(request-invalid) where an account is named twice."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        if len({choice.account_guid for choice in body.funds}) != len(body.funds):
            raise Fatal(ErrorCode.REQUEST_INVALID, "funds: an account is named twice.")
        OrganizationTables(self._tables, caller.organization).upsert(
            TABLE,
            project_id,
            _ROW,
            {
                **rows.long_text("choices", _CHOICES.dump_json(body.funds).decode()),
                "chosen_at": self._clock(),
                "chosen_by": caller.label,
            },
        )
        self._audit.record(
            caller.organization,
            caller.label,
            "project.choose-funds",
            project_id,
            client_id=rows.text(project, "client_id"),
            detail=f"{len(body.funds)} accounts",
        )
        return self.of(caller.organization, project_id)
