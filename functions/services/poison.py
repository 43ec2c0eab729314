"""Messages that failed five times: copied to a blob, counted, alerted. The sweep dispatches the job again."""

from __future__ import annotations

from functions.domain.ids import is_id
from functions.domain.ports import Blobs, Clock, Tokens
from functions.services.alerts import Alerts, Finding
from functions.services.deployment import Deployment
from functions.services.dispatch_message import read_message
from functions.services.job_store import JobStore
from migrate_contract.errors import ErrorCode

CONTAINER = "poison"
_UNREADABLE = "unreadable"


class Poison:
    """Handles messages of the queue `dispatch-poison`."""

    def __init__(
        self, blobs: Blobs, clock: Clock, tokens: Tokens, jobs: JobStore, alerts: Alerts, deployment: Deployment
    ) -> None:
        self._blobs = blobs
        self._clock = clock
        self._tokens = tokens
        self._jobs = jobs
        self._alerts = alerts
        self._deployment = deployment

    def record(self, message: str) -> None:
        """Keeps the message as it is. The job does not fail for it: what made the message fail may have passed."""
        now = self._clock()
        name = f"{now:%Y/%m/%d/%H%M%S}-{self._tokens.identifier(8)}.json"
        self._blobs.put(CONTAINER, name, message.encode())
        hint = read_message(message)
        known = hint is not None and is_id("organization", hint.organization) and is_id("job", hint.job_id)
        organization = hint.organization if hint and known else self._deployment.organization
        subject = hint.job_id if hint and known else _UNREADABLE
        found = self._jobs.find(organization, subject)
        self._alerts.occurred(
            Finding(
                organization,
                ErrorCode.DISPATCH_POISONED,
                subject,
                f"A start message failed repeatedly; its copy is blob {CONTAINER}/{name}.",
                link=f"/jobs/{subject}" if found else "",
                client_id=found[0].client_id if found else "",
            )
        )
