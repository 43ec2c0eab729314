"""What the token refresh checker remembers of a connection, and whether it is to be looked at now. Pure.

Nouns: a *look* is the daily visit of one connection; it is *claimed* before it is made, so that two instances make it
once, and *done* when its result is written. A claim whose instance died is free again after a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum, unique

from functions.domain import rows
from functions.domain.ports import Row, Value
from migrate_contract.errors import ErrorCode


@unique
class LookResult(StrEnum):
    """What a look came to; set by the checker."""

    REDEEMED = "redeemed"
    """The token was used, and lives on."""
    NOT_DUE = "not-due"
    """It was used within the week."""
    REFUSED = "refused"
    """Microsoft says that the customer has to sign in again; found by this look."""
    LAPSED = "lapsed"
    """No redemption has succeeded for the token's life."""
    UNAVAILABLE = "unavailable"
    """Nobody's fault and passing: tried again at the next look."""
    MISCONFIGURED = "misconfigured"
    """Our own registration is refused: the operator's turn, not the customer's."""
    AUTH_REQUIRED = "auth-required"
    """The sign-in had ended before."""
    BROKEN = "broken"
    """The look failed by a fault of ours or of our storage; it is made again soon."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the last look left; all of it is of one connection."""

    connected_at: datetime
    failing_since: datetime | None = None
    """The first look at which the redemption that was due did not succeed; None where the last one did."""
    told: str = ""
    """The newest mail that was posted: its kind and day. It saves posting it again, no more."""
    reconnected: bool = False
    """The last look was at an earlier connection of the project."""


def is_due(row: Row | None, connected_at: datetime, now: datetime, claim_seconds: float) -> bool:
    """Result: whether this connection has not been looked at today (UTC), and no instance is at it."""
    if row is None:
        return True
    if rows.text(row, "done_on") == now.date().isoformat() and not _is_of_another(row, connected_at):
        return False
    claimed_at = rows.moment(row, "claimed_at")
    return claimed_at is None or claimed_at + timedelta(seconds=claim_seconds) <= now


def claim_columns(run_id: str, now: datetime) -> dict[str, Value]:
    """Result: the columns of a look that is about to be made."""
    return {"claimed_at": now, "claimed_by": run_id}


def remembered(row: Row | None, connected_at: datetime) -> Remembered:
    """Result: what was left by looks at this very connection; nothing of an earlier one."""
    if row is None or rows.moment(row, "connected_at") != connected_at:
        return Remembered(connected_at, reconnected=row is not None and _is_of_another(row, connected_at))
    failing = rows.moment(row, "failing_since") if rows.flag(row, "failing") else None
    return Remembered(connected_at, failing, rows.text(row, "told"))


def _is_of_another(row: Row, connected_at: datetime) -> bool:
    known = rows.moment(row, "connected_at")
    return known is not None and known != connected_at


@dataclass(frozen=True, slots=True)
class Look:
    """One look as it ended."""

    result: LookResult
    memory: Remembered
    account: str
    client_id: str
    redeemed_at: datetime
    expires_at: datetime
    detail: str = ""
    code: ErrorCode | None = None
    """What the redemption failed with."""

    def columns(self, now: datetime, on: date) -> Mapping[str, Value]:
        """Result: the columns of the done look. A broken one is not done: its claim ends by itself."""
        failing = self.memory.failing_since
        return {
            "done_on": on.isoformat(),
            "looked_at": now,
            "result": self.result.value,
            "detail": self.detail[:2000],
            "account": self.account,
            "client_id": self.client_id,
            "connected_at": self.memory.connected_at,
            "failing": failing is not None,
            "failing_since": failing,
            "told": self.memory.told,
            "redeemed_at": self.redeemed_at,
            "expires_at": self.expires_at,
        }
