"""A job's destination: which account it is in, and the claim on it. Imports claim their project."""

from __future__ import annotations

from functions.domain.job import MISSION, Job, claimed_place
from functions.domain.ports import Row
from functions.services.claims import Claims
from functions.services.connections import Connections
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobDestination
from migrate_contract.rockrms import MissionDestination


class Destinations:
    """Joins connections and claims."""

    def __init__(self, connections: Connections, claims: Claims) -> None:
        self._connections = connections
        self._claims = claims

    def claim(self, job: Job, project: Row, destination: JobDestination) -> str | None:
        """Result: the account in which the destination is claimed now; None while the project has no connection.

        Without one there is nothing to claim: the dispatch claims, or fails the job with NO_AZURE_CONNECTION.
        Raises Fatal(container-of-another-client), Fatal(destination-overlap), Fatal(import-unfinished).
        """
        if isinstance(destination, MissionDestination):
            return self._claim_import(job, destination)
        try:
            account = self._connections.open(project).account
        except Fatal as fatal:
            if fatal.code in (ErrorCode.NO_AZURE_CONNECTION, ErrorCode.DEPLOYMENT_STORAGE_MISSING):
                return None
            raise
        self._claims.acquire(job, account, destination.container, destination.prefix)
        return account

    def _claim_import(self, job: Job, destination: MissionDestination) -> str:
        """Result: what stands for an import's account. Raises Fatal(import-unfinished)."""
        place = claimed_place(job, destination)
        try:
            self._claims.acquire(job, MISSION, place.container, place.prefix)
        except Fatal as fatal:
            if fatal.code is ErrorCode.DESTINATION_OVERLAP:
                raise Fatal(
                    ErrorCode.IMPORT_UNFINISHED, fatal.detail.replace(f" {place.container}", " Mission")
                ) from fatal
            raise
        return MISSION

    def settle(self, job: Job, before: Job) -> None:
        """After an edit: gives up what the job claims no more."""
        destination = claimed_place(job, job.settings.destination)
        old = claimed_place(before, before.settings.destination)
        if job.account is not None:
            self._claims.narrow(job, job.account, destination.container, destination.prefix)
        elsewhere = (before.account, old.container) != (job.account, destination.container)
        if before.account is not None and elsewhere:
            self._claims.release(before, before.account, old.container, used=False)

    def withdraw(self, job: Job, account: str | None, destination: JobDestination) -> None:
        """The job does not get this destination after all: it was not created, or could not be edited."""
        if account is None:
            return
        current, place = claimed_place(job, job.settings.destination), claimed_place(job, destination)
        if job.account == account and current.container == place.container:
            self._claims.narrow(job, account, current.container, current.prefix)
        else:
            self._claims.release(job, account, place.container, used=False)
