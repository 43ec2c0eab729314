"""The copy engine by itself, against a real container: no control plane, no agent process."""

from __future__ import annotations

import dataclasses
import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_container_sas

from local.azurite import StorageAccount
from migrate_agent.engine_results import EngineResult
from migrate_agent.network import Network
from migrate_agent.stop import StopSignal
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.transfer.access import GrantSource, SasUrlAccess
from migrate_agent.transfer.engine import CopyEngine
from migrate_agent.transfer.results import EngineSettings
from migrate_contract.jobs import (
    FOUND_BUCKETS,
    Bucket,
    JobSpec,
    JobType,
    LedgerRow,
)

JOB_ID = "job_abcdefghijkl000000000001"
QUICK = EngineSettings(
    pass_delays_seconds=(0.01,),
    backoff_first_seconds=0.01,
    backoff_ceiling_seconds=0.05,
    probe_seconds=0.05,
    stop_grace_seconds=2.0,
    flush_seconds=0.02,
    racy_seconds=0.0,
    lanes=int(os.environ.get("LANES", "0")),
)
"""Short waits; files are never too young, unless a test is about that."""


@dataclass
class Container:
    """One container of the emulator, and an access to it for the engine."""

    account: StorageAccount
    client: ContainerClient
    ca_file: Path
    blob_endpoint: str
    """Where the engine connects: the emulator, or what a test has put before it."""

    def sas(self, seconds: float = 3600, allows: str = "rcwl") -> str:
        """A signature with what a grant allows: create, write, list, read; no delete, unless told."""
        return generate_container_sas(
            self.account.name,
            self.client.container_name,
            account_key=self.account.key,
            permission=ContainerSasPermissions.from_string(allows),
            expiry=datetime.now(UTC) + timedelta(seconds=seconds),
        )

    @property
    def sas_url(self) -> str:
        """What a person would paste."""
        return f"{self.blob_endpoint}/{self.client.container_name}?{self.sas()}"

    @property
    def mirror_access(self) -> SasUrlAccess:
        """What the mirror's own grant allows: read, list, delete."""
        return SasUrlAccess(f"{self.blob_endpoint}/{self.client.container_name}?{self.sas(allows='rdl')}")

    def behind(self, endpoint: str) -> Container:
        """The same container, reached by another address."""
        return dataclasses.replace(self, blob_endpoint=endpoint)

    def blobs(self) -> dict[str, bytes]:
        """Name -> content of every blob."""
        return {name: self.client.download_blob(name).readall() for name in self.client.list_blob_names()}


@dataclass
class Copy:
    """One attempt at copying `source` into `container`; each `run` is a new engine on the same journal."""

    source: Path
    container: Container
    journal_path: Path
    attempt: int = 1
    prefix: str = ""
    transfer: dict[str, Any] = field(default_factory=dict)
    filters: dict[str, Any] = field(default_factory=dict)
    hold_after_scan: bool = False
    settings: EngineSettings = QUICK
    access: GrantSource | None = None
    network: Network | None = None
    stop: StopSignal = field(default_factory=StopSignal)
    options: dict[str, Any] = field(default_factory=dict)
    """Of the engine."""
    more: dict[str, Any] = field(default_factory=dict)
    """Of the spec: type, mirror, final, failed_of."""

    def spec(self) -> JobSpec:
        """What the control plane would send."""
        spec = {
            "job_id": JOB_ID,
            "attempt": self.attempt,
            "name": "a copy",
            "type": JobType.MIGRATE_FILES,
            "source": {"path": str(self.source)},
            "destination": {"container": self.container.client.container_name, "prefix": self.prefix},
            "filters": self.filters,
            "transfer": self.transfer,
            "hold_after_scan": self.hold_after_scan,
            **self.more,
        }
        return JobSpec.model_validate_json(json.dumps(spec))

    def open_journal(self) -> JobJournal:
        """The attempt's journal, left open: close it."""
        return JobJournal(self.journal_path)

    def engine(self, journal: JobJournal) -> CopyEngine:
        """An engine that has not been run."""
        return CopyEngine(
            self.spec(),
            journal,
            self.access or SasUrlAccess(self.container.sas_url),
            self.stop,
            network=self.network or Network(ca_file=self.container.ca_file),
            settings=self.settings,
            chance=random.Random(1).random,
            **self.options,
        )

    def run(self) -> EngineResult:
        """One engine, to its end."""
        journal = self.open_journal()
        try:
            return self.engine(journal).run()
        finally:
            journal.close()

    def ledger(self) -> list[LedgerRow]:
        """Every row, read anew from the disk; checks that they add up with the counters and have no gaps."""
        journal = JobJournal(self.journal_path)
        try:
            rows = list(_all_rows(journal))
            counters = journal.counters()
        finally:
            journal.close()
        assert [row.row for row in rows] == list(range(1, len(rows) + 1))
        assert len({row.path for row in rows}) == len(rows), "a file is in the ledger twice"
        for bucket in FOUND_BUCKETS:
            if bucket is not Bucket.PENDING and not (bucket is Bucket.TRANSFERRED and counters.files.pending):
                mine = [row for row in rows if row.bucket is bucket]
                assert getattr(counters.files, bucket.value) == len(mine), bucket
                assert getattr(counters.bytes, bucket.value) == sum(row.size_bytes for row in mine), bucket
        return rows

    def buckets(self) -> dict[str, str]:
        """Path -> bucket, from the ledger."""
        return {row.path: row.bucket.value for row in self.ledger()}

    def row(self, path: str) -> LedgerRow:
        """The ledger's row of one file."""
        return next(row for row in self.ledger() if row.path == path)


def _all_rows(journal: JobJournal) -> Iterator[LedgerRow]:
    first = 1
    while rows := journal.ledger_rows(first, 1000):
        yield from rows
        first = rows[-1].row + 1


def make_tree(root: Path, files: dict[str, bytes]) -> Path:
    """`root` with these files in it."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root
