"""Makes the engine of an import: connection string from this machine, Mission's key from the control plane."""

from __future__ import annotations

import logging
from collections.abc import Callable

from migrate_agent.control.client import ControlClient
from migrate_agent.control.retry import Backoff
from migrate_agent.network import Network
from migrate_agent.redaction import redactor
from migrate_agent.rockrms.connection_store import ConnectionStore
from migrate_agent.rockrms.import_engine import ImportEngine
from migrate_agent.rockrms.import_run import ImportPorts
from migrate_agent.rockrms.import_wiring import real_ports
from migrate_agent.stop import StopSignal
from migrate_agent.store.journal import JobRecord, Journal
from migrate_contract.errors import Retryable
from migrate_contract.jobs import Waiting, WaitReason
from migrate_contract.rockrms import MissionAccess

log = logging.getLogger(__name__)


class ImportEngineMaker:
    """Knows what every import needs beside its job."""

    def __init__(self, client: ControlClient, network: Network, journal: Journal, connections: ConnectionStore) -> None:
        self._client, self._network, self._journal, self._connections = client, network, journal, connections

    def make(self, record: JobRecord, stop: StopSignal, on_phase: Callable[[], None]) -> ImportEngine:
        """Result: the engine; nothing runs yet."""

        def open_ports(engine: ImportEngine) -> ImportPorts:
            connection = self._connections.connection(record.spec.rock.project_id)
            workbook = self._journal.workbook(record.job_id, record.attempt)
            return real_ports(connection, self._access(record, stop, engine), self._network, workbook)

        return ImportEngine(
            record.spec,
            self._journal.open_import(record.job_id, record.attempt),
            open_ports,
            stop,
            approved=record.approved,
            on_phase=on_phase,
        )

    def _access(self, record: JobRecord, stop: StopSignal, engine: ImportEngine) -> MissionAccess:
        """Result: the key, for this attempt and in memory only; waits while the control plane is away."""
        backoff, failures = Backoff(), 0
        while True:
            stop.raise_if_requested()
            try:
                access = self._client.mission_access(record.job_id, record.attempt)
            except Retryable as away:
                failures += 1
                engine.waiting_for(Waiting(reason=WaitReason.GRANT, detail=f"Mission's key: {away.detail}"[:2000]))
                stop.wait(backoff.delay(failures, away.retry_after_seconds))
            else:
                redactor.hide(access.integration_key)
                engine.waiting_for(Waiting())
                return access
