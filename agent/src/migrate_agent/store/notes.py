"""Notes: what is said of a file beside its outcome, each under a code of the catalogue. Pure.

A file is copied all the same; the note warns (of a name that differs only by case, say), and stands in the ledger's
row. One row has one code, the first note's; the sentences of all are in its detail.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migrate_contract.errors import ErrorCode

_BAR = "\x1f"
"""Unit separator: no name that is copied holds it."""
_CODES = {code.value: code for code in ErrorCode}


@dataclass(frozen=True, slots=True)
class Note:
    """`sentence` says which and why, without a full stop."""

    code: ErrorCode
    sentence: str


def packed(notes: Iterable[Note]) -> str | None:
    """Result: the notes as the journal keeps them, the one that gives the code first; None for none."""
    listed = list(notes)
    if not listed:
        return None
    return f"{listed[0].code.value}{_BAR}{'; '.join(note.sentence for note in listed)}"


def unpacked(text: str | None) -> tuple[ErrorCode | None, str | None]:
    """Result: code and sentences. A text of an older journal has no code: then it warned of a look-alike name."""
    if text is None:
        return None, None
    head, bar, sentences = text.partition(_BAR)
    code = _CODES.get(head)
    return (code, sentences) if bar and code else (ErrorCode.NAME_COLLISION, text)
