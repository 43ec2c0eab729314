"""Sign-ins at Microsoft: state, nonce and verifier are kept here, once, for ten minutes."""

from __future__ import annotations

from collections.abc import Mapping

from functions.domain.connection import Connector, SignInStart
from functions.domain.connection_views import DraftView


class SignIns:
    """Begins and finishes sign-ins; what comes of one is a draft of a connection."""

    def begin(self, who: Connector, account: str, container: str = "") -> SignInStart:
        """Result: where to send the browser. `account` and `container` as typed.

        Raises Fatal: azure-account-invalid, azure-container-invalid, azure-account-not-found, azure-account-disabled,
        azure-firewall, customer-sign-in-missing; Retryable.
        """
        raise NotImplementedError

    def finish(self, browser: str, answer: Mapping[str, str]) -> DraftView:
        """Result: the draft. `answer` is the query of the callback, `browser` the secret of the browser's cookie.

        Raises SignInRefused: sign-in-state-lost, sign-in-expired, azure-consent-denied, azure-approval-needed (with
        the tenant), azure-wrong-tenant, sign-in-refused; Fatal(identity-misconfigured); Retryable.
        """
        raise NotImplementedError

    def approval_url(self, tenant_id: str) -> str:
        """Result: where an administrator of that tenant approves the app for everybody there."""
        raise NotImplementedError
