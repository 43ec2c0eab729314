"""The T-SQL of the verification: plain reading by pages of the key, written apart from the import's statements. Pure.

A statement names its columns; one that this Rock does not have is read as NULL. Which rows are in scope is decided in
the workbook (scope_rules.py), so that the database of the church only reads along its keys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique

PAGE_ROWS = 10_000

HOME = "8c52e53c-2a66-435a-ae6e-5ee307d9a0dc"

Has = Callable[[str, str], bool]
"""(table, column) to whether this Rock has it."""


@unique
class Read(StrEnum):
    """What is read, each by pages of its key; the value is the table of the key."""

    PEOPLE = "Person"
    PHONES = "PhoneNumber"
    GROUPS = "Group"
    MEMBERS = "GroupMember"
    HOMES = "GroupLocation"
    LINES = "FinancialTransactionDetail"
    ATTENDANCE = "Attendance"
    PRAYERS = "PrayerRequest"
    BATCHES = "FinancialBatch"


@dataclass(frozen=True, slots=True)
class _Shape:
    """One statement: columns as (alias, table, column), joins, and what is asked of a row beside its key."""

    key: str
    columns: tuple[tuple[str, str, str], ...]
    source: str
    where: str = ""


def _columns(alias: str, table: str, names: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((alias, table, name) for name in names.split())


_PEOPLE = _Shape(
    "p",
    (
        *_columns("p", "Person", "Id Guid"),
        *_columns("rt", "DefinedValue", "Guid"),
        *_columns(
            "p",
            "Person",
            "PrimaryCampusId PrimaryFamilyId Email BirthYear BirthMonth BirthDay FirstName NickName MiddleName LastName"
            " Gender IsDeceased RecordStatusValueId ConnectionStatusValueId MaritalStatusValueId TitleValueId"
            " SuffixValueId GivingId GivingGroupId IsEmailActive EmailPreference",
        ),
    ),
    "[dbo].[Person] AS p LEFT JOIN [dbo].[DefinedValue] AS rt ON rt.[Id] = p.[RecordTypeValueId]",
)
_PHONES = _Shape(
    "f",
    _columns(
        "f",
        "PhoneNumber",
        "Id PersonId Number CountryCode Extension NumberTypeValueId IsUnlisted IsMessagingEnabled IsMessagingOptedOut",
    ),
    "[dbo].[PhoneNumber] AS f",
)
_GROUPS = _Shape(
    "g",
    (
        *_columns("g", "Group", "Id Guid"),
        *_columns("gt", "GroupType", "Guid"),
        *_columns("g", "Group", "CampusId IsActive IsArchived IsSecurityRole ParentGroupId Name Description"),
    ),
    "[dbo].[Group] AS g LEFT JOIN [dbo].[GroupType] AS gt ON gt.[Id] = g.[GroupTypeId]",
)
_MEMBERS = _Shape(
    "m",
    _columns(
        "m", "GroupMember", "Id GroupId PersonId GroupRoleId GroupMemberStatus IsArchived GroupOrder DateTimeAdded"
    ),
    "[dbo].[GroupMember] AS m",
)
_HOMES = _Shape(
    "gl",
    (
        *_columns("gl", "GroupLocation", "Id GroupId LocationId IsMappedLocation IsMailingLocation"),
        *_columns("l", "Location", "Street1 Street2 City State PostalCode Country"),
    ),
    "[dbo].[GroupLocation] AS gl"
    " JOIN [dbo].[DefinedValue] AS ty ON ty.[Id] = gl.[GroupLocationTypeValueId]"
    " JOIN [dbo].[Location] AS l ON l.[Id] = gl.[LocationId]",
    f"ty.[Guid] = '{HOME}'",
)
_LINES = _Shape(
    "d",
    (
        *_columns("d", "FinancialTransactionDetail", "Id TransactionId Amount"),
        *_columns("a", "FinancialAccount", "Guid"),
        *_columns("tt", "DefinedValue", "Guid"),
        *_columns("t", "FinancialTransaction", "FutureProcessingDateTime Status TransactionDateTime"),
        *_columns("b", "FinancialBatch", "BatchStartDateTime"),
        *_columns("t", "FinancialTransaction", "CreatedDateTime"),
        *_columns("d", "FinancialTransactionDetail", "CreatedDateTime"),
        *_columns("b", "FinancialBatch", "Id"),
        *_columns("a", "FinancialAccount", "CampusId"),
        *_columns("b", "FinancialBatch", "CampusId"),
        *_columns("cur", "DefinedValue", "Value"),
        *_columns("p", "Person", "Id Guid GivingId GivingGroupId"),
        *_columns("rf", "FinancialTransactionRefund", "Id"),
        *_columns("t", "FinancialTransaction", "ForeignCurrencyCodeValueId"),
    ),
    "[dbo].[FinancialTransactionDetail] AS d"
    " JOIN [dbo].[FinancialTransaction] AS t ON t.[Id] = d.[TransactionId]"
    " JOIN [dbo].[FinancialAccount] AS a ON a.[Id] = d.[AccountId]"
    " LEFT JOIN [dbo].[DefinedValue] AS tt ON tt.[Id] = t.[TransactionTypeValueId]"
    " LEFT JOIN [dbo].[FinancialBatch] AS b ON b.[Id] = t.[BatchId]"
    " LEFT JOIN [dbo].[FinancialPaymentDetail] AS pd ON pd.[Id] = t.[FinancialPaymentDetailId]"
    " LEFT JOIN [dbo].[DefinedValue] AS cur ON cur.[Id] = pd.[CurrencyTypeValueId]"
    " LEFT JOIN [dbo].[PersonAlias] AS pa ON pa.[Id] = t.[AuthorizedPersonAliasId]"
    " LEFT JOIN [dbo].[Person] AS p ON p.[Id] = pa.[PersonId]"
    " LEFT JOIN [dbo].[FinancialTransactionRefund] AS rf ON rf.[Id] = t.[Id]",
)
_PRAYERS = _Shape(
    "r",
    (
        *_columns("r", "PrayerRequest", "Id CampusId"),
        *_columns("pa", "PersonAlias", "PersonId"),
        *_columns(
            "r",
            "PrayerRequest",
            "IsPublic IsApproved IsActive IsUrgent AllowComments PrayerCount CategoryId GroupId EnteredDateTime"
            " ExpirationDate ModifiedDateTime",
        ),
    ),
    "[dbo].[PrayerRequest] AS r LEFT JOIN [dbo].[PersonAlias] AS pa ON pa.[Id] = r.[RequestedByPersonAliasId]",
)
_ATTENDED = (
    *_columns("x", "Attendance", "Id"),
    *_columns("pa", "PersonAlias", "PersonId"),
    *_columns("x", "Attendance", "StartDateTime CampusId GroupId LocationId ScheduleId DidNotOccur OccurrenceId"),
    *_columns("o", "AttendanceOccurrence", "OccurrenceDate GroupId DidNotOccur LocationId ScheduleId"),
)
_ATTENDANCE_SOURCE = (
    "[dbo].[Attendance] AS x LEFT JOIN [dbo].[PersonAlias] AS pa ON pa.[Id] = x.[PersonAliasId]"
)  # fmt: skip
_ATTENDANCE_V7 = _Shape("x", _ATTENDED, _ATTENDANCE_SOURCE, "x.[DidAttend] = 1")
_ATTENDANCE = _Shape(
    "x",
    _ATTENDED,
    f"{_ATTENDANCE_SOURCE} LEFT JOIN [dbo].[AttendanceOccurrence] AS o ON o.[Id] = x.[OccurrenceId]",
    "x.[DidAttend] = 1",
)

_BATCHES = _Shape("b", _columns("b", "FinancialBatch", "Id Name ControlAmount"), "[dbo].[FinancialBatch] AS b")

_SHAPES = {
    Read.PEOPLE: _PEOPLE,
    Read.PHONES: _PHONES,
    Read.GROUPS: _GROUPS,
    Read.MEMBERS: _MEMBERS,
    Read.HOMES: _HOMES,
    Read.LINES: _LINES,
    Read.PRAYERS: _PRAYERS,
    Read.ATTENDANCE: _ATTENDANCE,
    Read.BATCHES: _BATCHES,
}

_NOT_MOVED = {
    "recurring-gifts": ("FinancialScheduledTransaction", "Recurring gifts (scheduled transactions)"),
    "pledges": ("FinancialPledge", "Pledges"),
    "notes": ("Note", "Notes, with the comments on prayer requests"),
    "attributes": ("AttributeValue", "Attribute values (custom fields)"),
}


def page(read: Read, has: Has) -> str:
    """Result: the statement of one page; parameters: the last key before it, and the greatest key of all."""
    shape = _ATTENDANCE_V7 if read is Read.ATTENDANCE and not has("AttendanceOccurrence", "Id") else _SHAPES[read]
    return (
        f"SELECT TOP ({PAGE_ROWS}) {_listed(shape, has)} FROM {shape.source}"
        f" WHERE {shape.key}.[Id] > ? AND {shape.key}.[Id] <= ?{_and(shape.where)} ORDER BY {shape.key}.[Id]"
    )


def some(read: Read, has: Has, ids: int) -> str:
    """Result: the same columns of `ids` rows by their keys, one parameter each."""
    shape = _ATTENDANCE_V7 if read is Read.ATTENDANCE and not has("AttendanceOccurrence", "Id") else _SHAPES[read]
    marks = ", ".join("?" * ids)
    return (
        f"SELECT {_listed(shape, has)} FROM {shape.source}"
        f" WHERE {shape.key}.[Id] IN ({marks}){_and(shape.where)} ORDER BY {shape.key}.[Id]"
    )


def first_occurrence() -> str:
    """Result: the statement of the date of occurrence 1, at which an upgrade to v8 leaves rows for a while."""
    return "SELECT o.[OccurrenceDate] FROM [dbo].[AttendanceOccurrence] AS o WHERE o.[Id] = 1"


def transaction_types() -> str:
    """Result: the statement of every transaction type that a transaction has: Guid and label."""
    return (
        "SELECT tt.[Guid], tt.[Value] FROM [dbo].[DefinedValue] AS tt WHERE tt.[Id] IN"
        " (SELECT t.[TransactionTypeValueId] FROM [dbo].[FinancialTransaction] AS t)"
    )


def tables() -> str:
    """Result: the statement of the names of all tables."""
    return "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES"


def not_moved(names: frozenset[str], has: Has) -> list[tuple[str, str, str | None]]:
    """Result: (code, label, statement that counts) of what Rock has and no import moves.

    No statement: the login does not see the table (every Rock has it), so nobody can count.
    """
    found: list[tuple[str, str, str | None]] = [
        (code, label, f"SELECT COUNT(*) FROM [dbo].[{table}]" if table in names else None)
        for code, (table, label) in _NOT_MOVED.items()
    ]
    if has("Person", "PhotoId"):
        count = "SELECT COUNT(*) FROM [dbo].[Person] AS p WHERE p.[PhotoId] IS NOT NULL"
        found.append(("photos", "Photos of people", count))
    if has("AttendanceOccurrence", "AnonymousAttendanceCount"):
        count = "SELECT SUM(o.[AnonymousAttendanceCount]) FROM [dbo].[AttendanceOccurrence] AS o"
        found.append(("head-counts", "Heads counted without names (AnonymousAttendanceCount)", count))
    return found


def _listed(shape: _Shape, has: Has) -> str:
    return ", ".join(
        f"{alias}.[{column}] AS [c{place}]" if has(table, column) else f"NULL AS [c{place}]"
        for place, (alias, table, column) in enumerate(shape.columns)
    )


def _and(where: str) -> str:
    return f" AND {where}" if where else ""
