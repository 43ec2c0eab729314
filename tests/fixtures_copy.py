"""Fixtures of the copy engine's tests: containers of the shared emulator, and copies into them.

container   a fresh container (tests.harness.copy_engine.Container)
new_copy    a factory: `new_copy(source, attempt=2, ...)`, each with a journal of its own
front       a scriptable front before the emulator (tests.harness.fault_front.FaultFront)
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from local.azurite import Azurite
from local.certificates import Certificates
from tests.fixtures_stack import DATA_ACCOUNT
from tests.harness.copy_engine import Container, Copy
from tests.harness.fault_front import FaultFront, fault_front


@pytest.fixture
def container(azurite: Azurite, certificates: Certificates) -> Iterator[Container]:
    """A fresh container, removed afterwards."""
    account = azurite.account(DATA_ACCOUNT)
    service = BlobServiceClient.from_connection_string(
        account.connection_string, connection_verify=str(certificates.ca_file)
    )
    client = service.create_container(f"copy-{secrets.token_hex(6)}")
    yield Container(account, client, certificates.ca_file, account.blob_endpoint)
    client.delete_container()


@pytest.fixture
def new_copy(container: Container, tmp_path: Path) -> Callable[..., Copy]:
    """Makes copies into the container."""

    def make(source: Path, **options: Any) -> Copy:
        options.setdefault("container", container)
        options.setdefault("journal_path", tmp_path / f"journal-{secrets.token_hex(4)}.db")
        return Copy(source, **options)

    return make


@pytest.fixture
def front(certificates: Certificates, container: Container) -> Iterator[FaultFront]:
    """A front before the container's account, passing everything on until a test scripts it."""
    with fault_front(certificates, container.account.blob_endpoint) as started:
        yield started
