"""Groups of type Family to Mission's families (rules G1 to G7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from migrate_agent.rockrms.mapping.context import Context, Record, primary_family
from migrate_agent.rockrms.mapping.texts import digest, json_bytes, trimmed
from migrate_agent.rockrms.records import Mapped, Note, Page, Row, Skipped
from migrate_contract.errors import ErrorCode

_MOVED, _DROPPED = 0, 1
"""Of a member: the person is moved as such, is dropped (a placeholder here), or (2) is anonymous."""
_STRENGTH: Final = {"adult": 0, "child": 1, "other": 2}


class Families:
    """Maps pages of families."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def map(self, page: Page) -> list[Mapped | Skipped]:
        """Result: one answer per row, in order."""
        members, addresses = page.parts.get("members", {}), page.parts.get("addresses", {})
        families = page.parts.get("families", {})
        return [self._one(row, members.get(row[0], ()), addresses.get(row[0], ()), families) for row in page.rows]

    def _one(
        self, row: Row, members: Sequence[Row], addresses: Sequence[Row], families: Mapping[int, Sequence[Row]]
    ) -> Mapped | Skipped:
        context = self._context
        source_id, name, campus_id, archived = row
        external_id = context.id_of("Group", source_id)
        if archived:
            return Skipped(source_id, external_id, ErrorCode.FAMILY_ARCHIVED, "IsArchived is 1")
        people = [each for each in members if each[3] is not None and each[4] <= _DROPPED]
        if source_id == context.facts.anonymous_family:
            return Skipped(source_id, external_id, ErrorCode.FAMILY_OF_NOBODY, "the Anonymous Family")
        if members and not any(each[4] == _MOVED for each in people):
            return Skipped(source_id, external_id, ErrorCode.FAMILY_OF_NOBODY, "no member is a person who is moved")
        notes: list[Note] = []
        sent_members = self._members(source_id, people, families)
        if len(sent_members) < len(people):
            notes.append(Note(ErrorCode.MEMBERSHIP_DOUBLED, f"{len(people) - len(sent_members)} left out"))
        address, others = self._address(addresses)
        if others:
            notes.append(Note(ErrorCode.ADDRESS_AMBIGUOUS, f"{others + 1} home addresses of the same rank"))
        body = json_bytes(
            {
                "external_id": external_id,
                "name": trimmed(name),
                "campus": context.campus(campus_id),
                "address": address,
                "members": sent_members,
            }
        )
        return Mapped(source_id, external_id, body, digest(body), tuple(notes))

    def _members(self, family_id: int, people: Sequence[Row], families: Mapping[int, Sequence[Row]]) -> list[Record]:
        """G4 and G5."""
        roles: dict[int, str] = {}
        rows: dict[int, Row] = {}
        for row in people:
            person_id, role = row[1], self._context.facts.family_roles.get(row[2], "other")
            if person_id not in roles or _STRENGTH[role] < _STRENGTH[roles[person_id]]:
                roles[person_id] = role
            rows[person_id] = row
        members = []
        for person_id, role in sorted(roles.items()):
            primary = primary_family(rows[person_id][5], list(families.get(person_id, ())))
            members.append(
                {
                    "external_person_id": self._context.id_of("Person", person_id),
                    "role": role,
                    "is_primary": rows[person_id][4] == _MOVED and primary is not None and primary[1] == family_id,
                }
            )
        return members

    @staticmethod
    def _address(rows: Sequence[Row]) -> tuple[Record | None, int]:
        """G7: the address, and how many others it could have been."""
        usable = [row for row in rows if any(trimmed(part) for part in row[5:10])]
        best = [row for row in usable if row[3]] or [row for row in usable if row[4]] or usable
        if not best:
            return None, 0
        street1, street2, city, state, postal_code, country = map(trimmed, max(best, key=lambda row: row[1])[5:11])
        address: Record = {
            "street1": street1,
            "street2": street2,
            "city": city,
            "state": state,
            "postal_code": postal_code,
            "country": country,
        }
        return address, len({row[2] for row in best}) - 1
