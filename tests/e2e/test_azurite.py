"""The storage emulator of the stack: HTTPS only, separate accounts, the same data and ports after a restart."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite import Azurite, StorageAccount, new_account_key
from local.certificates import Certificates


@pytest.fixture
def emulator(tmp_path: Path, certificates: Certificates) -> Iterator[Azurite]:
    """An emulator of this test's own, with data on disk."""
    own = Azurite(tmp_path, certificates, {"first": new_account_key(), "second": new_account_key()})
    own.start()
    yield own
    own.stop()


def test_data_of_all_three_services_outlives_a_restart(emulator: Azurite, certificates: Certificates):
    ca_file = str(certificates.ca_file)
    connection = emulator.account("first").connection_string
    with (
        BlobServiceClient.from_connection_string(connection, connection_verify=ca_file) as blobs,
        QueueServiceClient.from_connection_string(connection, connection_verify=ca_file) as queues,
        TableServiceClient.from_connection_string(connection, connection_verify=ca_file) as tables,
    ):
        blobs.create_container("kept").upload_blob("a/b", b"content")
        queues.create_queue("kept").send_message("message")
        tables.create_table("kept").create_entity({"PartitionKey": "p", "RowKey": "r", "value": 7})
        pid = emulator.process.pid
        emulator.stop()
        emulator.start()
        assert emulator.process.pid != pid
        assert blobs.get_blob_client("kept", "a/b").download_blob().readall() == b"content"
        assert queues.get_queue_client("kept").peek_messages()[0].content == "message"
        assert tables.get_table_client("kept").get_entity("p", "r")["value"] == 7


def test_one_accounts_key_does_not_open_another(emulator: Azurite, certificates: Certificates):
    first, second = emulator.account("first"), emulator.account("second")
    mixed = StorageAccount("second", first.key, second.blob_endpoint, second.queue_endpoint, second.table_endpoint)
    with (
        BlobServiceClient.from_connection_string(
            mixed.connection_string, connection_verify=str(certificates.ca_file), retry_total=0
        ) as blobs,
        pytest.raises(ClientAuthenticationError),
    ):
        blobs.create_container("refused")


def test_it_speaks_https_with_our_certificate_and_no_http(emulator: Azurite, certificates: Certificates):
    trusted = ssl.create_default_context(cafile=certificates.ca_file)
    answer = httpx.get(emulator.account("first").blob_endpoint, verify=trusted, trust_env=False)
    assert answer.headers["server"].startswith("Azurite-Blob/3.37")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(emulator.account("first").blob_endpoint, trust_env=False)
    with pytest.raises(httpx.TransportError):
        httpx.get(emulator.account("first").blob_endpoint.replace("https:", "http:"), trust_env=False)


def test_keys_are_readable_by_their_owner_only(certificates: Certificates):
    for path in (certificates.key_file, certificates.chain_file, certificates.ca_file):
        assert path.stat().st_mode & 0o077 == 0
