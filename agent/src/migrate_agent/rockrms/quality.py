"""What a person should look at among the church's people, before anything is sent: part of the dry run's page.

What there is to look at among gifts, funds, statuses and types comes from the reconciliation's own reading of the lines
(reconcile/rock_findings.py); this is the rest: shared emails, phones that cannot be right, people whom no alias names.
Addresses and numbers themselves are not in a finding, only whose they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from migrate_agent.rockrms.records import RockFacts, Row
from migrate_agent.rockrms.source.scope import Scope
from migrate_agent.rockrms.source.statements import compiled
from migrate_contract.errors import ErrorCode
from migrate_contract.rockrms import Entity, ImportSettings, QualityFinding

Ask = Callable[[str, Sequence[object]], Sequence[Row]]
"""Asks the SQL Server: statement and its values."""

EXAMPLES = 20
_ADDRESS = "LTRIM(RTRIM(p.Email))"
_NUMBER = "LTRIM(RTRIM(n.Number))"


class Question(NamedTuple):
    """One thing to look for: how many, and the first ones (id, and in words what about them)."""

    code: ErrorCode
    label: str
    count: str
    examples: str


def questions(facts: RockFacts, scope: Scope) -> list[Question]:
    """Result: the questions, with named values of the scope."""
    moved = (
        f"{scope.person_in_scope('p')} AND {scope.somebody('p')}"
        f" AND (p.RecordTypeValueId IS NULL OR NOT ({scope.dropped('p')}))"
    )
    return [
        _shared_emails(moved),
        Question(
            ErrorCode.PHONE_MALFORMED,
            "Phone numbers that are not 7 to 15 digits; they are sent as they are",
            *_counted("PhoneNumber n JOIN Person p ON p.Id = n.PersonId", f"{moved} AND {_malformed()}", "n.Id"),
        ),
        Question(
            ErrorCode.NO_PERSON_ALIAS,
            "People whom no alias names: no gift or attendance can be theirs",
            *_counted("Person p", f"{moved} AND NOT EXISTS (SELECT 1 FROM PersonAlias a WHERE a.PersonId = p.Id)"),
        ),
        Question(
            ErrorCode.PERSON_UNNAMED,
            "People without first and last name; they are sent as Unknown",
            *_counted(
                "Person p",
                f"{moved} AND LTRIM(RTRIM(COALESCE(p.FirstName, ''))) = '' AND LTRIM(RTRIM(COALESCE(p.LastName, ''))) = ''",
            ),
        ),
        Question(
            ErrorCode.RECORD_TYPE_MISSING,
            "People without a record type; they are sent as people",
            *_counted("Person p", f"{moved} AND p.RecordTypeValueId IS NULL"),
        ),
    ]


def _counted(source: str, condition: str, order: str = "p.Id") -> tuple[str, str]:
    return (
        f"SELECT COUNT(*) FROM {source} WHERE {condition}",
        f"SELECT TOP ({EXAMPLES}) p.Id, NULL FROM {source} WHERE {condition} ORDER BY {order}",
    )


def _shared_emails(moved: str) -> Question:
    shared = (
        f"SELECT {_ADDRESS} AS Address, COUNT(*) AS People, MIN(p.Id) AS First FROM Person p"
        f" WHERE {moved} AND p.Email IS NOT NULL AND {_ADDRESS} <> '' GROUP BY {_ADDRESS} HAVING COUNT(*) > 1"
    )
    return Question(
        ErrorCode.EMAIL_SHARED,
        "Email addresses that several people have",
        f"SELECT COUNT(*) FROM ({shared}) s",
        f"SELECT TOP ({EXAMPLES}) s.First, s.People FROM ({shared}) s ORDER BY s.People DESC, s.First",
    )


def _malformed() -> str:
    return f"({_NUMBER} LIKE '%[^0-9]%' OR LEN({_NUMBER}) < 7 OR LEN({_NUMBER}) > 15)"


def people_findings(ask: Ask, facts: RockFacts, settings: ImportSettings) -> list[QualityFinding]:
    """Result: what was found, in the order of `questions`; nothing for what was not. Raises what `ask` raises."""
    scope = Scope(facts, settings)
    found = []
    for question in questions(facts, scope):
        count = int(ask(*compiled(question.count, scope.values))[0][0])
        if count:
            rows = ask(*compiled(question.examples, scope.values))
            examples = [
                facts.external_id("Person", row[0]) + ("" if row[1] is None else f": {row[1]} people") for row in rows
            ]
            found.append(
                QualityFinding(
                    code=question.code.value, label=question.label, entity=Entity.PEOPLE, count=count, examples=examples
                )
            )
    return found
