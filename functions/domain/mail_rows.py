"""The rows of mail: how letters and copies are named, and what the columns of a copy say.

Table `mails`, one partition per project (`operators` for mail about none): `ltr|<letter>` says what is to be said,
`cpy|<letter>|<recipient>` what became of it for one recipient, `dlv|<operation id>` what the recipient's server said.
Table `outbox`, one partition per organization: a pointer to each letter that has copies to send.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum, unique

from functions.domain import rows
from functions.domain.mail import MailDraft, MailKind
from functions.domain.ports import Row, Value

MAILS = "mails"
OUTBOX = "outbox"
RECIPIENTS = "recipients"
OPERATIONS = "mailops"
"""Operation id -> the copy, for delivery reports."""
OPERATIONS_ROW = "mail"
OPERATORS_PART = "operators"
LETTER, COPY, DELIVERY = "ltr|", "cpy|", "dlv|"
_NAMESPACE = uuid.UUID("6f0c7f9e-6f0e-4c7b-9c5e-0d2f1b8a4a11")
_SUBJECT = re.compile(r"[A-Za-z0-9_.:-]{1,120}")
_HASH_CHARACTERS = 24


@unique
class CopyState(StrEnum):
    """Set by the outbox alone."""

    WAITING = "waiting"
    """Surely not sent."""
    CLAIMED = "claimed"
    """An instance was about to send it: until `not_before` it may be at it, after that nobody knows."""
    ACCEPTED = "accepted"
    """The mail service has taken it."""
    SENT = "sent"
    """The mail service has sent it."""
    FAILED = "failed"
    """It will not be sent; code and detail say why."""
    WITHDRAWN = "withdrawn"
    """What it says was no longer so before it was sent."""
    UNSUBSCRIBED = "unsubscribed"
    """The recipient wants no mail of this kind."""


OPEN = frozenset({CopyState.WAITING, CopyState.CLAIMED, CopyState.ACCEPTED})
"""States that the outbox still has to do something about."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy as it was read, with the etag for writing it."""

    row: Row
    kind: MailKind
    project_id: str
    address: str
    operation_id: str
    state: CopyState
    not_before: datetime
    tries: int
    created_at: datetime

    @staticmethod
    def of(row: Row) -> Copy:
        """Result: the copy that the row holds."""
        return Copy(
            row=row,
            kind=MailKind(rows.text(row, "kind")),
            project_id=rows.text(row, "project_id"),
            address=rows.text(row, "address"),
            operation_id=rows.text(row, "operation_id"),
            state=CopyState(rows.text(row, "state")),
            not_before=rows.need_moment(row, "not_before"),
            tries=rows.number(row, "tries"),
            created_at=rows.need_moment(row, "created_at"),
        )

    @property
    def is_open(self) -> bool:
        """Result: whether something is left to do."""
        return self.state in OPEN


def part_of(project_id: str) -> str:
    """Result: the part of the partition key for mail about this project."""
    return project_id or OPERATORS_PART


def letter_name(draft: MailDraft) -> str:
    """Result: what makes two drafts the same letter. Raises ValueError for a subject that a key cannot hold."""
    if not _SUBJECT.fullmatch(draft.subject_id):
        raise ValueError(f"a mail's subject id must not be {draft.subject_id!r}")
    return f"{draft.kind.value}|{draft.subject_id}|{draft.due_on.isoformat()}"


def address_hash(address: str) -> str:
    """Result: a recipient in a key: the same for the same mailbox, however its address is written."""
    return hashlib.sha256(normal_address(address).encode()).hexdigest()[:_HASH_CHARACTERS]


def normal_address(address: str) -> str:
    """Result: the address as compared."""
    return address.strip().casefold()


def letter_columns(draft: MailDraft, now: datetime) -> dict[str, Value]:
    """Result: the letter's row, never changed."""
    return {
        "kind": draft.kind.value,
        "subject_id": draft.subject_id,
        "project_id": draft.project_id,
        "due_on": draft.due_on.isoformat(),
        "created_at": now,
        **rows.long_text("facts", json.dumps(dict(draft.facts), ensure_ascii=False)),
    }


def facts_of(letter: Row) -> dict[str, str]:
    """Result: what the letter says."""
    return {str(name): str(value) for name, value in json.loads(rows.joined_text(letter, "facts")).items()}


def copy_columns(draft: MailDraft, partition: str, rk: str, address: str, now: datetime) -> dict[str, Value]:
    """Result: a new copy's row. Its operation id follows from its keys: a restored backup gives it no other."""
    return {
        "kind": draft.kind.value,
        "subject_id": draft.subject_id,
        "project_id": draft.project_id,
        "due_on": draft.due_on.isoformat(),
        "address": address,
        "operation_id": str(uuid.uuid5(_NAMESPACE, f"{partition}|{rk}")),
        "state": CopyState.WAITING.value,
        "not_before": now,
        "tries": 0,
        "created_at": now,
    }


def due_of(row: Row) -> date:
    """Result: the day that the letter is due."""
    return date.fromisoformat(rows.text(row, "due_on"))
