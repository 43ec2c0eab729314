"""Each port twice: in memory, and over a real Azurite with TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.adapters.access import StorageAccess
from local.azurite import Azurite, new_account_key
from local.certificates import Certificates, certificates_in
from tests.harness.customer_azure import CustomerAzure, customer_azure

STATE_ACCOUNT = "devstoreaccount1"
DATA_ACCOUNT = "migrationdata"


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Azurite, Path]]:
    """An emulator of this test run, and the authority that its certificate is from."""
    directory = tmp_path_factory.mktemp("azurite")
    certificates = certificates_in(directory / "certificates")
    keys = {STATE_ACCOUNT: new_account_key(), DATA_ACCOUNT: new_account_key()}
    emulator = Azurite(directory, certificates, keys, in_memory=True)
    emulator.start()
    try:
        yield emulator, certificates.ca_file
    finally:
        emulator.stop()


def access(emulator: tuple[Azurite, Path], account: str = STATE_ACCOUNT) -> StorageAccess:
    """How adapters reach one of its accounts."""
    server, ca_file = emulator
    return StorageAccess(connection_string=server.account(account).connection_string, ca_file=str(ca_file))


@pytest.fixture(scope="session")
def customer(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[CustomerAzure]:
    """A customer's Azure of this test run: recover it after what was asked for."""
    with customer_azure(tmp_path_factory.mktemp("customer"), certificates) as running:
        yield running
