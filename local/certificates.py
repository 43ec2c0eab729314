"""A private certificate authority and one server certificate for loopback names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files: the authority's certificate, the server's chain, and the server's key."""

    ca_file: Path
    chain_file: Path
    key_file: Path


def certificates_in(directory: Path) -> Certificates:
    """The certificates of that folder, made there if they do not exist; all files readable by the owner only."""
    found = Certificates(directory / "ca.pem", directory / "server.pem", directory / "server.key")
    if all(path.exists() for path in (found.ca_file, found.chain_file, found.key_file)):
        return found
    directory.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="OneMigrate local stack", organization_unit_name="this machine only")
    leaf = authority.issue_cert("localhost", "127.0.0.1", "::1", common_name="localhost")
    _write_private(found.key_file, leaf.private_key_pem.bytes())
    _write_private(found.chain_file, b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    _write_private(found.ca_file, authority.cert_pem.bytes())
    return found


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
