"""When a customer's sign-in is renewed, when somebody is told that it is not, and when it has ended. Pure.

Nouns: a *redemption* trades the refresh token of a connection for new ones, which keeps it alive; a sign-in *lapses*
where none has succeeded for the token's life; a *notice* is a mail that so many days are left; the *end* of a sign-in
is the project's mark that a person has to sign in again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum, unique

from functions.domain import rows
from functions.domain.ports import Row, Value
from functions.domain.views import AzureConnectionView

NOTICE_DAYS = (14, 7, 3, 1)
"""Days left at which the customer is told (product page, row 3)."""
SECRET_NOTICE_DAYS = (30, 14, 7, 3, 1)
"""Days left at which the operator is told that our own client secret ends."""
ENDED_COLUMN = "sign_in_ended"
"""The column of a project's row; its only writer is the service of the same concern."""


@unique
class EndKind(StrEnum):
    """Set by whoever found that the sign-in has ended."""

    REFUSED = "refused"
    """Microsoft says that the customer has to sign in again: trying again cannot help."""
    LAPSED = "lapsed"
    """No redemption has succeeded for the token's life. Still tried, in case that the token outlived it."""


@dataclass(frozen=True, slots=True)
class SignInEnd:
    """Why and since when the project's connection needs a person."""

    connected_at: datetime
    """Of the connection that it is about: a later one has not ended."""
    at: datetime
    kind: EndKind
    reason: str

    @property
    def columns(self) -> dict[str, Value]:
        """Result: the columns of the project's row."""
        return {
            ENDED_COLUMN: self.kind.value,
            f"{ENDED_COLUMN}_at": self.at,
            f"{ENDED_COLUMN}_of": self.connected_at,
            f"{ENDED_COLUMN}_because": self.reason[:2000],
        }


NOT_ENDED: Mapping[str, Value] = {ENDED_COLUMN: ""}
"""The columns of a project whose sign-in works after all."""


def end_of(project: Row, connection: AzureConnectionView | None) -> SignInEnd | None:
    """Result: the end of the sign-in of the project's present connection; None while it works.

    An end of an earlier connection does not count, so that whoever connects need not know of this column.
    """
    kind = rows.text(project, ENDED_COLUMN)
    if connection is None or kind == "":
        return None
    of = rows.need_moment(project, f"{ENDED_COLUMN}_of")
    if of != connection.connected_at:
        return None
    return SignInEnd(
        connected_at=of,
        at=rows.need_moment(project, f"{ENDED_COLUMN}_at"),
        kind=EndKind(kind),
        reason=rows.text(project, f"{ENDED_COLUMN}_because"),
    )


def expires_at(redeemed_at: datetime, life_days: float) -> datetime:
    """Result: when the sign-in lapses, if no redemption succeeds from now on (product page, row 3)."""
    return redeemed_at + timedelta(days=life_days)


def days_left(ends_at: datetime, now: datetime) -> int:
    """Result: whole days by the calendar in UTC, as a mail says them; negative when it is over."""
    return (ends_at.date() - now.date()).days


def redemption_due(redeemed_at: datetime, now: datetime, every_days: float, *, failing: bool) -> bool:
    """Result: whether the token is to be used: weekly, daily while that fails.

    By the calendar, so that looks at slightly different times of day do not make eight days of seven.
    """
    return failing or now.date() >= (redeemed_at + timedelta(days=every_days)).date()


@dataclass(frozen=True, slots=True)
class Notice:
    """One mail of days left. `due_on` names it: however often it is found due, it is one mail."""

    days: int
    due_on: date


def notice_due(ends_at: datetime, now: datetime, days: tuple[int, ...] = NOTICE_DAYS) -> Notice | None:
    """Result: the most urgent notice that is due; those before it are passed over, not sent late."""
    left = days_left(ends_at, now)
    due = [each for each in days if left <= each]
    return Notice(min(due), ends_at.date() - timedelta(days=min(due))) if due else None
