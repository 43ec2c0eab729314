"""What the customer's connection needs from the world, as protocols: sign-in, key wrapping, storage accounts.

Nouns: a *flow* is what has to be remembered between sending a browser to Microsoft and its return; to *wrap* is to
encrypt a key with a key that never leaves its store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from functions.domain.connection import Person, StorageName
from functions.domain.ports import DataAccount


@dataclass(frozen=True, slots=True)
class BegunSignIn:
    """Where the browser goes, and what is remembered meanwhile. `flow` holds state, nonce and verifier."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    flow: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person, whose id token was validated, and the token that their sign-in is renewed with."""

    person: Person
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Access for about an hour, and the token that takes the place of the one that was used."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


class IdentityService(Protocol):
    """Microsoft's sign-in for the consent app.

    Every method may raise Retryable(identity-unavailable), Fatal(identity-misconfigured) and
    Fatal(customer-sign-in-missing).
    """

    def begin(self, tenant_id: str, redirect_uri: str) -> BegunSignIn:
        """Result: a sign-in at that tenant, by authorization code with PKCE."""

    def finish(self, tenant_id: str, flow: str, answer: Mapping[str, str]) -> SignedIn:
        """Result: who signed in. `answer` is what came back with the browser.

        Raises Fatal: azure-consent-denied, azure-approval-needed, azure-wrong-tenant, sign-in-expired,
        sign-in-state-lost, sign-in-refused.
        """

    def redeem(self, tenant_id: str, refresh_token: str) -> Redeemed:
        """Result: access to Azure Storage. Raises Fatal(azure-credentials-expired): a person has to sign in again."""

    def approval_url(self, tenant_id: str, redirect_uri: str) -> str:
        """Result: where an administrator approves the app for a tenant. Calls nothing."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key as it may be stored, and which key wrapped it."""

    key_id: str
    wrapped: bytes


class KeyWrapping(Protocol):
    """Wraps keys. Every method may raise Retryable(key-vault-unavailable), Fatal(customer-sign-in-missing)."""

    def current(self) -> str:
        """Result: the id of the key that wraps now."""

    def wrap(self, key: bytes) -> WrappedKey:
        """Result: 32 bytes, wrapped with the current key."""

    def unwrap(self, wrapped: WrappedKey) -> bytes:
        """Result: the key. Raises Fatal(secret-unreadable) where its wrapping key is gone, or it was changed."""


class CustomerAccount(DataAccount, Protocol):
    """A customer's storage account, opened with a person's access.

    Refusals of every method: Fatal(azure-role-missing), Fatal(azure-role-scope), Fatal(azure-firewall),
    Fatal(azure-account-disabled), Fatal(azure-account-not-found), Fatal(azure-wrong-tenant),
    Retryable(target-unreachable), and those of getting the access.
    """

    def containers(self) -> list[str]:
        """Result: the names of the account's containers, at most 1,000."""

    def prove(self, container: str, probe: str) -> None:
        """Does what a job does: sees or makes the container, signs, writes the blob `probe`, lists it, removes it."""


class CustomerAccounts(Protocol):
    """Customers' storage accounts."""

    def tenant_of(self, name: StorageName) -> str:
        """Result: the tenant that the account takes tokens of, as its own challenge says.

        Raises Fatal(azure-account-not-found), Fatal(azure-account-disabled), Fatal(azure-firewall), Retryable.
        """

    def open(self, name: StorageName, token: Callable[[], str]) -> CustomerAccount:
        """Result: the account. `token` is asked once, when it is needed; it is sent to this account and no other."""
