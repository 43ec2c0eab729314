"""PrayerRequest rows to Mission's prayer requests (rules Y1 to Y6). Their text is confidential: no note quotes it."""

from __future__ import annotations

from migrate_agent.rockrms.mapping.context import Context
from migrate_agent.rockrms.mapping.texts import day, digest, json_bytes, local_time, sendable, trimmed, valid_email
from migrate_agent.rockrms.records import Mapped, Note, Page, Row, Skipped
from migrate_contract.errors import ErrorCode


class Prayers:
    """Maps pages of prayer requests."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def map(self, page: Page) -> list[Mapped | Skipped]:
        """Result: one answer per row, in order."""
        return [self._one(row) for row in page.rows]

    def _one(self, row: Row) -> Mapped:
        context = self._context
        source_id, first, last, email, text, answer, entered, expires = row[:8]
        public, approved, active, urgent, comments, prayers = row[8:14]
        person_id, category, campus_id, group_id, group_sent = row[14:19]
        external_id = context.id_of("PrayerRequest", source_id)
        notes: tuple[Note, ...] = ()
        email = trimmed(email)
        if email is not None and not valid_email(email):
            email = None
            notes = (Note(ErrorCode.EMAIL_INVALID, "the address was left out"),)
        somebody = person_id is not None and person_id not in context.facts.anonymous
        body = json_bytes(
            {
                "external_id": external_id,
                "first_name": trimmed(first),
                "last_name": trimmed(last),
                "email": email,
                "text": sendable(text),
                "answer": sendable(answer) if answer is not None and trimmed(answer) is not None else None,
                "entered_at": local_time(entered),
                "expires_on": day(expires),
                "is_public": bool(public),
                "is_approved": bool(approved),
                "is_active": bool(active),
                "is_urgent": bool(urgent),
                "allow_comments": bool(comments),
                "prayer_count": max(prayers or 0, 0),
                "external_person_id": context.id_of("Person", person_id) if somebody else None,
                "category": trimmed(category),
                "campus": context.campus(campus_id),
                "group_external_id": context.id_of("Group", group_id) if group_id is not None and group_sent else None,
            }
        )
        return Mapped(source_id, external_id, body, digest(body), notes)
