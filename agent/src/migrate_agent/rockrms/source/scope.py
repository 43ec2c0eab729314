"""The rules of what is in scope, as conditions in SQL; docs/rockrms-rules.md says them in words, by their numbers.

Every method gives a piece of T-SQL for rows that the caller has named (aliases as arguments). Ids of this database are
written into it, as numbers; what comes from people (a date, a status) is a named value `:name`, kept in `values`. Only
columns that this database has are named.
"""

from __future__ import annotations

from collections.abc import Iterable

from migrate_agent.rockrms import guids
from migrate_agent.rockrms.records import AttendanceLayout, RockFacts
from migrate_contract.rockrms import ImportSettings, StatusMeaning

ALWAYS = "1 = 1"
NEVER = "1 = 0"
_NO_CAMPUS = -1


def among(expression: str, ids: Iterable[int]) -> str:
    """Result: the condition that the expression is one of these numbers."""
    numbers = ", ".join(str(int(each)) for each in sorted(ids))
    return f"{expression} IN ({numbers})" if numbers else NEVER


def not_among(expression: str, ids: Iterable[int]) -> str:
    """Result: the condition that the expression, which is not NULL, is none of these numbers."""
    numbers = ", ".join(str(int(each)) for each in sorted(ids))
    return f"{expression} NOT IN ({numbers})" if numbers else ALWAYS


