"""Values as Mission gets them: trimmed texts, local times, dates, money, email addresses, and their JSON."""

from __future__ import annotations

import re
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, Final

import orjson

DIGEST_BYTES: Final = 16
_MAX_EMAIL: Final = 254
_EMAIL: Final = re.compile(r"[^\s@\x00-\x1f\x7f-\x9f]+@(?:[^\s@.\x00-\x1f\x7f-\x9f]+\.)+[^\s@.\x00-\x1f\x7f-\x9f]{2,}")
_UNSENDABLE: Final = re.compile("[\x00\ud800-\udfff]")


def sendable(text: str) -> str:
    """Result: the text, with U+FFFD for NUL and for lone halves of surrogate pairs, which no JSON can carry."""
    return _UNSENDABLE.sub("\ufffd", text)


def trimmed(text: str | None) -> str | None:
    """Result: the text without white space at its ends; None when it is blank."""
    if text is None:
        return None
    return sendable(text).strip() or None


def valid_email(address: str) -> bool:
    """Result: whether a trimmed address is of the form local@domain.tld (P7)."""
    return len(address) <= _MAX_EMAIL and _EMAIL.fullmatch(address) is not None


def local_time(moment: datetime | None) -> str | None:
    """Result: as stored, cut to whole seconds, without offset."""
    return None if moment is None else moment.isoformat(timespec="seconds")


def day(value: date | datetime | None) -> str | None:
    """Result: the date (part)."""
    return None if value is None else value.isoformat()[:10]


def digest(body: bytes) -> bytes:
    """Result: what tells one body from another."""
    return blake2b(body, digest_size=DIGEST_BYTES).digest()


def json_bytes(record: dict[str, Any]) -> bytes:
    """Result: compact JSON; equal records have equal bytes, since their keys are always in the same order."""
    return orjson.dumps(record)


def json_text(value: object) -> str:
    """Result: a part of a record's JSON."""
    return orjson.dumps(value).decode()
