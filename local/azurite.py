"""Azurite, Microsoft's Azure Storage emulator, as a child process: blobs, queues and tables over HTTPS."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.storage.blob import AccountSasPermissions, ResourceTypes, Services, generate_account_sas

from local.certificates import Certificates
from local.ports import free_ports, is_listening
from local.processes import ChildProcess

_REPOSITORY = Path(__file__).resolve().parent.parent
_PROGRAM = _REPOSITORY / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"


class AzuriteMissing(Exception):
    """The emulator is not installed: `make install` does it."""


@dataclass(frozen=True)
class StorageAccount:
    """A storage account of the emulator, with its addresses."""

    name: str
    key: str = field(repr=False)
    blob_endpoint: str
    queue_endpoint: str
    table_endpoint: str

    def sas_url(self, days: int = 30) -> str:
        """The blob endpoint with a signature for everything but deleting the account's data.

        For clients that cannot build a loopback address from an account's name: rclone before 1.64, AzCopy.
        """
        signature = generate_account_sas(
            self.name,
            self.key,
            ResourceTypes(service=True, container=True, object=True),
            AccountSasPermissions(read=True, write=True, list=True, create=True, add=True),
            expiry=datetime.now(UTC) + timedelta(days=days),
            services=Services(blob=True),
        )
        return f"{self.blob_endpoint}?{signature}"

    @property
    def connection_string(self) -> str:
        """What the Azure SDKs and tools take."""
        return (
            f"DefaultEndpointsProtocol=https;AccountName={self.name};AccountKey={self.key};"
            f"BlobEndpoint={self.blob_endpoint};QueueEndpoint={self.queue_endpoint};"
            f"TableEndpoint={self.table_endpoint};"
        )


def sdk_options(ca_file: Path) -> dict[str, Any]:
    """Keyword arguments for an Azure SDK client of the emulator: our authority, and no proxy on the way."""
    return {"connection_verify": str(ca_file), "use_env_settings": False}


def new_account_key() -> str:
    """A random account key, as long as Azure's."""
    return base64.b64encode(secrets.token_bytes(64)).decode("ascii")


class Azurite:
    """One emulator with its own data, which comes back on the same ports after a restart."""

    def __init__(
        self,
        directory: Path,
        certificates: Certificates,
        account_keys: Mapping[str, str],
        *,
        ports: Sequence[int] | None = None,
        in_memory: bool = False,
    ) -> None:
        """Keep data and log in `directory`; with `in_memory`, data ends with the process.

        `ports` are those of blobs, queues and tables; free ones are chosen if they are not given.
        """
        self.ports = tuple(ports) if ports else tuple(free_ports(3))
        self._keys = dict(account_keys)
        listen = [
            part
            for service, port in zip(("blob", "queue", "table"), self.ports, strict=True)
            for part in (f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port))
        ]
        keep = ["--inMemoryPersistence"] if in_memory else ["--location", str(directory / "azurite")]
        # Without a certificate the emulator silently serves http, and over http it takes no bearer tokens.
        tls = ["--cert", str(certificates.chain_file), "--key", str(certificates.key_file), "--oauth", "basic"]
        self.process = ChildProcess(
            "Azurite",
            # node itself, not npx: the pid must be the emulator's.
            ["node", _PROGRAM, "--silent", "--disableTelemetry", "--skipApiVersionCheck", *listen, *keep, *tls],
            directory=directory,
            log_file=directory / "logs" / "azurite.log",
            environment={
                **_outer_environment(),
                "AZURITE_ACCOUNTS": ";".join(f"{name}:{key}" for name, key in self._keys.items()),
            },
        )

    def account(self, name: str) -> StorageAccount:
        """An account of this emulator; raises KeyError."""
        blob, queue, table = (f"https://127.0.0.1:{port}/{name}" for port in self.ports)
        return StorageAccount(name, self._keys[name], blob, queue, table)

    def start(self) -> None:
        """Start it and wait until it accepts connections; raises AzuriteMissing or ProcessFailed."""
        if not _PROGRAM.exists():
            raise AzuriteMissing("Azurite is not installed: run `make install`.")
        self.process.start()
        self.process.wait_ready(lambda: all(is_listening(port) for port in self.ports))

    def stop(self) -> None:
        """End it, writing its data."""
        self.process.stop()

    def kill(self) -> None:
        """End it as a power failure would.

        The emulator writes its metadata every few seconds: the last of them are lost, which never happens
        in Azure. A test that needs every acknowledged write to survive has to use `stop`.
        """
        self.process.kill()


def _outer_environment() -> dict[str, str]:
    """What node needs of our own environment, and nothing of our settings."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "SystemRoot") if name in os.environ}
