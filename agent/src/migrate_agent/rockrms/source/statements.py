"""The statements of an import: one per entity for its rows, one per part; explicit columns, keys first, nothing locked.

A statement names its values (`:after`); `compiled` gives what the driver takes. The mapping reads the rows by position:
the order of a statement's columns is the order in which its module of mapping/ unpacks them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from migrate_agent.rockrms import guids
from migrate_agent.rockrms.records import RockFacts
from migrate_agent.rockrms.source.scope import Scope, among, not_among
from migrate_contract.rockrms import Entity

_NAMED = re.compile(r":([a-z][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Range:
    """Which rows: those with after < key <= up_to, or those of `ids`."""

    after: int = 0
    up_to: int = 0
    ids: Sequence[int] | None = None

    def on(self, key: str) -> str:
        """Result: the condition on a key."""
        return f"{key} > :after AND {key} <= :up_to" if self.ids is None else among(key, self.ids)


def compiled(sql: str, values: Mapping[str, object]) -> tuple[str, list[object]]:
    """Result: the statement with `?` for each named value, and the values in their order."""
    names = _NAMED.findall(sql)
    return _NAMED.sub("?", sql), [values[name] for name in names]


@dataclass(frozen=True, slots=True)
class EntityStatement:
    """What is read of one entity."""

    table: str
    key: str
    columns: tuple[str, ...]
    source: str
    """FROM and joins for the columns."""
    scope_source: str
    """FROM and joins for the condition alone."""
    scope: str
    page_rows: int

    def page(self, rows: Range) -> str:
        """Result: the statement of one page."""
        top = f"TOP ({self.page_rows}) " if rows.ids is None else ""
        return (
            f"SELECT {top}{', '.join(self.columns)} FROM {self.source} WHERE {rows.on(self.key)} AND {self.scope}"
            f" ORDER BY {self.key}"
        )

    def ids(self, rows: Range, count: int, condition: str = "") -> str:
        """Result: the statement of the ids alone."""
        also = f" AND {condition}" if condition else ""
        return (
            f"SELECT TOP ({count}) {self.key} FROM {self.scope_source} WHERE {rows.on(self.key)} AND {self.scope}{also}"
            f" ORDER BY {self.key}"
        )

    def count(self) -> str:
        """Result: the statement that counts up to `:up_to`."""
        return f"SELECT COUNT(*) FROM {self.scope_source} WHERE {self.key} <= :up_to AND {self.scope}"

    def high_water(self) -> str:
        """Result: the statement of the greatest id, in scope or not."""
        return f"SELECT MAX(Id) FROM {self.table}"


class Statements:
    """All of them, for one database and one import."""

    def __init__(self, facts: RockFacts, scope: Scope) -> None:
        self._facts = facts
        self._scope = scope
        self.entities: dict[Entity, EntityStatement] = {
            Entity.PEOPLE: self._people(),
            Entity.FAMILIES: self._families(),
            Entity.GROUPS: self._groups(),
            Entity.CONTRIBUTIONS: self._contributions(),
            Entity.ATTENDANCE: self._attendance(),
            Entity.PRAYER_REQUESTS: self._prayers(),
        }

    # --- rows -------------------------------------------------------------------------------------------------------

    def _people(self) -> EntityStatement:
        scope = self._scope
        moved = f"CASE WHEN NOT ({scope.dropped('p')}) THEN 1 WHEN {scope.mentioned('p')} THEN 2 ELSE 0 END"
        columns = (
            "p.Id",
            "p.RecordTypeValueId",
            f"CASE WHEN p.RecordTypeValueId IS NULL THEN 1 ELSE {moved} END",
            "CASE WHEN EXISTS (SELECT 1 FROM PersonAlias oa WHERE oa.PersonId = p.Id) THEN 1 ELSE 0 END",
            "(SELECT TOP (1) sa.PersonId FROM PersonAlias sa WHERE sa.AliasPersonId = p.Id AND sa.PersonId <> p.Id"
            " ORDER BY sa.Id)",
            *(f"p.{name}" for name in _PERSON_COLUMNS),
            scope.column("p", "Person", "PrimaryFamilyId"),
            scope.column("p", "Person", "PrimaryCampusId"),
            scope.column("p", "Person", "GivingId"),
            "p.GivingGroupId",
            "p.CreatedDateTime",
        )
        return EntityStatement("Person", "p.Id", columns, "Person p", "Person p", scope.person_in_scope("p"), 2_000)

    def _families(self) -> EntityStatement:
        scope = self._scope
        columns = ("g.Id", "g.Name", "g.CampusId", scope.archived("g", "Group"))
        return EntityStatement("[Group]", "g.Id", columns, "[Group] g", "[Group] g", scope.family_in_scope("g"), 1_000)

    def _groups(self) -> EntityStatement:
        scope = self._scope
        columns = (
            "g.Id",
            "g.Name",
            "t.Name",
            "g.Description",
            "g.ParentGroupId",
            "g.CampusId",
            f"CASE WHEN NOT {scope.closed('g')} THEN 1 WHEN {scope.named('g')} THEN 2 ELSE 0 END",
        )
        return EntityStatement(
            "[Group]",
            "g.Id",
            columns,
            "[Group] g JOIN GroupType t ON t.Id = g.GroupTypeId",
            "[Group] g",
            scope.group_in_scope("g"),
            500,
        )

    def _contributions(self) -> EntityStatement:
        scope = self._scope
        columns = (
            "d.Id",
            "d.TransactionId",
            "d.Amount",
            "d.AccountId",
            "t.TransactionDateTime",
            "b.BatchStartDateTime",
            "COALESCE(t.CreatedDateTime, d.CreatedDateTime)",
            "t.AuthorizedPersonAliasId",
            "p.Id",
            scope.column("p", "Person", "GivingId"),
            "p.GivingGroupId",
            "b.Id",
            "b.Name",
            "b.CampusId",
            "t.TransactionTypeValueId",
            "t.SourceTypeValueId",
            "m.CurrencyTypeValueId",
            "r.Id",
            "r.OriginalTransactionId",
            scope.column("t", "FinancialTransaction", "ForeignCurrencyCodeValueId"),
            scope.column("t", "FinancialTransaction", "ShowAsAnonymous", "0"),
        )
        narrow = (
            "FinancialTransactionDetail d JOIN FinancialTransaction t ON t.Id = d.TransactionId"
            " JOIN FinancialAccount c ON c.Id = d.AccountId LEFT JOIN FinancialBatch b ON b.Id = t.BatchId"
        )
        wide = (
            f"{narrow} LEFT JOIN FinancialPaymentDetail m ON m.Id = t.FinancialPaymentDetailId"
            " LEFT JOIN FinancialTransactionRefund r ON r.Id = t.Id"
            " LEFT JOIN PersonAlias a ON a.Id = t.AuthorizedPersonAliasId LEFT JOIN Person p ON p.Id = a.PersonId"
        )
        scoped = scope.gift("d", "t", "b", "c")
        return EntityStatement("FinancialTransactionDetail", "d.Id", columns, wide, narrow, scoped, 5_000)

    def _attendance(self) -> EntityStatement:
        scope = self._scope
        group = scope.place("GroupId", "x", "o")
        narrow = f"Attendance x{scope.occurrence('x', 'o')} LEFT JOIN [Group] g ON g.Id = {group}"
        wide = (
            f"{narrow} LEFT JOIN PersonAlias a ON a.Id = x.PersonAliasId LEFT JOIN Person p ON p.Id = a.PersonId"
            f" LEFT JOIN Location l ON l.Id = {scope.place('LocationId', 'x', 'o')}"
            f" LEFT JOIN Schedule s ON s.Id = {scope.place('ScheduleId', 'x', 'o')}"
        )
        columns = (
            "x.Id",
            "p.Id",
            f"CASE WHEN p.Id IS NULL THEN 0 WHEN {scope.doubled('x', 'o', 'g', 'p')} THEN 1 ELSE 0 END",
            scope.column("x", "Attendance", "OccurrenceId"),
            scope.day("x", "o"),
            "x.StartDateTime",
            group,
            scope.place("LocationId", "x", "o"),
            scope.place("ScheduleId", "x", "o"),
            f"CASE WHEN {scope.is_group('g')} THEN 1 ELSE 0 END",
            "x.CampusId",
            "g.CampusId",
            "l.Name",
            "s.Name",
            scope.column("x", "Attendance", "IsFirstTime"),
        )
        scoped = scope.attended("x", "o", "g")
        return EntityStatement("Attendance", "x.Id", columns, wide, narrow, scoped, 5_000)

    def _prayers(self) -> EntityStatement:
        scope, facts = self._scope, self._facts
        campus = scope.column("r", "PrayerRequest", "CampusId")
        entity_types = [] if facts.prayer_entity_type is None else [facts.prayer_entity_type]
        columns = (
            "r.Id",
            *(f"r.{name}" for name in _PRAYER_COLUMNS),
            "p.Id",
            "c.Name",
            campus,
            "g.Id",
            f"CASE WHEN {scope.group_sent('g')} THEN 1 ELSE 0 END",
        )
        wide = (
            "PrayerRequest r LEFT JOIN PersonAlias a ON a.Id = r.RequestedByPersonAliasId"
            " LEFT JOIN Person p ON p.Id = a.PersonId"
            f" LEFT JOIN Category c ON c.Id = r.CategoryId AND {among('c.EntityTypeId', entity_types)}"
            f" LEFT JOIN [Group] g ON g.Id = {scope.column('r', 'PrayerRequest', 'GroupId')}"
        )
        return EntityStatement("PrayerRequest", "r.Id", columns, wide, "PrayerRequest r", scope.campus(campus), 1_000)

    # --- parts ------------------------------------------------------------------------------------------------------

    def parts(self, entity: Entity, rows: Range) -> dict[str, str]:
        """Result: by name, the statements of an entity's parts; each gives the row's id first."""
        if entity is Entity.PEOPLE:
            return {"phones": self._phones(rows), "families": self._families_of(rows), "former": self._former(rows)}
        if entity is Entity.FAMILIES:
            return {
                "members": self._family_members(rows),
                "families": self._families_of_members(rows),
                "addresses": self._addresses(rows),
            }
        if entity is Entity.GROUPS:
            return {"members": self._group_members(rows)}
        return {}

    def _phones(self, rows: Range) -> str:
        opted_out = self._scope.column("n", "PhoneNumber", "IsMessagingOptedOut", "0")
        return (
            "SELECT n.PersonId, n.Id, n.NumberTypeValueId, n.CountryCode, n.Number, n.Extension, n.IsUnlisted,"
            f" n.IsMessagingEnabled, {opted_out} FROM PhoneNumber n WHERE {rows.on('n.PersonId')}"
            " ORDER BY n.PersonId, n.Id"
        )

    def _families_of(self, rows: Range) -> str:
        order = self._scope.column("m", "GroupMember", "GroupOrder")
        return (
            f"SELECT m.PersonId, m.GroupId, {order}, g.CampusId FROM GroupMember m"
            f" JOIN [Group] g ON g.Id = m.GroupId WHERE {rows.on('m.PersonId')} AND"
            f" {self._scope.family_of_person('m', 'g')} ORDER BY m.PersonId, m.GroupId"
        )

    def _former(self, rows: Range) -> str:
        return (
            f"SELECT a.PersonId, a.AliasPersonId FROM PersonAlias a WHERE {rows.on('a.PersonId')}"
            f" AND {not_among('a.PersonId', self._facts.anonymous)}"
            " AND a.AliasPersonId <> a.PersonId AND NOT EXISTS (SELECT 1 FROM Person q WHERE q.Id = a.AliasPersonId)"
            " ORDER BY a.PersonId, a.AliasPersonId"
        )

    def _family_members(self, rows: Range) -> str:
        scope = self._scope
        primary = scope.column("p", "Person", "PrimaryFamilyId")
        kind = f"CASE WHEN {scope.anonymous('p')} THEN 2 WHEN {scope.dropped('p')} THEN 1 ELSE 0 END"
        return (
            f"SELECT m.GroupId, m.PersonId, m.GroupRoleId, p.Id, {kind}, {primary} FROM GroupMember m"
            " JOIN [Group] g ON g.Id = m.GroupId LEFT JOIN Person p ON p.Id = m.PersonId"
            f" WHERE {rows.on('m.GroupId')} AND {scope.is_family('g')} AND {scope.live('m')}"
            " ORDER BY m.GroupId, m.PersonId, m.Id"
        )

    def _families_of_members(self, rows: Range) -> str:
        scope = self._scope
        order = scope.column("m", "GroupMember", "GroupOrder")
        return (
            f"SELECT m.PersonId, m.GroupId, {order}, g.CampusId FROM GroupMember m"
            " JOIN [Group] g ON g.Id = m.GroupId WHERE m.PersonId IN (SELECT i.PersonId FROM GroupMember i"
            f" JOIN [Group] j ON j.Id = i.GroupId WHERE {rows.on('i.GroupId')} AND {scope.is_family('j')})"
            f" AND {scope.family_of_person('m', 'g')} AND {not_among('m.PersonId', self._facts.anonymous)}"
            " ORDER BY m.PersonId, m.GroupId"
        )

    def _addresses(self, rows: Range) -> str:
        home = [id_ for id_, each in self._facts.lookups.items() if each.guid == guids.HOME_ADDRESS]
        return (
            "SELECT x.GroupId, x.Id, x.LocationId, x.IsMappedLocation, x.IsMailingLocation, l.Street1, l.Street2,"
            " l.City, l.State, l.PostalCode, l.Country FROM GroupLocation x JOIN Location l ON l.Id = x.LocationId"
            f" JOIN [Group] g ON g.Id = x.GroupId WHERE {rows.on('x.GroupId')} AND {self._scope.is_family('g')}"
            f" AND {among('x.GroupLocationTypeValueId', home)} ORDER BY x.GroupId, x.Id"
        )

    def _group_members(self, rows: Range) -> str:
        scope = self._scope
        archived = scope.archived("m", "GroupMember")
        return (
            "SELECT m.GroupId, m.Id, m.PersonId, m.GroupRoleId, r.Name, r.IsLeader, m.GroupMemberStatus,"
            " m.DateTimeAdded FROM GroupMember m JOIN [Group] g ON g.Id = m.GroupId JOIN Person p ON p.Id = m.PersonId"
            f" LEFT JOIN GroupTypeRole r ON r.Id = m.GroupRoleId WHERE {rows.on('m.GroupId')} AND {scope.is_group('g')}"
            f" AND {archived} = 0 AND {scope.somebody('p')} ORDER BY m.GroupId, m.Id"
        )

    def ancestors(self, ids: Sequence[int]) -> str:
        """Result: of these groups: id, parent, and whether they are sent (R3)."""
        sent = f"CASE WHEN {self._scope.group_sent('g')} THEN 1 ELSE 0 END"
        return f"SELECT g.Id, g.ParentGroupId, {sent} FROM [Group] g WHERE {among('g.Id', ids)}"

    # --- what changed -----------------------------------------------------------------------------------------------

    def modified(self, entity: Entity) -> tuple[tuple[str, ...], str]:
        """Result: the tables whose ModifiedDateTime tells that a record changed, and the condition for `:since`."""
        tables, conditions = [], []
        for table, condition in _MODIFIED[entity]:
            if self._facts.has(table.strip("[]"), "ModifiedDateTime"):
                tables.append(table)
                conditions.append(condition)
        return tuple(tables), f"({' OR '.join(conditions)})"

    def values(self, rows: Range, since: datetime | None = None) -> dict[str, object]:
        """Result: what the named values stand for."""
        return {**self._scope.values, "after": rows.after, "up_to": rows.up_to, "since": since}


_PERSON_COLUMNS = (
    "FirstName",
    "NickName",
    "MiddleName",
    "LastName",
    "TitleValueId",
    "SuffixValueId",
    "Gender",
    "BirthYear",
    "BirthMonth",
    "BirthDay",
    "MaritalStatusValueId",
    "ConnectionStatusValueId",
    "RecordStatusValueId",
    "RecordStatusReasonValueId",
    "IsDeceased",
    "Email",
    "IsEmailActive",
    "EmailPreference",
)
_PRAYER_COLUMNS = (
    "FirstName",
    "LastName",
    "Email",
    "Text",
    "Answer",
    "EnteredDateTime",
    "ExpirationDate",
    "IsPublic",
    "IsApproved",
    "IsActive",
    "IsUrgent",
    "AllowComments",
    "PrayerCount",
)


def _part(table: str, join: str, alias: str) -> tuple[str, str]:
    return table, f"EXISTS (SELECT 1 FROM {join} AND {alias}.ModifiedDateTime >= :since)"


def _named(alias_column: str) -> tuple[str, str]:
    """A merge leaves the row that names a person as it is, and modifies the person who survives."""
    return _part("Person", f"PersonAlias ua JOIN Person uy ON uy.Id = ua.PersonId WHERE ua.Id = {alias_column}", "uy")


_MODIFIED: dict[Entity, tuple[tuple[str, str], ...]] = {
    Entity.PEOPLE: (
        ("Person", "p.ModifiedDateTime >= :since"),
        _part("PhoneNumber", "PhoneNumber un WHERE un.PersonId = p.Id", "un"),
        _part("GroupMember", "GroupMember um WHERE um.PersonId = p.Id", "um"),
    ),
    Entity.FAMILIES: (
        ("[Group]", "g.ModifiedDateTime >= :since"),
        _part("GroupMember", "GroupMember um WHERE um.GroupId = g.Id", "um"),
        _part("Person", "GroupMember vm JOIN Person uy ON uy.Id = vm.PersonId WHERE vm.GroupId = g.Id", "uy"),
        _part("GroupLocation", "GroupLocation ul WHERE ul.GroupId = g.Id", "ul"),
        _part(
            "Location",
            "GroupLocation vl JOIN Location uo ON uo.Id = vl.LocationId WHERE vl.GroupId = g.Id",
            "uo",
        ),
    ),
    Entity.GROUPS: (
        ("[Group]", "g.ModifiedDateTime >= :since"),
        _part("GroupMember", "GroupMember um WHERE um.GroupId = g.Id", "um"),
    ),
    Entity.CONTRIBUTIONS: (
        ("FinancialTransactionDetail", "d.ModifiedDateTime >= :since"),
        ("FinancialTransaction", "t.ModifiedDateTime >= :since"),
        ("FinancialBatch", "b.ModifiedDateTime >= :since"),
        ("FinancialAccount", "c.ModifiedDateTime >= :since"),
        _part("FinancialPaymentDetail", "FinancialPaymentDetail up WHERE up.Id = t.FinancialPaymentDetailId", "up"),
        _part("FinancialTransactionRefund", "FinancialTransactionRefund ur WHERE ur.Id = t.Id", "ur"),
        _named("t.AuthorizedPersonAliasId"),
    ),
    Entity.ATTENDANCE: (
        ("Attendance", "x.ModifiedDateTime >= :since"),
        _part("AttendanceOccurrence", "AttendanceOccurrence uq WHERE uq.Id = x.OccurrenceId", "uq"),
        _named("x.PersonAliasId"),
    ),
    Entity.PRAYER_REQUESTS: (
        ("PrayerRequest", "r.ModifiedDateTime >= :since"),
        _named("r.RequestedByPersonAliasId"),
    ),
}
"""Per entity: table, and the condition with the aliases of its statement."""
