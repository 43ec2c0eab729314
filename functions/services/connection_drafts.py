"""Drafts of a customer's connection: look at the containers, prove access, save."""

from __future__ import annotations

from functions.domain.connection import Connector
from functions.domain.connection_views import ContainersView, DraftView
from functions.domain.views import AzureConnectionView


class ConnectionDrafts:
    """What happens between the sign-in and the saved connection."""

    def show(self, who: Connector, draft_id: str) -> DraftView:
        """Result: the draft. Raises Fatal(sign-in-expired)."""
        raise NotImplementedError

    def containers(self, who: Connector, draft_id: str) -> ContainersView:
        """Result: the account's containers. A refusal to list them is no refusal: the name can be typed."""
        raise NotImplementedError

    def test(self, who: Connector, draft_id: str, container: str) -> None:
        """Proves access by the very calls that a job needs.

        Raises Fatal: azure-role-missing, azure-role-scope (both Retryable for ten minutes after the first of them, as
        a fresh role needs), azure-firewall, azure-account-disabled, azure-wrong-tenant, azure-container-invalid,
        azure-credentials-expired, sign-in-expired.
        """
        raise NotImplementedError

    def save(self, who: Connector, draft_id: str, container: str) -> AzureConnectionView:
        """Result: the project's connection, after the test: the sign-in before it is destroyed. Raises as `test`."""
        raise NotImplementedError
