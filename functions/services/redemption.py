"""Redemption: trades the refresh token of a project's connection for access."""

from __future__ import annotations

from datetime import datetime

from functions.domain.ports import Row


class Redemption:
    """Uses the stored sign-in of a project; the project's row is given as it was read."""

    def redeemed_at(self, project: Row) -> datetime | None:
        """Result: when the connection's token was last used with success; None where it has none."""
        raise NotImplementedError

    def redeem(self, project: Row) -> datetime:
        """Uses the connection's token now, which keeps it alive. Result: when that succeeded.

        Raises Fatal(azure-credentials-expired) where the customer has to sign in again,
        Fatal(identity-misconfigured) where the operator has to act, Retryable(identity-unavailable).
        """
        raise NotImplementedError

    def token(self, project: Row) -> str:
        """Result: an access token for the stored account's tenant; a refusal as `redeem` raises it."""
        raise NotImplementedError
