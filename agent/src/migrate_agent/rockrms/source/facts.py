"""One look at a RockRMS database: its install, versions, columns, campuses, lookups and accounts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from migrate_agent.rockrms import guids
from migrate_agent.rockrms.records import AccountRow, AttendanceLayout, CampusRow, LookupRow, RockFacts, Row
from migrate_agent.rockrms.source.scope import among
from migrate_contract.errors import ErrorCode, Fatal

Ask = Callable[[str, Sequence[object], str], list[Row]]
"""Asks the server: statement, values, what it is for."""

TABLES: Final = (
    "Attendance",
    "AttendanceOccurrence",
    "Attribute",
    "Campus",
    "Category",
    "DefinedType",
    "DefinedValue",
    "EntityType",
    "FinancialAccount",
    "FinancialBatch",
    "FinancialPaymentDetail",
    "FinancialTransaction",
    "FinancialTransactionDetail",
    "FinancialTransactionRefund",
    "Group",
    "GroupLocation",
    "GroupMember",
    "GroupType",
    "GroupTypeRole",
    "Location",
    "Person",
    "PersonAlias",
    "PhoneNumber",
    "PrayerRequest",
    "Schedule",
)
"""All that an import reads, in scope or not."""
_OCCURRENCE: Final = "AttendanceOccurrence"
_ROCK_VERSION: Final = re.compile(r"\bRock,\s*Version=(\d+(?:\.\d+)*)")
_PLACEHOLDER_DAY: Final = "1900-01-01"


def read_facts(ask: Ask, *, server: str, database: str) -> RockFacts:
    """Result: the facts.

    Raises Fatal(not-a-rockrms-database, sql-no-read-permission), and what `ask` raises.
    """
    columns = _columns(ask)
    _check_tables(columns, f"{server}, {database}")
    group_types = {row[0]: _guid(row[1]) for row in ask("SELECT t.Id, t.Guid FROM GroupType t", (), "group types")}
    layout = _layout(columns)
    return RockFacts(
        install=_install(ask),
        sql_version=_sql_version(ask),
        rock_version=_rock_version(ask),
        server=server,
        database=database,
        columns=columns,
        attendance=layout,
        campuses=_campuses(ask),
        lookups=_lookups(ask),
        accounts=_accounts(ask),
        group_types=group_types,
        family_roles=_family_roles(ask, [id_ for id_, guid in group_types.items() if guid == guids.FAMILY]),
        anonymous=_anonymous(ask),
        anonymous_family=_anonymous_family(ask),
        prayer_entity_type=_prayer_entity_type(ask),
        has_placeholder=layout is not AttendanceLayout.OLD and _has_placeholder(ask),
        snapshot=_allows_snapshot(ask),
    )


def _guid(value: object) -> str:
    return str(value).lower()


def _columns(ask: Ask) -> frozenset[tuple[str, str]]:
    names = ", ".join(f"'{table}'" for table in TABLES)
    rows = ask(
        "SELECT c.TABLE_NAME, c.COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS c WHERE c.TABLE_SCHEMA = 'dbo'"
        f" AND c.TABLE_NAME IN ({names})",
        (),
        "columns",
    )
    return frozenset((row[0], row[1]) for row in rows)


def _check_tables(columns: frozenset[tuple[str, str]], where: str) -> None:
    """A login sees no table that it may not read: one that Rock has, and that is not there, may not be read.

    Going on without it would give other external ids (Attribute), or attendance without groups (AttendanceOccurrence).
    """
    there = {table for table, _ in columns}
    required = set(TABLES) if ("Attendance", "OccurrenceId") in columns else set(TABLES) - {_OCCURRENCE}
    if not {"Person", "PersonAlias"} & there:
        raise Fatal(ErrorCode.NOT_A_ROCKRMS_DATABASE, f"{where}: no table Person")
    if missing := sorted(required - there):
        raise Fatal(ErrorCode.SQL_NO_READ_PERMISSION, f"{where}: the login does not see {', '.join(missing)}")


def _layout(columns: frozenset[tuple[str, str]]) -> AttendanceLayout:
    """Where attendance names its group: by what is there, not by a version."""
    if ("Attendance", "OccurrenceId") not in columns:
        return AttendanceLayout.OLD
    return AttendanceLayout.MIXED if ("Attendance", "GroupId") in columns else AttendanceLayout.CURRENT


def _install(ask: Ask) -> str:
    """I2."""
    rows = ask(
        "SELECT TOP (1) a.Guid FROM Attribute a WHERE a.EntityTypeQualifierColumn = 'SystemSetting'"
        " AND a.[Key] = 'RockInstanceId' ORDER BY a.Id",
        (),
        "install",
    )
    rows = rows or ask("SELECT TOP (1) a.Guid FROM PersonAlias a ORDER BY a.Id", (), "install")
    if not rows:
        raise Fatal(ErrorCode.NOT_A_ROCKRMS_DATABASE, "there is nobody in it: PersonAlias is empty")
    return _guid(rows[0][0])


def _sql_version(ask: Ask) -> str:
    rows = ask("SELECT @@VERSION", (), "SQL version")
    return str(rows[0][0]).splitlines()[0].strip() if rows else ""


def _rock_version(ask: Ask) -> str | None:
    """Rock's assemblies carry it: the entity type of people names the one that it came with last."""
    rows = ask("SELECT e.AssemblyName FROM EntityType e WHERE e.Name = 'Rock.Model.Person'", (), "Rock version")
    found = _ROCK_VERSION.search(str(rows[0][0])) if rows else None
    return found[1] if found else None


