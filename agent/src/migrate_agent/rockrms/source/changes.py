"""What tells that a record changed: ModifiedDateTime of its row, of its parts, and of the people whom it names."""

from __future__ import annotations

from migrate_agent.rockrms.records import RockFacts
from migrate_contract.rockrms import Entity


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


def modified(facts: RockFacts, entity: Entity) -> tuple[tuple[str, ...], str]:
    """Result: the tables whose ModifiedDateTime tells, and the condition for `:since`."""
    tables, conditions = [], []
    for table, condition in _MODIFIED[entity]:
        if facts.has(table.strip("[]"), "ModifiedDateTime"):
            tables.append(table)
            conditions.append(condition)
    return tuple(tables), f"({' OR '.join(conditions)})"
