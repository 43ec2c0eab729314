"""Access for one attempt, fetched from the control plane and renewed at half its life.

A renewal runs on a thread of its own while the old grant is used; an expired or refused grant makes the engine wait
until there is a new one, for as long as that takes. Expiry is counted on the monotonic clock from the answer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from migrate_agent.control.answers import FENCED
from migrate_agent.control.retry import Backoff
from migrate_agent.logs import log_fault
from migrate_agent.redaction import redactor
from migrate_agent.stop import StopRequested, StopSignal
from migrate_contract.errors import ErrorCode, MigrateError
from migrate_contract.jobs import Grant

log = logging.getLogger(__name__)

REFUSAL_PATIENCE_SECONDS = 90.0
"""A job that an operator pauses or cancels is refused a grant before the command reaches us by heartbeat (at most
60 s with jitter): only a refusal that outlives that is a failure of the job."""

_FINAL = FENCED | {
    ErrorCode.ATTEMPT_SUPERSEDED,
    ErrorCode.NO_AZURE_CONNECTION,
    ErrorCode.AZURE_CREDENTIALS_EXPIRED,
    ErrorCode.AZURE_ROLE_MISSING,
    ErrorCode.AZURE_ROLE_SCOPE,
    ErrorCode.DEPLOYMENT_STORAGE_MISSING,
    ErrorCode.NOT_FOUND,
}
"""Refusals that waiting does not change (a role was waited for before it is said to be missing).

Any other failure (no network, TLS, proxy, 5xx) is waited out."""

Fetch = Callable[[], Grant]


class RenewingAccess:
    """A GrantSource (transfer/access.py). `fetch` asks the control plane once; `on_refusal` hears that it said no."""

    def __init__(
        self,
        fetch: Fetch,
        stop: StopSignal,
        *,
        job_id: str,
        clock: Callable[[], float] = time.monotonic,
        backoff: Backoff | None = None,
        refusal_patience_seconds: float = REFUSAL_PATIENCE_SECONDS,
        on_refusal: Callable[[], None] = lambda: None,
    ) -> None:
        self._fetch, self._stop, self._clock, self._on_refusal = fetch, stop, clock, on_refusal
        self._patience = refusal_patience_seconds
        self._fields = {"job_id": job_id}
        self._backoff = backoff or Backoff(ceiling_seconds=30.0)
        self._changed = threading.Condition()
        self._grant: Grant | None = None
        self._ends_at = self._renew_at = 0.0
        self._failure: MigrateError | None = None
        self._fetching = False
        self._nudged = threading.Event()

    def current(self) -> Grant:
        """Result: a live grant. Raises StopRequested, or Fatal where there will be none."""
        grant = self._grant
        now = self._clock()
        if grant is not None and now < self._renew_at:
            return grant
        with self._changed:
            while True:
                if self._failure is not None:
                    raise self._failure
                now = self._clock()
                if self._grant is not None and now < self._ends_at:
                    if now >= self._renew_at:
                        self._begin_fetch()
                    return self._grant
                if (kind := self._stop.kind) is not None:
                    raise StopRequested(kind)
                self._begin_fetch()
                self._changed.wait(0.5)

    def renew(self, refused: Grant, reason: str) -> None:
        """`refused` is not returned again; the first report of it begins to fetch another."""
        with self._changed:
            if self._grant is None or self._grant.sas_token != refused.sas_token:
                return
            log.warning("the storage service refused the grant (%s); asking for another", reason, extra=self._fields)
            self._grant = None
            self._ends_at = self._renew_at = 0.0
            self._begin_fetch()

    def try_now(self) -> None:
        """The control plane has just answered something else: do not wait out a delay."""
        self._nudged.set()

    def _begin_fetch(self) -> None:
        """Caller holds the condition."""
        if not self._fetching:
            self._fetching = True
            threading.Thread(target=self._keep_fetching, name="grant", daemon=True).start()

    def _keep_fetching(self) -> None:
        failures = 0
        refused_since: float | None = None
        while True:
            asked_at = self._clock()
            try:
                grant = self._fetch()
            except MigrateError as error:
                if error.code is ErrorCode.GRANT_REFUSED:
                    refused_since = asked_at if refused_since is None else refused_since
                    self._on_refusal()
                if error.code in _FINAL or (refused_since is not None and asked_at - refused_since > self._patience):
                    self._settle(None, asked_at, error)
                    return
                failures += 1
                delay = self._backoff.delay(failures, error.retry_after_seconds)
                if failures == 1:
                    log_fault(log, "no grant now, trying again", error, level=logging.WARNING, **self._fields)
                self._nudged.clear()
                if self._wait(delay):
                    self._settle(None, asked_at, None)
                    return
            else:
                self._settle(grant, asked_at, None)
                return

    def _wait(self, seconds: float) -> bool:
        """Result: True where the job is to end; a nudge ends the wait early."""
        deadline = time.monotonic() + seconds
        while not self._stop.requested and (left := deadline - time.monotonic()) > 0:
            if self._nudged.wait(min(left, 0.5)):
                break
        return self._stop.requested

    def _settle(self, grant: Grant | None, asked_at: float, failure: MigrateError | None) -> None:
        if grant is not None:
            redactor.hide(grant.sas_token)
        with self._changed:
            self._fetching = False
            self._failure = failure
            if grant is not None:
                self._grant = grant
                self._ends_at = asked_at + grant.seconds_left
                self._renew_at = asked_at + min(grant.renew_in_seconds, grant.seconds_left)
            self._changed.notify_all()
