"""Attendance rows to Mission's attendance (rules T1 to T9); as quick as contributions, and in the same way."""

from __future__ import annotations

from typing import Final

from migrate_agent.rockrms.mapping.context import Context
from migrate_agent.rockrms.mapping.texts import digest, json_text, local_time, trimmed
from migrate_agent.rockrms.records import AttendanceLayout, Mapped, Page, Skipped
from migrate_contract.errors import ErrorCode

_REMEMBERED: Final = 50_000
_PLACEHOLDER: Final = 1
_FIRST: Final = {None: "null", False: "false", True: "true"}


class Attendance:
    """Maps pages of attendance."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._campuses = {id_: json_text(named) for id_, named in context.campuses.items()}
        self._names: dict[str | None, str] = {None: "null"}

    def map(self, page: Page) -> list[Mapped | Skipped]:
        """Result: one answer per row, in order."""
        context, facts = self._context, self._context.facts
        prefix, person_prefix = context.id_of("Attendance", ""), context.id_of("Person", "")
        occurrence_prefix, group_prefix = context.id_of("AttendanceOccurrence", ""), context.id_of("Group", "")
        old, placeholder = facts.attendance is AttendanceLayout.OLD, facts.has_placeholder
        anonymous, campuses = facts.anonymous, self._campuses
        found: list[Mapped | Skipped] = []
        for (
            source_id,
            person_id,
            doubled,
            occurrence_id,
            date,
            started,
            group_id,
            location_id,
            schedule_id,
            is_group,
            own_campus,
            group_campus,
            location,
            schedule,
            first_time,
        ) in page.rows:
            external_id = f"{prefix}{source_id}"
            if person_id is None or person_id in anonymous:
                found.append(
                    Skipped(
                        source_id, external_id, ErrorCode.ATTENDANCE_WITHOUT_PERSON, "it names nobody, or an anonymous"
                    )
                )
                continue
            if doubled:
                found.append(
                    Skipped(source_id, external_id, ErrorCode.ATTENDANCE_DOUBLED, f"also an earlier row of {person_id}")
                )
                continue
            on = date.isoformat()
            if old or (placeholder and occurrence_id == _PLACEHOLDER):
                occurrence = f"g{group_id or 0}-l{location_id or 0}-s{schedule_id or 0}-{on}"
            else:
                occurrence = occurrence_id
            group = f'"{group_prefix}{group_id}"' if is_group and group_id is not None else "null"
            campus = own_campus if own_campus is not None else group_campus
            body = (
                f'{{"external_id":"{external_id}","external_person_id":"{person_prefix}{person_id}",'
                f'"occurrence_external_id":"{occurrence_prefix}{occurrence}",'
                f'"group_external_id":{group},'
                f'"date":"{on}","started_at":"{local_time(started)}",'
                f'"campus":{campuses.get(campus, "null")},'
                f'"location":{self._names.get(location) or self._name(location)},'
                f'"schedule":{self._names.get(schedule) or self._name(schedule)},'
                f'"first_time":{_FIRST[first_time]},"notes":[]}}'
            ).encode()
            found.append(Mapped(source_id, external_id, body, digest(body)))
        return found

    def _name(self, name: str) -> str:
        if len(self._names) >= _REMEMBERED:
            self._names = {None: "null"}
        text = self._names[name] = json_text(trimmed(name))
        return text
