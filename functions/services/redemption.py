"""Redemption: trades the refresh token of a project's connection for access, and keeps the token that takes its place.

Each redemption answers a new refresh token; the old one stays good for a while, so two instances that redeem at once
both have one that lives, and the first that is written stays. A refusal counts only if nobody has renewed meanwhile.
"""

from __future__ import annotations

from datetime import datetime

from functions.domain import rows
from functions.domain.identity_ports import IdentityService
from functions.domain.ports import Clock, Row
from functions.services.projects import connection_view
from functions.services.token_store import StoredSignIn, TokenStore
from migrate_contract.errors import ErrorCode, Fatal, Retryable

_TRIES = 3


class Redemption:
    """Uses the stored sign-in of a project; the project's row is given as it was read."""

    def __init__(self, clock: Clock, identity: IdentityService, store: TokenStore) -> None:
        self._clock = clock
        self._identity = identity
        self._store = store

    def redeemed_at(self, project: Row) -> datetime | None:
        """Result: when the connection's token was last used with success; None where it has none."""
        stored = self.stored(project)
        return stored.redeemed_at if stored else None

    def redeem(self, project: Row) -> datetime:
        """Uses the connection's token now, which keeps it alive. Result: when that succeeded.

        Raises Fatal(azure-credentials-expired) where the customer has to sign in again,
        Fatal(identity-misconfigured) and Fatal(secret-unreadable) where the operator has to act,
        Retryable(identity-unavailable), Retryable(key-vault-unavailable).
        """
        now = self._clock()
        self.access(self.need(project))
        return now

    def token(self, project: Row) -> str:
        """Result: an access token for the stored account's tenant; a refusal as `redeem` raises it."""
        return self.access(self.need(project))

    def stored(self, project: Row) -> StoredSignIn | None:
        """Result: the sign-in behind the project's connection; None where it has none."""
        connection = connection_view(project)
        if connection is None or not connection.signs_in:
            return None
        return self._store.get(project.pk, project.rk, connection.connection_id)

    def need(self, project: Row) -> StoredSignIn:
        """Result: the sign-in behind the project's connection. Raises Fatal(NO_AZURE_CONNECTION)."""
        stored = self.stored(project)
        if stored is None:
            raise Fatal(
                ErrorCode.NO_AZURE_CONNECTION, f"Project {rows.text(project, 'name')} was disconnected meanwhile."
            )
        return stored

    def access(self, stored: StoredSignIn) -> str:
        """Result: an access token of this sign-in, a draft's too; a refusal as `redeem` raises it."""
        current = stored
        for _ in range(_TRIES):
            try:
                redeemed = self._identity.redeem(current.tenant_id, self._store.refresh_token(current))
            except Fatal as fatal:
                if fatal.code is not ErrorCode.AZURE_CREDENTIALS_EXPIRED:
                    raise
                current = self._renewed_meanwhile(current, fatal)
                continue
            if self._store.rotate(current, redeemed.refresh_token, self._clock()) is None:
                raise _gone()
            return redeemed.access_token
        raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The sign-in is being renewed by several at once.")

    def _renewed_meanwhile(self, refused: StoredSignIn, fatal: Fatal) -> StoredSignIn:
        """Result: the sign-in with another token than the one that was refused. Raises the refusal if there is none."""
        now = self._store.get(refused.organization, refused.project_id, refused.connection_id)
        if now is None:
            raise _gone() from fatal
        if now.sealed == refused.sealed:
            raise fatal
        return now


def _gone() -> Fatal:
    return Fatal(ErrorCode.NO_AZURE_CONNECTION, "The project was disconnected meanwhile.")
