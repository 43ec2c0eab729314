"""The statements of an import: one per entity for its rows, with everything joined; explicit columns, nothing locked.

The mapping reads the rows by position: the order of a statement's columns is the order in which its module of mapping/
unpacks them.
"""

from __future__ import annotations

from datetime import datetime

from migrate_agent.rockrms.records import RockFacts
from migrate_agent.rockrms.source.changes import modified
from migrate_agent.rockrms.source.parts import Parts
from migrate_agent.rockrms.source.scope import Scope, among
from migrate_agent.rockrms.source.statement import EntityStatement, Range, compiled
from migrate_contract.rockrms import Entity

__all__ = ["EntityStatement", "Range", "Statements", "compiled"]

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


class Statements:
    """All of them, for one database and one import."""

    def __init__(self, facts: RockFacts, scope: Scope) -> None:
        self._facts = facts
        self._scope = scope
        self._parts = Parts(facts, scope)
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
            long_texts=(columns.index("g.Description"),),
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
        texts = (columns.index("r.Text"), columns.index("r.Answer"))
        scoped = scope.campus(campus)
        return EntityStatement("PrayerRequest", "r.Id", columns, wide, "PrayerRequest r", scoped, 1_000, texts)

    # --- all that belongs to them -----------------------------------------------------------------------------------

    def parts(self, entity: Entity, rows: Range) -> dict[str, str]:
        """Result: by name, the statements of an entity's parts."""
        return self._parts.of(entity, rows)

    def ancestors(self, ids: list[int]) -> str:
        """Result: the statement of these groups' parents."""
        return self._parts.ancestors(ids)

    def modified(self, entity: Entity) -> tuple[tuple[str, ...], str]:
        """Result: the tables whose ModifiedDateTime tells that a record changed, and the condition for `:since`."""
        return modified(self._facts, entity)

    def values(self, rows: Range, since: datetime | None = None) -> dict[str, object]:
        """Result: what the named values stand for."""
        return {**self._scope.values, "after": rows.after, "up_to": rows.up_to, "since": since}
