"""What a connection test asks a RockRMS database once it is signed in: may it read, is it Rock, what is in it.

Every column of a question is nvarchar, since the client of the test reads nothing else. What must be known is asked
first; rows are counted last, and left out (with a warning) where time runs short.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from migrate_agent.rockrms import guids
from migrate_agent.rockrms.connection_string import RockConnection
from migrate_agent.rockrms.deadline import Deadline
from migrate_agent.rockrms.source.facts import TABLES
from migrate_agent.rockrms.tds_client import ServerError, TdsClient
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import CampusFact, Entity, EntityCount, RockShown, RockTestReport, TypeFact

OPTIONAL_TABLES = frozenset({"Attribute", "AttendanceOccurrence"})
"""Older versions lack them."""
_NO_SUCH_TABLE = 208
_NOT_ALLOWED = 229
_COLUMN_NOT_ALLOWED = 230
_ROCK_VERSION = re.compile(r"\bRock,\s*Version=(\d+(?:\.\d+)*)")
_LABEL_CHARACTERS = 256
_NAMED_AT_MOST = 8
_DETAIL_CHARACTERS = 1_500
_FAMILY = f"SELECT t.Id FROM GroupType t WHERE t.Guid = '{guids.FAMILY}'"  # noqa: S608 - constants
_COUNTS: dict[Entity, str] = {
    Entity.PEOPLE: "[Person] x",
    Entity.FAMILIES: f"[Group] x WHERE x.GroupTypeId IN ({_FAMILY})",
    Entity.GROUPS: f"[Group] x WHERE x.GroupTypeId NOT IN ({_FAMILY})",
    Entity.CONTRIBUTIONS: "[FinancialTransactionDetail] x",
    Entity.ATTENDANCE: "[Attendance] x",
    Entity.PRAYER_REQUESTS: "[PrayerRequest] x",
}

Rows = list[list[str | None]]


@dataclass(slots=True)
class Findings:
    """A `RockTestReport` in the making; the names are its fields."""

    shown: RockShown
    sql_version: str = ""
    rock_version: str = ""
    install: str = ""
    encrypted: bool | None = None
    unreadable_tables: list[str] = field(default_factory=list)
    entities: list[EntityCount] = field(default_factory=list)
    campuses: list[CampusFact] = field(default_factory=list)
    transaction_types: list[TypeFact] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def report(self, seconds: float, error: Fatal | None) -> RockTestReport:
        """Result: what is sent to the control plane."""
        facts: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        if error is not None:
            facts.update(code=error.code.value, detail=error.detail[:_DETAIL_CHARACTERS], fix=error.fix)
        return RockTestReport(seconds=round(seconds, 3), **facts)


def look(client: TdsClient, wanted: RockConnection, deadline: Deadline, found: Findings) -> None:
    """Fill `found` with what is found.

    Raises Fatal(sql-no-read-permission, not-a-rockrms-database), and what the client raises.
    """
    _check_tables(client, wanted, found)
    version = _first(client.ask("SELECT CAST(@@VERSION AS nvarchar(300))")) or client.version
    found.sql_version = _label(version.splitlines()[0])
    found.install = _install(client)
    found.rock_version = _rock_version(client)
    found.campuses = _campuses(client)
    found.warnings = _warnings(found)
    try:
        found.transaction_types = _transaction_types(client)
        for entity, source in _COUNTS.items():
            rows = _first(client.ask(f"SELECT CAST(COUNT_BIG(*) AS nvarchar(20)) FROM {source}"))  # noqa: S608 - constants
            found.entities.append(EntityCount(entity=entity, rows=int(rows or 0)))
            deadline.require()
    except TimeoutError:
        found.warnings.append("The server answers slowly: not all rows were counted. The import takes its time, too.")


def _check_tables(client: TdsClient, wanted: RockConnection, found: Findings) -> None:
    """Permissions, and that it is Rock at all.

    A login sees no name of a table that it may not read: asking for the table itself tells "may not" from "is not".
    """
    asked = " UNION ALL ".join(
        f"SELECT CAST(N'{table}' AS nvarchar(128)), "
        f"CAST(HAS_PERMS_BY_NAME(N'[dbo].[{table}]', 'OBJECT', 'SELECT') AS nvarchar(10))"
        for table in TABLES
    )
    readable = {row[0] for row in client.ask(asked) if row[1] == "1"}
    denied, missing = [], []
    for table in TABLES:
        if table not in readable:
            numbers = _try_to_read(client, table)
            if numbers & {_NOT_ALLOWED, _COLUMN_NOT_ALLOWED}:
                denied.append(table)
            elif _NO_SUCH_TABLE in numbers and table not in OPTIONAL_TABLES:
                missing.append(table)
    if denied:
        found.unreadable_tables = denied
        raise Fatal(
            ErrorCode.SQL_NO_READ_PERMISSION,
            f"{wanted.user!r} may not read {_named(denied)} of the database {wanted.database!r}",
        )
    if missing:
        raise Fatal(
            ErrorCode.NOT_A_ROCKRMS_DATABASE, f"the database {wanted.database!r} has no table {_named(missing)}"
        )


def _try_to_read(client: TdsClient, table: str) -> frozenset[int]:
    try:
        client.ask(f"SELECT TOP (1) CAST(x.Id AS nvarchar(20)) FROM [dbo].[{table}] x")  # noqa: S608 - a constant
    except ServerError as error:
        return error.numbers
    return frozenset()


def _install(client: TdsClient) -> str:
    """The rule of external ids: Rock's own instance id, else the guid of its first alias."""
    guid = None
    if _exists(client, "Attribute"):
        guid = _first(
            client.ask(
                "SELECT TOP (1) CAST(a.Guid AS nvarchar(36)) FROM Attribute a WHERE a.EntityTypeQualifierColumn = "
                "'SystemSetting' AND a.[Key] = 'RockInstanceId' ORDER BY a.Id"
            )
        )
    guid = guid or _first(client.ask("SELECT TOP (1) CAST(a.Guid AS nvarchar(36)) FROM PersonAlias a ORDER BY a.Id"))
    if guid is None:
        raise Fatal(ErrorCode.NOT_A_ROCKRMS_DATABASE, "there is nobody in it: its table PersonAlias is empty")
    return guid.lower()


