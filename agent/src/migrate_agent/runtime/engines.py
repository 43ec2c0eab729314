"""Makes the engine of a job attempt: an import's, or a copy whose access renews itself through the control plane."""

from __future__ import annotations

from collections.abc import Callable

from migrate_agent.control.client import ControlClient
from migrate_agent.network import Network
from migrate_agent.runtime.engine_port import Engine
from migrate_agent.runtime.failed_files import failed_paths
from migrate_agent.runtime.grants import RenewingAccess
from migrate_agent.runtime.import_engines import ImportEngineMaker
from migrate_agent.stop import StopSignal
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.store.journal import JobRecord
from migrate_agent.transfer.engine import CopyEngine
from migrate_contract.jobs import GrantPurpose, JobType
from migrate_contract.sync import MirrorMode


class EngineMaker:
    """Knows what every engine needs beside its job."""

    def __init__(
        self, client: ControlClient, network: Network, imports: ImportEngineMaker, *, on_refusal: Callable[[], None]
    ) -> None:
        """`on_refusal` hears that a grant was refused: a command that explains it may be on its way."""
        self._client, self._network, self._imports, self._on_refusal = client, network, imports, on_refusal
        self._newest: tuple[RenewingAccess, ...] = ()

    def make(self, record: JobRecord, journal: JobJournal, stop: StopSignal, on_phase: Callable[[], None]) -> Engine:
        """Result: the engine; nothing runs yet."""
        if record.spec.type is JobType.ROCKRMS_IMPORT:
            return self._imports.make(record, stop, on_phase)
        access = RenewingAccess(
            lambda: self._client.request_grant(record.job_id, record.attempt),
            stop,
            job_id=record.job_id,
            on_refusal=self._on_refusal,
        )
        mirror_access = RenewingAccess(
            lambda: self._client.request_grant(record.job_id, record.attempt, GrantPurpose.MIRROR),
            stop,
            job_id=record.job_id,
            on_refusal=self._on_refusal,
        )
        self._newest = (access, mirror_access)
        mirrors = record.spec.mirror is not None and record.spec.mirror.mode is MirrorMode.DELETE
        return CopyEngine(
            record.spec,
            journal,
            access,
            stop,
            network=self._network,
            approved=record.approved,
            on_phase=on_phase,
            mirror_access=mirror_access if mirrors else None,
            failed_paths=lambda: failed_paths(
                lambda request: self._client.failed_files(record.job_id, request), record.attempt, stop
            ),
        )

    def try_now(self) -> None:
        """The control plane answers again: an engine that waits for a grant asks at once."""
        for access in self._newest:
            access.try_now()
