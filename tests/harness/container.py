"""Independent looks into a container: by the vendor's SDK and by rclone, never by our own code."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from azure.storage.blob import BlobServiceClient, ContainerClient, generate_container_sas

from local.azurite import StorageAccount


def open_container(connection_string: str, ca_file: str, name: str) -> ContainerClient:
    """Result: the SDK's client of one container."""
    service = BlobServiceClient.from_connection_string(connection_string, connection_verify=ca_file)
    return service.get_container_client(name)


def blobs(container: ContainerClient) -> dict[str, bytes]:
    """Result: name -> content of every blob; for small containers."""
    return {name: container.download_blob(name).readall() for name in container.list_blob_names()}


def files(root: Path) -> dict[str, bytes]:
    """Result: relative path -> content of every regular file (links left out)."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def rclone_check(source: Path, sas_url: str, ca_file: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Result: `rclone check --download OPTIONS SOURCE CONTAINER`, which reads every byte of both sides.

    By a container's signed address: the rclone of Debian 12 builds an account's host name itself, which no emulator
    on loopback has.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CONFIG_TARGET_TYPE": "azureblob",
        "RCLONE_CONFIG_TARGET_SAS_URL": sas_url,
    }
    container = urlsplit(sas_url).path.rsplit("/", 1)[1]
    return subprocess.run(
        ["rclone", "check", "--download", "--ca-cert", ca_file, *options, str(source), f"target:{container}"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=900,
        check=False,
    )


def signed_url(account: StorageAccount, container: str) -> str:
    """Result: the container's address with a signature to read and list it for an hour."""
    signature = generate_container_sas(
        account.name,
        container,
        account_key=account.key,
        permission="rl",
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    return f"{account.blob_endpoint}/{container}?{signature}"
