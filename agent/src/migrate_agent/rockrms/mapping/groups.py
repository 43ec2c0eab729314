"""All other groups, with their members, to Mission's groups (rules R1 to R6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from migrate_agent.rockrms.mapping.context import Context, Record
from migrate_agent.rockrms.mapping.texts import digest, json_bytes, local_time, trimmed
from migrate_agent.rockrms.records import Mapped, Note, Page, Row, Skipped
from migrate_contract.errors import ErrorCode

_SKIPPED, _ACTIVE = 0, 1
"""Of a group: not sent, sent as active, or (2) sent as closed since attendance names it."""
_STATUSES: Final = {0: "inactive", 1: "active", 2: "pending"}
_STRENGTH: Final = {1: 0, 2: 1, 0: 2}


class Groups:
    """Maps pages of groups."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def map(self, page: Page) -> list[Mapped | Skipped]:
        """Result: one answer per row, in order."""
        members, ancestors = page.parts.get("members", {}), page.parts.get("ancestors", {})
        return [self._one(row, members.get(row[0], ()), ancestors) for row in page.rows]

    def _one(self, row: Row, members: Sequence[Row], ancestors: Mapping[int, Sequence[Row]]) -> Mapped | Skipped:
        context = self._context
        source_id, name, type_name, description, parent_id, campus_id, state = row
        external_id = context.id_of("Group", source_id)
        if state == _SKIPPED:
            return Skipped(source_id, external_id, ErrorCode.GROUP_CLOSED, "inactive or archived, and nobody attended")
        notes: list[Note] = []
        parent = nearest_sent(source_id, parent_id, ancestors)
        if parent != parent_id:
            place = "to the top" if parent is None else f"below {context.id_of('Group', parent)}"
            notes.append(Note(ErrorCode.GROUP_REPARENTED, f"group {parent_id} is not moved: put {place}"))
        sent_members = self._members(members)
        if len(sent_members) < len(members):
            notes.append(Note(ErrorCode.MEMBERSHIP_DOUBLED, f"{len(members) - len(sent_members)} left out"))
        body = json_bytes(
            {
                "external_id": external_id,
                "name": trimmed(name),
                "type": trimmed(type_name),
                "description": trimmed(description),
                "parent_external_id": context.maybe("Group", parent),
                "campus": context.campus(campus_id),
                "status": "active" if state == _ACTIVE else "closed",
                "members": sent_members,
            }
        )
        return Mapped(source_id, external_id, body, digest(body), tuple(notes))

    def _members(self, members: Sequence[Row]) -> list[Record]:
        """R4 and R5."""
        best: dict[tuple[int, int], Row] = {}
        for row in members:
            key = (row[2], row[3])
            known = best.get(key)
            if known is None or (_STRENGTH.get(row[6], 3), row[1]) < (_STRENGTH.get(known[6], 3), known[1]):
                best[key] = row
        return [
            {
                "external_id": self._context.id_of("GroupMember", member_id),
                "external_person_id": self._context.id_of("Person", person_id),
                "role": trimmed(role),
                "is_leader": bool(is_leader),
                "status": _STATUSES.get(status, "inactive"),
                "joined_at": local_time(added),
            }
            for _, member_id, person_id, _, role, is_leader, status, added in sorted(
                best.values(), key=lambda row: row[1]
            )
        ]


def nearest_sent(group_id: int, parent_id: int | None, ancestors: Mapping[int, Sequence[Row]]) -> int | None:
    """Result: R3; an ancestor's row is (group, parent, whether it is sent)."""
    seen = {group_id}
    while parent_id is not None and parent_id not in seen:
        seen.add(parent_id)
        found = ancestors.get(parent_id, ())
        if not found:
            return None
        _, above, sent = found[0]
        if sent:
            return parent_id
        parent_id = above
    return None
