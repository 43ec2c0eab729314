"""A sign-in service in memory for the checker: tokens die of ninety idle days, of a revocation, and it can be away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from functions.domain.ports import Clock, Row
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable

UNREACHABLE = Retryable(ErrorCode.IDENTITY_UNAVAILABLE, "login.example did not answer")
OUR_SECRET = Fatal(ErrorCode.IDENTITY_MISCONFIGURED, "invalid_client (7000215)")
REVOKED = Fatal(ErrorCode.AZURE_CREDENTIALS_EXPIRED, "invalid_grant (50173): the grant was revoked")
INACTIVE = Fatal(ErrorCode.AZURE_CREDENTIALS_EXPIRED, "invalid_grant (700082): not used for 90 days")


class MemoryRedemptions:
    """`fault`, while set, is what every redemption fails with; `tried` counts them by project."""

    def __init__(self, clock: Clock, life_days: float = 90) -> None:
        self._clock = clock
        self._life = timedelta(days=life_days)
        self._used: dict[str, datetime] = {}
        self.fault: MigrateError | None = None
        self.tried: dict[str, list[datetime]] = {}
        self.before: Callable[[str], None] | None = None

    def sign_in(self, project_id: str) -> None:
        """A person signs in: a fresh token."""
        self._used[project_id] = self._clock()

    def redeemed_at(self, project: Row) -> datetime | None:
        return self._used.get(project.rk)

    def redeem(self, project: Row) -> datetime:
        now = self._clock()
        if self.before is not None:
            self.before(project.rk)
        self.tried.setdefault(project.rk, []).append(now)
        if self.fault is not None:
            raise type(self.fault)(self.fault.code, self.fault.detail)
        if now - self._used[project.rk] >= self._life:
            raise Fatal(INACTIVE.code, INACTIVE.detail)
        self._used[project.rk] = now
        return now