def _campuses(ask: Ask) -> dict[int, CampusRow]:
    rows = ask("SELECT c.Id, c.Guid, c.Name, c.IsActive FROM Campus c ORDER BY c.Id", (), "campuses")
    return {row[0]: CampusRow(row[0], _guid(row[1]), row[2], None if row[3] is None else bool(row[3])) for row in rows}


def _lookups(ask: Ask) -> dict[int, LookupRow]:
    rows = ask(
        "SELECT v.Id, t.Guid, v.Guid, v.Value FROM DefinedValue v JOIN DefinedType t ON t.Id = v.DefinedTypeId",
        (),
        "defined values",
    )
    return {row[0]: LookupRow(row[0], _guid(row[1]), _guid(row[2]), row[3]) for row in rows}


def _accounts(ask: Ask) -> dict[int, AccountRow]:
    rows = ask(
        "SELECT c.Id, c.Guid, c.Name, c.PublicName, c.ParentAccountId, c.CampusId, c.IsActive FROM FinancialAccount c"
        " ORDER BY c.Id",
        (),
        "accounts",
    )
    return {row[0]: AccountRow(row[0], _guid(row[1]), row[2], row[3], row[4], row[5], bool(row[6])) for row in rows}


def _family_roles(ask: Ask, family_types: Sequence[int]) -> dict[int, str]:
    known = {guids.ADULT: "adult", guids.CHILD: "child"}
    rows = ask(
        f"SELECT r.Id, r.Guid FROM GroupTypeRole r WHERE {among('r.GroupTypeId', family_types)}", (), "family roles"
    )
    return {row[0]: known[_guid(row[1])] for row in rows if _guid(row[1]) in known}


def _anonymous(ask: Ask) -> frozenset[int]:
    rows = ask(
        f"SELECT p.Id FROM Person p WHERE p.Guid IN ('{guids.GIVER_ANONYMOUS}', '{guids.ANONYMOUS_VISITOR}')",
        (),
        "anonymous people",
    )
    return frozenset(row[0] for row in rows)


def _anonymous_family(ask: Ask) -> int | None:
    rows = ask(f"SELECT g.Id FROM [Group] g WHERE g.Guid = '{guids.ANONYMOUS_FAMILY}'", (), "anonymous family")
    return rows[0][0] if rows else None


def _prayer_entity_type(ask: Ask) -> int | None:
    rows = ask(f"SELECT e.Id FROM EntityType e WHERE e.Guid = '{guids.PRAYER_REQUEST}'", (), "entity type of prayers")
    return rows[0][0] if rows else None


def _has_placeholder(ask: Ask) -> bool:
    rows = ask("SELECT o.OccurrenceDate FROM AttendanceOccurrence o WHERE o.Id = 1", (), "placeholder occurrence")
    return bool(rows) and str(rows[0][0])[:10] == _PLACEHOLDER_DAY


def _allows_snapshot(ask: Ask) -> bool:
    """Whether SNAPSHOT may be asked for; a server that does not say so is read under READ COMMITTED."""
    try:
        rows = ask(
            "SELECT d.snapshot_isolation_state FROM sys.databases d WHERE d.name = DB_NAME()", (), "snapshot isolation"
        )
    except Fatal:
        return False
    return bool(rows) and rows[0][0] == 1
