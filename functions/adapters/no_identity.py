"""The ports of the customer's sign-in where a deployment has none set up: every call says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from functions.domain.identity_ports import BegunSignIn, Redeemed, SignedIn, WrappedKey
from migrate_contract.errors import ErrorCode, Fatal


def _missing() -> NoReturn:
    raise Fatal(ErrorCode.CUSTOMER_SIGN_IN_MISSING, "ONEMIGRATE_CONSENT_CLIENT_ID is not set.")


class NoIdentity:
    """Signs nobody in."""

    def begin(self, tenant_id: str, redirect_uri: str) -> BegunSignIn:
        """See the port."""
        _missing()

    def finish(self, tenant_id: str, flow: str, answer: Mapping[str, str]) -> SignedIn:
        """See the port."""
        _missing()

    def redeem(self, tenant_id: str, refresh_token: str) -> Redeemed:
        """See the port."""
        _missing()

    def approval_url(self, tenant_id: str, redirect_uri: str) -> str:
        """See the port."""
        _missing()


class NoWrapping:
    """Wraps nothing."""

    def current(self) -> str:
        """See the port."""
        _missing()

    def wrap(self, key: bytes) -> WrappedKey:
        """See the port."""
        _missing()

    def unwrap(self, wrapped: WrappedKey) -> bytes:
        """See the port."""
        _missing()
