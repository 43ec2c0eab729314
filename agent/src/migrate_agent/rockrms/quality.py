"""What a person should look at among the church's people and no single record shows: emails that several have.

The rest of the dry run's page of data quality comes from the flags of the records themselves (malformed phones, people
without alias or name, invalid emails) and from the reconciliation's own reading of the gifts (reconcile/rock_findings).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from migrate_agent.rockrms.records import RockFacts, Row
from migrate_agent.rockrms.source.scope import Scope
from migrate_agent.rockrms.source.statements import compiled
from migrate_contract.errors import ErrorCode
from migrate_contract.rockrms import Entity, ImportSettings, QualityFinding

Ask = Callable[[str, Sequence[object]], Sequence[Row]]
"""Asks the SQL Server: statement and its values."""

EXAMPLES = 20
_ADDRESS = "LTRIM(RTRIM(p.Email))"


def shared_email_statements(scope: Scope) -> tuple[str, str]:
    """Result: how many addresses several people in scope have; the first of them with one of the people and how many.

    Addresses are compared as the database compares texts: usually without regard to case.
    """
    shared = (
        f"SELECT {_ADDRESS} AS Address, COUNT(*) AS People, MIN(p.Id) AS FirstId FROM Person p"
        f" WHERE {scope.person_in_scope('p')} AND {scope.somebody('p')}"
        f" AND (p.RecordTypeValueId IS NULL OR NOT ({scope.dropped('p')}))"
        f" AND p.Email IS NOT NULL AND {_ADDRESS} <> '' GROUP BY {_ADDRESS} HAVING COUNT(*) > 1"
    )
    return (
        f"SELECT COUNT(*) FROM ({shared}) s",
        f"SELECT TOP ({EXAMPLES}) s.FirstId, s.People FROM ({shared}) s ORDER BY s.People DESC, s.FirstId",
    )


def people_findings(ask: Ask, facts: RockFacts, settings: ImportSettings) -> list[QualityFinding]:
    """Result: what was found, without the addresses themselves. Raises what `ask` raises."""
    scope = Scope(facts, settings)
    how_many, first = (compiled(sql, scope.values) for sql in shared_email_statements(scope))
    count = int(ask(*how_many)[0][0])
    if not count:
        return []
    return [
        QualityFinding(
            code=ErrorCode.EMAIL_SHARED.value,
            label="Email addresses that several people have",
            entity=Entity.PEOPLE,
            count=count,
            examples=[f"{facts.external_id('Person', id_)}: {people} people" for id_, people in ask(*first)],
        )
    ]
