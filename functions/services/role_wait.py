"""Refusals of a customer's account for want of a role: for ten minutes they may pass, since a role takes that long.

The wait begins with the first refusal after a success, so that it holds after a sign-in, an assignment, and a change
of roles in the middle of a job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from functions.domain.identity_ports import CustomerAccount
from functions.domain.limits import Limits
from functions.domain.ports import Clock, ContainerGrant
from functions.services.token_store import StoredSignIn, TokenStore
from migrate_contract.errors import ErrorCode, Fatal, Retryable

_ROLES = frozenset({ErrorCode.AZURE_ROLE_MISSING, ErrorCode.AZURE_ROLE_SCOPE})
_AGAIN_SECONDS = 15


class RoleWait:
    """Knows since when a sign-in is refused."""

    def __init__(self, clock: Clock, limits: Limits, store: TokenStore) -> None:
        self._clock = clock
        self._limits = limits
        self._store = store

    @contextmanager
    def judging(self, stored: StoredSignIn, *, person_waits: bool) -> Iterator[None]:
        """Around calls to the account that need a role.

        `person_waits`: the refusal keeps its own code, which says what to assign, and only tells when to try again;
        otherwise it becomes azure-role-wait while it may pass.
        """
        try:
            yield
        except Fatal as fatal:
            if fatal.code not in _ROLES:
                raise
            self._refuse(stored, fatal, person_waits=person_waits)
        self._store.admitted(stored)

    def _refuse(self, stored: StoredSignIn, fatal: Fatal, *, person_waits: bool) -> None:
        """Raises what the refusal means now."""
        until = self._store.refused(stored, self._clock()) + timedelta(seconds=self._limits.role_wait_seconds)
        who = f"{stored.person.label or stored.person.object_id}, storage account {stored.name.account}"
        if self._clock() >= until:
            raise Fatal(fatal.code, f"{who}: {fatal.detail}") from fatal
        if person_waits:
            raise Retryable(fatal.code, f"{who}: {fatal.detail}", retry_after_seconds=_AGAIN_SECONDS) from fatal
        raise Retryable(
            ErrorCode.AZURE_ROLE_WAIT,
            f"{who}: {fatal.title}. Tried until {until:%H:%M} UTC.",
            retry_after_seconds=_AGAIN_SECONDS,
        ) from fatal


class WaitingAccount:
    """A DataAccount whose refusals are judged; the sign-in is read when it is first used."""

    def __init__(self, account: CustomerAccount, wait: RoleWait, stored: Callable[[], StoredSignIn]) -> None:
        self._account = account
        self._wait = wait
        self._stored = stored

    @property
    def account(self) -> str:
        """See the port."""
        return self._account.account

    @property
    def blob_endpoint(self) -> str:
        """See the port."""
        return self._account.blob_endpoint

    def ensure_container(self, container: str) -> None:
        """See the port."""
        stored = self._stored()
        # A success here ends no wait: the grant that follows may be what is refused.
        try:
            self._account.ensure_container(container)
        except Fatal:
            with self._wait.judging(stored, person_waits=False):
                raise

    def grant(self, container: str, seconds: float) -> ContainerGrant:
        """See the port."""
        with self._wait.judging(self._stored(), person_waits=False):
            return self._account.grant(container, seconds)

    def mirror_grant(self, container: str, seconds: float) -> ContainerGrant:
        """See the port."""
        with self._wait.judging(self._stored(), person_waits=False):
            return self._account.mirror_grant(container, seconds)
