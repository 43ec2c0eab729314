"""A copy engine of this process against the tests' own endpoint, for what the command line does not give."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from migrate_agent.network import Network
from migrate_agent.transfer.access import SasUrlAccess
from migrate_contract.jobs import Grant
from tests.harness.blob_endpoint import CONTAINER, BlobEndpoint
from tests.harness.copy_engine import Container, Copy


@dataclass
class _Box:
    """What `Copy` takes from a container."""

    endpoint: BlobEndpoint

    @property
    def sas_url(self) -> str:
        return self.endpoint.sas_url()

    @property
    def ca_file(self) -> Path:
        return self.endpoint.ca_file

    @property
    def client(self) -> SimpleNamespace:
        return SimpleNamespace(container_name=CONTAINER)


def endpoint_copy(endpoint: BlobEndpoint, source: Path, journal_path: Path, **options: Any) -> Copy:
    """Result: a copy of blocks of one MiB; an answer that does not begin within a second never comes."""
    options.setdefault("transfer", {"chunk_size_mib": 1})
    network = Network(ca_file=endpoint.ca_file, stall_timeout_seconds=1.0)
    return Copy(source, cast(Container, _Box(endpoint)), journal_path, network=network, **options)


class RenewableGrants:
    """Access as an agent's job has it: each refusal brings a new signature, with `seconds` to live."""

    def __init__(self, endpoint: BlobEndpoint, seconds: float = 3600) -> None:
        self._endpoint, self._seconds = endpoint, seconds
        self._lock = threading.Lock()
        self.renewals = 0
        self._grant = self._new()

    def current(self) -> Grant:
        """The last one."""
        return self._grant

    def renew(self, refused: Grant, reason: str) -> None:
        """A new one, once for each that was refused."""
        assert reason
        with self._lock:
            if refused.sas_token == self._grant.sas_token:
                self.renewals += 1
                self._grant = self._new()

    def _new(self) -> Grant:
        return SasUrlAccess(self._endpoint.sas_url(self._seconds)).current()