def _exists(client: TdsClient, table: str) -> bool:
    return not _try_to_read(client, table)


def _rock_version(client: TdsClient) -> str:
    rows = client.ask(
        "SELECT CAST(e.AssemblyName AS nvarchar(260)) FROM EntityType e WHERE e.Name = 'Rock.Model.Person'"
    )
    found = _ROCK_VERSION.search(_first(rows) or "")
    return found[1] if found else ""


def _campuses(client: TdsClient) -> list[CampusFact]:
    columns = "CAST(c.Id AS nvarchar(20)), CAST(c.Name AS nvarchar(100)), CAST(CAST(c.IsActive AS int) AS nvarchar(10))"
    try:
        rows = client.ask(f"SELECT TOP (500) {columns}, c.TimeZoneId FROM Campus c ORDER BY c.Id")  # noqa: S608 - constants
    except ServerError:
        # Older versions lack a campus' zone.
        rows = client.ask(f"SELECT TOP (500) {columns}, NULLIF(N'', N'') FROM Campus c ORDER BY c.Id")  # noqa: S608
    return [
        CampusFact(
            campus_id=int(row[0] or 0),
            name=_label(row[1]),
            is_active=None if row[2] is None else row[2] == "1",
            time_zone=_label(row[3]) or None,
        )
        for row in rows
    ]


def _transaction_types(client: TdsClient) -> list[TypeFact]:
    rows = client.ask(
        "SELECT TOP (50) CAST(v.Guid AS nvarchar(36)), CAST(v.Value AS nvarchar(200)), "  # noqa: S608 - a constant
        "CAST((SELECT COUNT_BIG(*) FROM FinancialTransaction t WHERE t.TransactionTypeValueId = v.Id) AS nvarchar(20)) "
        "FROM DefinedValue v JOIN DefinedType d ON d.Id = v.DefinedTypeId "
        f"WHERE d.Guid = '{guids.TRANSACTION_TYPES}' ORDER BY v.Id"
    )
    return [TypeFact(guid=(row[0] or "").lower(), name=_label(row[1]), lines=int(row[2] or 0)) for row in rows]


def _warnings(found: Findings) -> list[str]:
    warnings = [
        "RockRMS keeps its times in the organization's zone and does not store which: the import asks for it "
        "(OrgTimeZone in Rock's web.config)."
    ]
    if not found.encrypted:
        warnings.append("The connection is not encrypted after the login: use Encrypt=true if others use the network.")
    if not found.rock_version:
        warnings.append("RockRMS's version was not found; the import looks at the tables themselves.")
    return warnings


def _first(rows: Rows) -> str | None:
    return rows[0][0] if rows else None


def _label(text: str | None) -> str:
    line = " ".join((text or "").split())
    return "".join(character for character in line if character.isprintable())[:_LABEL_CHARACTERS]


def _named(tables: Sequence[str]) -> str:
    more = len(tables) - _NAMED_AT_MOST
    return ", ".join(tables[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
