"""What belongs to a row one to many: phones, families, members, addresses, and the parents of groups."""

from __future__ import annotations

from collections.abc import Sequence

from migrate_agent.rockrms import guids
from migrate_agent.rockrms.records import RockFacts
from migrate_agent.rockrms.source.scope import Scope, among, not_among
from migrate_agent.rockrms.source.statement import Range
from migrate_contract.rockrms import Entity


class Parts:
    """The statements of all parts, for one database and one import."""

    def __init__(self, facts: RockFacts, scope: Scope) -> None:
        self._facts = facts
        self._scope = scope

    def of(self, entity: Entity, rows: Range) -> dict[str, str]:
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
