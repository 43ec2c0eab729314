"""Person rows to Mission's people (rules P1 to P17 and A4 of docs/rockrms-rules.md)."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from typing import Final

from migrate_agent.rockrms import guids
from migrate_agent.rockrms.mapping.context import Context, Record, primary_family
from migrate_agent.rockrms.mapping.texts import digest, json_bytes, local_time, trimmed, valid_email
from migrate_agent.rockrms.records import Mapped, Note, Page, Row, Skipped
from migrate_contract.errors import ErrorCode

UNKNOWN: Final = "Unknown"
_GENDERS: Final = {1: "male", 2: "female"}
_PREFERENCES: Final = {0: "allowed", 1: "no-mass"}
_DROPPED, _PLACEHOLDER = 0, 2
"""In the third column: 1 is a record that is moved."""
_LEAP_YEAR: Final = 2000


def birth(year: int | None, month: int | None, day: int | None) -> tuple[int | None, int | None, int | None, bool]:
    """Result: year, month and day that can be, and whether something was left out (P8)."""
    known_year = year if year is not None and 1 < year < 9999 else None
    wrong = month is not None and not 1 <= month <= 12
    known_month = None if month is None or wrong else month
    known_day = day
    if day is not None:
        longest = 0 if known_month is None else calendar.monthrange(known_year or _LEAP_YEAR, known_month)[1]
        if not 1 <= day <= longest:
            known_day, wrong = None, True
    return known_year, known_month, known_day, wrong


class People:
    """Maps pages of people."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def map(self, page: Page) -> list[Mapped | Skipped]:
        """Result: one answer per row, in order."""
        phones, families, former = (page.parts.get(name, {}) for name in ("phones", "families", "former"))
        return [
            self._one(row, phones.get(row[0], ()), families.get(row[0], ()), former.get(row[0], ()))
            for row in page.rows
        ]

    def _one(self, row: Row, phones: Sequence[Row], families: Sequence[Row], former: Sequence[Row]) -> Mapped | Skipped:
        context = self._context
        source_id, record_type, moved = row[0], row[1], row[2]
        external_id = context.id_of("Person", source_id)
        if source_id in context.facts.anonymous:
            return Skipped(source_id, external_id, ErrorCode.PERSON_ANONYMOUS, "gifts to it are sent without a person")
        if moved == _DROPPED:
            label = context.label(record_type) or "without a name"
            return Skipped(source_id, external_id, ErrorCode.RECORD_TYPE_NOT_MOVED, f"record type {label}")
        if moved == _PLACEHOLDER:
            return self._placeholder(row, external_id, families, former)
        return self._person(row, external_id, phones, families, former)

    def _shared(self, row: Row, families: Sequence[Row]) -> tuple[Row | None, Record]:
        """Primary family, and what placeholders have too."""
        context = self._context
        primary_id, campus_id, giving_id, giving_group = row[23:27]
        family = primary_family(primary_id, list(families))
        if campus_id is None and family is not None:
            campus_id = family[3]
        return family, {
            "campus": context.campus(campus_id),
            "giving_unit": context.giving_unit(row[0], giving_id, giving_group),
        }

    def _placeholder(self, row: Row, external_id: str, families: Sequence[Row], former: Sequence[Row]) -> Mapped:
        """P5."""
        _, shared = self._shared(row, families)
        label = self._context.label(row[1]) or "without a name"
        note = Note(ErrorCode.RECORD_TYPE_NOT_MOVED, f"record type {label}: sent as Unknown, since a record names it")
        body = json_bytes(
            {
                **dict.fromkeys(_KEYS),
                "external_id": external_id,
                "kind": "person",
                "first_name": UNKNOWN,
                "last_name": UNKNOWN,
                "gender": "unknown",
                "is_deceased": False,
                "email_is_active": False,
                "email_preference": "none",
                **shared,
                "phones": [],
                "former_external_ids": self._former(former),
                "notes": [note.code.value],
            }
        )
        return Mapped(row[0], external_id, body, digest(body), (note,))

    def _former(self, former: Sequence[Row]) -> list[str]:
        """A4."""
        return [self._context.id_of("Person", each) for each in sorted({row[1] for row in former})]

    def _person(
        self, row: Row, external_id: str, phones: Sequence[Row], families: Sequence[Row], former: Sequence[Row]
    ) -> Mapped:
        context = self._context
        source_id, record_type, _, has_alias, survivor, first, nick, middle, last = row[:9]
        title, suffix, gender, year, month, day, marital, connection, status, reason = row[9:19]
        deceased, email, email_active, preference = row[19:23]
        notes: list[Note] = []
        type_guid = context.by_guid.get(record_type, "") if record_type is not None else ""
        if type_guid not in (guids.PERSON, guids.BUSINESS):
            notes.append(Note(ErrorCode.RECORD_TYPE_MISSING, "imported as a person"))
        if not has_alias:
            if survivor is not None:
                notes.append(Note(ErrorCode.PERSON_MERGED, f"merged into {context.id_of('Person', survivor)}"))
            else:
                notes.append(Note(ErrorCode.NO_PERSON_ALIAS, "no PersonAlias names this person"))
        first, last = trimmed(first), trimmed(last)
        if first is None and last is None:
            first = last = UNKNOWN
            notes.append(Note(ErrorCode.PERSON_UNNAMED, "no first and no last name: real person or system record?"))
        email = trimmed(email)
        if email is not None and not valid_email(email):
            email = None
            notes.append(Note(ErrorCode.EMAIL_INVALID, "the address was left out"))
        year, month, day, wrong = birth(year, month, day)
        if wrong:
            notes.append(Note(ErrorCode.BIRTH_DATE_INVALID, "what cannot be was left out"))
        sent_phones, malformed = self._phones(phones)
        if malformed:
            notes.append(Note(ErrorCode.PHONE_MALFORMED, f"{malformed} without 7 to 15 digits"))
        family, shared = self._shared(row, families)
        in_filter = family is not None and context.campus_passes(family[3])
        body = json_bytes(
            {
                "external_id": external_id,
                "kind": "business" if type_guid == guids.BUSINESS else "person",
                "first_name": first,
                "nick_name": trimmed(nick),
                "middle_name": trimmed(middle),
                "last_name": last,
                "title": context.label(title),
                "suffix": context.label(suffix),
                "gender": _GENDERS.get(gender, "unknown"),
                "birth_date": f"{year:04}-{month:02}-{day:02}" if year and month and day else None,
                "birth_year": year,
                "birth_month": month,
                "birth_day": day,
                "marital_status": context.label(marital),
                "connection_status": context.label(connection),
                "record_status": context.word(status, guids.RECORD_STATUS),
                "inactive_reason": context.label(reason),
                "is_deceased": bool(deceased),
                "email": email,
                "email_is_active": bool(email_active),
                "email_preference": _PREFERENCES.get(preference, "none"),
                "campus": shared["campus"],
                "primary_family": context.id_of("Group", family[1]) if family is not None and in_filter else None,
                "giving_unit": shared["giving_unit"],
                "phones": sent_phones,
                "former_external_ids": self._former(former),
                "notes": [note.code.value for note in notes],
                "created_at": local_time(row[27]),
            }
        )
        return Mapped(source_id, external_id, body, digest(body), tuple(notes))

    def _phones(self, phones: Sequence[Row]) -> tuple[list[Record], int]:
        """P10: the phones, and how many numbers cannot be right."""
        context, sent, malformed = self._context, [], 0
        for _, phone_id, type_id, country, number, extension, unlisted, messaging, opted_out in phones:
            digits = trimmed(number)
            if digits is None or not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
                malformed += 1
            if digits is None:
                continue
            sent.append(
                {
                    "external_id": context.id_of("PhoneNumber", phone_id),
                    "type": context.word(type_id, guids.PHONE_TYPES) or "other",
                    "number": digits,
                    "country_code": trimmed(country),
                    "extension": trimmed(extension),
                    "is_unlisted": bool(unlisted),
                    "messaging_enabled": bool(messaging) and not opted_out,
                }
            )
        return sent, malformed


_KEYS: Final = (
    "external_id",
    "kind",
    "first_name",
    "nick_name",
    "middle_name",
    "last_name",
    "title",
    "suffix",
    "gender",
    "birth_date",
    "birth_year",
    "birth_month",
    "birth_day",
    "marital_status",
    "connection_status",
    "record_status",
    "inactive_reason",
    "is_deceased",
    "email",
    "email_is_active",
    "email_preference",
    "campus",
    "primary_family",
    "giving_unit",
    "phones",
    "former_external_ids",
    "notes",
    "created_at",
)
"""The keys of a person, in their order."""
