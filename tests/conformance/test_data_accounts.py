"""What every data account must do; over Azurite the signature is used as an agent uses it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobBlock, ContainerClient

from functions.adapters.access import StorageAccess
from functions.adapters.data_accounts import AzureDataAccounts
from functions.adapters.randomness import utc_now
from functions.domain.ports import DataAccount
from local.azurite import Azurite
from tests.conformance.conftest import DATA_ACCOUNT, access
from tests.memory.data_accounts import MemoryAccount, MemoryDataAccounts


@pytest.fixture(params=["memory", "azurite"])
def account(request: pytest.FixtureRequest) -> DataAccount:
    if request.param == "memory":
        return MemoryAccount(utc_now)
    opened = AzureDataAccounts(access(request.getfixturevalue("azurite"), DATA_ACCOUNT)).deployment()
    assert opened is not None
    return opened


def test_an_account_names_itself_and_grants_for_so_long(account: DataAccount) -> None:
    container = "c" + uuid.uuid4().hex
    account.ensure_container(container)
    account.ensure_container(container)
    before = utc_now()
    granted = account.grant(container, 1800)
    assert account.account == DATA_ACCOUNT
    assert granted.container_url == f"{account.blob_endpoint}/{container}"
    assert timedelta(seconds=1790) < granted.expires_at - before < timedelta(seconds=1810)
    assert granted.sas_token not in repr(granted)
    assert "?" not in granted.container_url


def test_where_no_account_is_set_up_there_is_none() -> None:
    assert AzureDataAccounts(None).deployment() is None
    assert MemoryDataAccounts(None).deployment() is None


def _container(emulator: tuple[Azurite, Path], container: str, sas: str) -> ContainerClient:
    url = f"{emulator[0].account(DATA_ACCOUNT).blob_endpoint}/{container}"
    return ContainerClient.from_container_url(f"{url}?{sas}", connection_verify=str(emulator[1]))


def test_a_grant_writes_lists_and_reads_and_cannot_delete(azurite: tuple[Azurite, Path]) -> None:
    opened = AzureDataAccounts(access(azurite, DATA_ACCOUNT)).deployment()
    assert opened is not None
    container, other = "c" + uuid.uuid4().hex, "c" + uuid.uuid4().hex
    opened.ensure_container(container)
    opened.ensure_container(other)
    granted = opened.grant(container, 600)
    assert "spr=https" in granted.sas_token
    client = _container(azurite, container, granted.sas_token)
    blob = client.get_blob_client("a/b.txt")
    blob.stage_block("AAAA", b"hello")
    blob.commit_block_list([BlobBlock("AAAA")], metadata={"mtime": "x"})
    blob.upload_blob(b"again", overwrite=True)
    assert [found.name for found in client.list_blobs()] == ["a/b.txt"]
    assert blob.download_blob().readall() == b"again"
    assert blob.get_block_list("committed") is not None
    with pytest.raises(HttpResponseError):
        blob.delete_blob()
    with pytest.raises(HttpResponseError):
        list(_container(azurite, other, granted.sas_token).list_blobs())


class _Identity:
    """A token as the emulator takes it: by its claims."""

    def __init__(self) -> None:
        self.asked = 0

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.asked += 1
        now = int(utc_now().timestamp())
        tenant = "11111111-2222-3333-4444-555555555555"
        claims = {
            "aud": "https://storage.azure.com",
            "iss": f"https://sts.windows.net/{tenant}/",
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + 3600,
            "tid": tenant,
            "oid": "66666666-7777-8888-9999-000000000000",
        }
        return AccessToken(jwt.encode(claims, "k" * 32, algorithm="HS256"), now + 3600)


def test_without_a_key_the_apps_identity_signs_with_a_delegation_key_that_is_kept(
    azurite: tuple[Azurite, Path],
) -> None:
    server, ca_file = azurite
    reach = StorageAccess(blob_endpoint=server.account(DATA_ACCOUNT).blob_endpoint, ca_file=str(ca_file))
    opened = AzureDataAccounts(reach, utc_now, _Identity()).deployment()
    assert opened is not None
    assert opened.account == DATA_ACCOUNT
    container = "c" + uuid.uuid4().hex
    opened.ensure_container(container)
    first, second = opened.grant(container, 600), opened.grant(container, 1200)
    for granted in (first, second):
        assert "skoid=66666666" in granted.sas_token
        client = _container(azurite, container, granted.sas_token)
        client.get_blob_client("a").upload_blob(b"1", overwrite=True)
        with pytest.raises(HttpResponseError):
            client.get_blob_client("a").delete_blob()
    keys = {part for granted in (first, second) for part in granted.sas_token.split("&") if part.startswith("ske=")}
    assert len(keys) == 1


def test_an_expired_grant_is_refused(azurite: tuple[Azurite, Path]) -> None:
    opened = AzureDataAccounts(access(azurite, DATA_ACCOUNT), lambda: utc_now() - timedelta(hours=2)).deployment()
    assert opened is not None
    container = "c" + uuid.uuid4().hex
    opened.ensure_container(container)
    granted = opened.grant(container, 600)
    with pytest.raises(HttpResponseError):
        list(_container(azurite, container, granted.sas_token).list_blobs())
