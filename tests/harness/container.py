"""Independent looks into a container: by the vendor's SDK and by rclone, never by our own code."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from azure.storage.blob import BlobServiceClient, ContainerClient


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


def rclone_check(
    source: Path, container: str, *, account: str, key: str, endpoint: str, ca_file: str, extra: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Result: `rclone check --download SOURCE CONTAINER`, which reads every byte of both sides."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CONFIG_TARGET_TYPE": "azureblob",
        "RCLONE_CONFIG_TARGET_ACCOUNT": account,
        "RCLONE_CONFIG_TARGET_KEY": key,
        "RCLONE_CONFIG_TARGET_ENDPOINT": endpoint,
    }
    return subprocess.run(
        ["rclone", "check", "--download", "--ca-cert", ca_file, str(source), f"target:{container}", *extra],
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
