"""What one line of the error catalogue is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Fault(StrEnum):
    """Whose turn it is; set in the catalogue."""

    CUSTOMER = "customer"
    OPERATOR = "operator"
    TRANSIENT = "transient"
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalogue. `status` is the HTTP status where the code reaches HTTP."""

    title: str
    fix: str
    fault: Fault
    status: int
    retryable: bool = False