class Scope:
    """The conditions for one database and one import."""

    def __init__(self, facts: RockFacts, settings: ImportSettings) -> None:
        self.facts = facts
        self.settings = settings
        self.values: dict[str, object] = {}
        """What the named values in the conditions stand for."""
        if settings.date_range_start is not None:
            self.values["start"] = settings.date_range_start
        for index, status in enumerate(self._statuses_of_no_gift()):
            self.values[f"status{index}"] = status
        self._families = [id_ for id_, guid in facts.group_types.items() if guid == guids.FAMILY]
        self._not_groups = [id_ for id_, guid in facts.group_types.items() if guid in guids.NOT_GROUPS]
        moved = facts.lookup_ids(guids.RECORD_TYPES, guids.PERSON, guids.BUSINESS)
        self._dropped = facts.lookup_ids(guids.RECORD_TYPES) - moved

    # --- columns ----------------------------------------------------------------------------------------------------

    def column(self, alias: str, table: str, name: str, otherwise: str = "NULL") -> str:
        """Result: the column, or what stands for it where this database does not have it (I5)."""
        return f"{alias}.{name}" if self.facts.has(table, name) else otherwise

    def archived(self, alias: str, table: str) -> str:
        """Result: the flag IsArchived of a Group or GroupMember."""
        return self.column(alias, table, "IsArchived", "0")

    def _not_archived(self, alias: str, table: str) -> str:
        return f"{alias}.IsArchived = 0" if self.facts.has(table, "IsArchived") else ALWAYS

    # --- campus -----------------------------------------------------------------------------------------------------

    @property
    def by_campus(self) -> bool:
        """Whether there is a campus filter."""
        return bool(self.settings.campus_ids)

    def campus(self, *expressions: str) -> str:
        """Result: the condition that a campus passes; it is the first of the expressions that is not NULL."""
        if not self.by_campus:
            return ALWAYS
        wanted = [*self.settings.campus_ids, *([_NO_CAMPUS] if self.settings.include_without_campus else [])]
        known = [each for each in expressions if each != "NULL"]
        if not known:
            return ALWAYS if self.settings.include_without_campus else NEVER
        return among(f"COALESCE({', '.join(known)}, {_NO_CAMPUS})", wanted)

    # --- people -----------------------------------------------------------------------------------------------------

    def dropped(self, person: str) -> str:
        """Result: the condition that a Person's record type is not moved (P4)."""
        return among(f"{person}.RecordTypeValueId", self._dropped)

    def anonymous(self, person: str) -> str:
        """Result: the condition that a Person is one of Rock's stand-ins (A2)."""
        return among(f"{person}.Id", self.facts.anonymous)

    def somebody(self, person: str) -> str:
        """Result: the condition that a Person is none of them."""
        return not_among(f"{person}.Id", self.facts.anonymous)

    def person_in_scope(self, person: str) -> str:
        """Result: P1 and C2."""
        if not self.by_campus:
            return ALWAYS
        primary_campus = self.column(person, "Person", "PrimaryCampusId")
        named = f"({self.somebody(person)} AND {self.mentioned(person)})"
        return f"({self.campus(primary_campus, self._campus_of_family(person))} OR {named})"

    def _campus_of_family(self, person: str) -> str:
        """P11, for P13."""
        order = (
            "CASE WHEN pm.GroupOrder IS NULL THEN 1 ELSE 0 END, pm.GroupOrder, "
            if self.facts.has("GroupMember", "GroupOrder")
            else ""
        )
        families = (
            "FROM GroupMember pm JOIN [Group] pg ON pg.Id = pm.GroupId"
            f" WHERE pm.PersonId = {person}.Id AND {self.family_of_person('pm', 'pg')}"
        )
        first = f"(SELECT TOP (1) pg.CampusId {families} ORDER BY {order}pg.Id)"
        if not self.facts.has("Person", "PrimaryFamilyId"):
            return first
        stored = f"{families} AND pg.Id = {person}.PrimaryFamilyId"
        return f"CASE WHEN EXISTS (SELECT 1 {stored}) THEN (SELECT TOP (1) pg.CampusId {stored}) ELSE {first} END"

    def mentioned(self, person: str) -> str:
        """Result: the condition that a row in scope, of any entity, names this Person (P5, C2, C8)."""
        return (
            "("
            + " OR ".join(
                (
                    self._gave(person),
                    self._attended(person),
                    self._in_family(person),
                    self._in_group(person),
                    self._asked(person),
                )
            )
            + ")"
        )

    def _gave(self, person: str) -> str:
        return (
            "EXISTS (SELECT 1 FROM PersonAlias na JOIN FinancialTransaction nt ON nt.AuthorizedPersonAliasId = na.Id"
            " JOIN FinancialTransactionDetail nd ON nd.TransactionId = nt.Id"
            " JOIN FinancialAccount nc ON nc.Id = nd.AccountId LEFT JOIN FinancialBatch nb ON nb.Id = nt.BatchId"
            f" WHERE na.PersonId = {person}.Id AND {self.gift('nd', 'nt', 'nb', 'nc')})"
        )

    def _attended(self, person: str) -> str:
        return (
            "EXISTS (SELECT 1 FROM PersonAlias ha JOIN Attendance hx ON hx.PersonAliasId = ha.Id"
            f"{self.occurrence('hx', 'ho')} LEFT JOIN [Group] hg ON hg.Id = {self.place('GroupId', 'hx', 'ho')}"
            f" WHERE ha.PersonId = {person}.Id AND {self.attended('hx', 'ho', 'hg')})"
        )

    def _in_family(self, person: str) -> str:
        return (
            "EXISTS (SELECT 1 FROM GroupMember fm JOIN [Group] fg ON fg.Id = fm.GroupId"
            f" WHERE fm.PersonId = {person}.Id AND {self.live('fm')} AND {self.family_sent('fg')})"
        )

    def _in_group(self, person: str) -> str:
        return (
            "EXISTS (SELECT 1 FROM GroupMember gm JOIN [Group] gg ON gg.Id = gm.GroupId"
            f" WHERE gm.PersonId = {person}.Id AND {self._not_archived('gm', 'GroupMember')}"
            f" AND {self.group_sent('gg')})"
        )

    def _asked(self, person: str) -> str:
        campus = self.campus(self.column("kr", "PrayerRequest", "CampusId"))
        return (
            "EXISTS (SELECT 1 FROM PersonAlias ka JOIN PrayerRequest kr ON kr.RequestedByPersonAliasId = ka.Id"
            f" WHERE ka.PersonId = {person}.Id AND {campus})"
        )

    # --- families ---------------------------------------------------------------------------------------------------

    def is_family(self, group: str) -> str:
        """Result: the condition that a Group is a family (G1)."""
        return among(f"{group}.GroupTypeId", self._families)

    def live(self, member: str) -> str:
        """Result: the condition that a GroupMember counts in a family: not archived, not Inactive."""
        return f"{self._not_archived(member, 'GroupMember')} AND {member}.GroupMemberStatus <> 0"

    def family_of_person(self, member: str, group: str) -> str:
        """Result: the condition that a membership makes a Group one of a person's families (P11)."""
        return f"{self.live(member)} AND {self._family_kept(group)}"

    def _family_kept(self, group: str) -> str:
        unknown = self.facts.anonymous_family
        named = ALWAYS if unknown is None else f"{group}.Id <> {unknown}"
        return f"{self.is_family(group)} AND {self._not_archived(group, 'Group')} AND {named}"

    def family_in_scope(self, group: str) -> str:
        """Result: G1 and C3."""
        return f"{self.is_family(group)} AND {self.campus(f'{group}.CampusId')}"

    def family_sent(self, group: str) -> str:
        """Result: the condition that a family with members is in scope and not skipped (G2, G3)."""
        return (
            f"{self._family_kept(group)} AND {self.campus(f'{group}.CampusId')}"
            " AND EXISTS (SELECT 1 FROM GroupMember rm"
            f" JOIN Person rp ON rp.Id = rm.PersonId WHERE rm.GroupId = {group}.Id AND {self.live('rm')}"
            f" AND {self.somebody('rp')} AND (rp.RecordTypeValueId IS NULL OR NOT ({self.dropped('rp')})))"
        )

    # --- groups -----------------------------------------------------------------------------------------------------

    def is_group(self, group: str) -> str:
        """Result: R1."""
        return f"{group}.IsSecurityRole = 0 AND {not_among(f'{group}.GroupTypeId', self._not_groups)}"

    def closed(self, group: str) -> str:
        """Result: the condition of R2."""
        return f"({group}.IsActive = 0 OR {self.archived(group, 'Group')} = 1)"

    def group_in_scope(self, group: str) -> str:
        """Result: R1 and C4."""
        if not self.by_campus:
            return self.is_group(group)
        return f"{self.is_group(group)} AND ({self.campus(f'{group}.CampusId')} OR {self.named(group)})"

    def group_sent(self, group: str) -> str:
        """Result: the condition that a group is in scope and not skipped."""
        return (
            f"{self.is_group(group)} AND (({self.campus(f'{group}.CampusId')} AND NOT {self.closed(group)})"
            f" OR {self.named(group)})"
        )

    def named(self, group: str) -> str:
        """Result: the condition that an attendance row in scope names this Group."""
        if self.facts.attendance is AttendanceLayout.OLD:
            return (
                f"EXISTS (SELECT 1 FROM Attendance tx WHERE tx.GroupId = {group}.Id"
                f" AND {self.attended('tx', 'tq', group)})"
            )
        moved = " AND tx.OccurrenceId <> 1" if self.facts.has_placeholder else ""
        condition = (
            "EXISTS (SELECT 1 FROM AttendanceOccurrence tq JOIN Attendance tx ON tx.OccurrenceId = tq.Id"
            f" WHERE tq.GroupId = {group}.Id{moved} AND {self.attended('tx', 'tq', group)})"
        )
        if not (self.facts.has_placeholder and self.facts.has("Attendance", "GroupId")):
            return condition
        return (
            f"({condition} OR EXISTS (SELECT 1 FROM Attendance tx JOIN AttendanceOccurrence tq ON"
            f" tq.Id = tx.OccurrenceId WHERE tx.GroupId = {group}.Id AND tx.OccurrenceId = 1"
            f" AND {self.attended('tx', 'tq', group)}))"
        )

    # --- contributions ----------------------------------------------------------------------------------------------

    def _statuses_of_no_gift(self) -> list[str]:
        """F2, as SQL compares: without spaces at the ends, in lower case."""
        decided = {text.strip(" ").lower(): meaning for text, meaning in self.settings.statuses.items()}
        meanings = {"failed": StatusMeaning.NOT_GIFT} | decided
        return sorted(text for text, meaning in meanings.items() if text and meaning is StatusMeaning.NOT_GIFT)

    def transaction_types(self) -> frozenset[int]:
        """Result: the ids of the transaction types that are imported (F1)."""
        wanted = {guids.CONTRIBUTION, *(guid.lower() for guid in self.settings.transaction_types)}
        return self.facts.lookup_ids(guids.TRANSACTION_TYPES, *wanted)

    def gift(self, line: str, transaction: str, batch: str, account: str) -> str:
        """Result: F1."""
        conditions = [among(f"{transaction}.TransactionTypeValueId", self.transaction_types())]
        if self.facts.has("FinancialTransaction", "FutureProcessingDateTime"):
            conditions.append(f"{transaction}.FutureProcessingDateTime IS NULL")
        failed = ", ".join(f":{name}" for name in self.values if name.startswith("status"))
        if failed:
            conditions.append(
                f"({transaction}.Status IS NULL OR LOWER(LTRIM(RTRIM({transaction}.Status))) NOT IN ({failed}))"
            )
        if "start" in self.values:
            moment = self.gift_moment(line, transaction, batch)
            conditions.append(f"({moment} IS NULL OR CAST({moment} AS date) >= :start)")
        conditions.append(self.campus(f"{account}.CampusId", f"{batch}.CampusId"))
        return " AND ".join(conditions)

    @staticmethod
    def gift_moment(line: str, transaction: str, batch: str) -> str:
        """Result: the time whose date part is a line's date (F3)."""
        return (
            f"COALESCE({transaction}.TransactionDateTime, {batch}.BatchStartDateTime,"
            f" {transaction}.CreatedDateTime, {line}.CreatedDateTime)"
        )

    # --- attendance -------------------------------------------------------------------------------------------------

    def occurrence(self, row: str, occurrence: str) -> str:
        """Result: the join of an Attendance row with its occurrence, where there are any."""
        if self.facts.attendance is AttendanceLayout.OLD:
            return ""
        return f" JOIN AttendanceOccurrence {occurrence} ON {occurrence}.Id = {row}.OccurrenceId"

    def place(self, column: str, row: str, occurrence: str) -> str:
        """Result: GroupId, LocationId, ScheduleId or DidNotOccur of an Attendance row (T2, T3)."""
        if self.facts.attendance is AttendanceLayout.OLD:
            return f"{row}.{column}"
        if not self.facts.has_placeholder:
            return f"{occurrence}.{column}"
        if not self.facts.has("Attendance", column):
            return f"CASE WHEN {row}.OccurrenceId <> 1 THEN {occurrence}.{column} END"
        return f"CASE WHEN {row}.OccurrenceId = 1 THEN {row}.{column} ELSE {occurrence}.{column} END"

    def day(self, row: str, occurrence: str) -> str:
        """Result: the date of an Attendance row (T2, T3)."""
        if self.facts.attendance is AttendanceLayout.OLD:
            return f"CAST({row}.StartDateTime AS date)"
        if not self.facts.has_placeholder:
            return f"{occurrence}.OccurrenceDate"
        return (
            f"CASE WHEN {row}.OccurrenceId = 1 THEN CAST({row}.StartDateTime AS date)"
            f" ELSE {occurrence}.OccurrenceDate END"
        )

    def attended(self, row: str, occurrence: str, group: str) -> str:
        """Result: T1, with D1 and C6; `group` is the alias of the row's Group."""
        conditions = [
            f"{row}.DidAttend = 1",
            f"COALESCE({self.place('DidNotOccur', row, occurrence)}, 0) = 0",
        ]
        if "start" in self.values:
            conditions.append(f"{self.day(row, occurrence)} >= :start")
        conditions.append(self.campus(f"{row}.CampusId", f"{group}.CampusId"))
        return " AND ".join(conditions)

    def doubled(self, row: str, occurrence: str, group: str, person: str) -> str:
        """Result: the condition that an earlier row in scope says the same of the same person (T6).

        It is at the same group and on the same day, so that what holds for those holds for both.
        """
        conditions = [
            f"da.PersonId = {person}.Id",
            f"dx.Id < {row}.Id",
            "dx.DidAttend = 1",
            self.campus("dx.CampusId", f"{group}.CampusId"),
        ]
        same_day = f"CAST(dx.StartDateTime AS date) = CAST({row}.StartDateTime AS date)"
        same_place = [
            f"COALESCE(dx.{column}, 0) = COALESCE({row}.{column}, 0)"
            for column in ("GroupId", "LocationId", "ScheduleId")
            if self.facts.has("Attendance", column)
        ]
        held = ["COALESCE(dx.DidNotOccur, 0) = 0"] if self.facts.has("Attendance", "DidNotOccur") else []
        if self.facts.attendance is AttendanceLayout.OLD:
            conditions += [*same_place, *held, same_day]
        else:
            # By the person's few rows, not by the placeholder's very many: its index is of no use.
            own = "dx.OccurrenceId + 0" if self.facts.has_placeholder else "dx.OccurrenceId"
            conditions.append(f"{own} = {row}.OccurrenceId")
            if self.facts.has_placeholder:
                conditions.append(f"({row}.OccurrenceId <> 1 OR ({' AND '.join([*same_place, *held, same_day])}))")
        return (
            "EXISTS (SELECT 1 FROM PersonAlias da JOIN Attendance dx ON dx.PersonAliasId = da.Id"
            f" WHERE {' AND '.join(conditions)})"
        )
