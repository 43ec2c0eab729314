"""One look at one connection: is its sign-in alive, is it to be used, and who is told if that does not succeed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from functions.domain import rows
from functions.domain.expiry import EndKind, SignInEnd, end_of, expires_at, notice_due, redemption_due
from functions.domain.limits import Limits
from functions.domain.ports import Clock, Row
from functions.domain.token_check import Look, LookResult, Remembered
from functions.domain.views import AzureConnectionView
from functions.services.sign_in_ends import SignInEnds
from migrate_contract.errors import ErrorCode, Fatal, Retryable

PASSING = frozenset({ErrorCode.STORAGE_UNAVAILABLE, ErrorCode.CHANGED_MEANWHILE})
"""Passing faults that say nothing of the sign-in: the look is made again soon."""


class Redemptions(Protocol):
    """The part of the redemption that is used here."""

    def redeemed_at(self, project: Row) -> datetime | None:
        """Result: when the connection's token was last used with success; None where it has none."""

    def redeem(self, project: Row) -> datetime:
        """Uses the connection's token now. Result: when that succeeded.

        Raises Fatal(azure-credentials-expired) where the customer has to sign in again, another Fatal where the
        operator has to act, Retryable where it may succeed later.
        """


class TokenLook:
    """Changes nothing but through the redemption and the ends: what it found is the caller's to write."""

    def __init__(self, clock: Clock, limits: Limits, redemptions: Redemptions, ends: SignInEnds) -> None:
        self._clock = clock
        self._limits = limits
        self._redemptions = redemptions
        self._ends = ends

    def look(self, project: Row, connection: AzureConnectionView, memory: Remembered) -> Look:
        """Result: what was found and done. Raises Retryable(storage-unavailable), Retryable(changed-meanwhile)."""
        if memory.reconnected:
            self._ends.works(project)
        redeemed_at = self._redemptions.redeemed_at(project) or connection.connected_at
        found = Look(
            result=LookResult.NOT_DUE,
            memory=memory,
            account=connection.account,
            client_id=rows.text(project, "client_id"),
            redeemed_at=redeemed_at,
            expires_at=expires_at(redeemed_at, self._limits.token_life_days),
        )
        end = end_of(project, connection)
        if end is not None and end.kind is EndKind.REFUSED:
            memory = self._told(project, connection, end, memory)
            return replace(found, result=LookResult.AUTH_REQUIRED, memory=memory, detail=end.reason)
        failing = memory.failing_since is not None or end is not None
        if not redemption_due(redeemed_at, self._clock(), self._limits.redeem_every_days, failing=failing):
            return found
        return self._redeemed(project, connection, found, end)

    def _redeemed(self, project: Row, connection: AzureConnectionView, found: Look, end: SignInEnd | None) -> Look:
        """Result: the look, after the token was used or could not be."""
        try:
            redeemed_at = self._redemptions.redeem(project)
        except Fatal as fatal:
            if fatal.code is ErrorCode.AZURE_CREDENTIALS_EXPIRED:
                marked = self._ends.found(project, EndKind.REFUSED, fatal.detail)
                result = LookResult.REFUSED if marked is not None else LookResult.NOT_DUE
                return replace(found, result=result, detail=fatal.detail)
            if fatal.code is ErrorCode.NO_AZURE_CONNECTION:
                return found  # Disconnected this moment.
            return self._failed(found, LookResult.MISCONFIGURED, fatal)
        except Retryable as passing:
            if passing.code in PASSING:
                raise
            return self._not_now(project, connection, self._failed(found, LookResult.UNAVAILABLE, passing), end)
        if end is not None or found.memory.failing_since is not None:
            self._ends.works(project)
        return replace(
            found,
            result=LookResult.REDEEMED,
            memory=Remembered(found.memory.connected_at),
            redeemed_at=redeemed_at,
            expires_at=expires_at(redeemed_at, self._limits.token_life_days),
        )

    def _failed(self, found: Look, result: LookResult, fault: Fatal | Retryable) -> Look:
        since = found.memory.failing_since or self._clock()
        return replace(
            found,
            result=result,
            memory=replace(found.memory, failing_since=since),
            detail=fault.detail,
            code=fault.code,
        )

    def _not_now(self, project: Row, connection: AzureConnectionView, found: Look, end: SignInEnd | None) -> Look:
        """The sign-in service did not answer: the customer is told while there is time, and when there is none."""
        if end is not None or self._clock() >= found.expires_at:
            reason = (
                f"the sign-in could not be renewed since {found.redeemed_at:%Y-%m-%d}, and one ends after "
                f"{self._limits.token_life_days:g} days without ({found.detail})"
            )
            marked = end or self._ends.found(project, EndKind.LAPSED, reason)
            if marked is None:
                return replace(found, result=LookResult.NOT_DUE)
            memory = self._told(project, connection, marked, found.memory)
            return replace(found, result=LookResult.LAPSED, memory=memory)
        notice = notice_due(found.expires_at, self._clock())
        if notice is None or found.memory.told == (told := f"expiring {notice.due_on.isoformat()}"):
            return found
        self._ends.announce(project, connection, notice, found.expires_at, found.detail)
        return replace(found, memory=replace(found.memory, told=told))

    def _told(self, project: Row, connection: AzureConnectionView, end: SignInEnd, memory: Remembered) -> Remembered:
        """Makes sure that the mail of the end was posted, whoever found it. Result: remembers that."""
        told = f"ended {end.at.isoformat()}"
        if memory.told != told:
            self._ends.tell(project, connection, end)
        return replace(memory, told=told)
