"""The local storage front behaves like a customer's account: challenge, tokens, roles, firewall, and its own log."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.storage.blob import BlobServiceClient, ContainerClient, ContainerSasPermissions, generate_container_sas

from local import customer_cloud
from local.azurite import Azurite, sdk_options
from local.certificates import Certificates
from local.customer_cloud import GUEST, OWNER, SCOPED, SCOPED_CONTAINER, WITHOUT_ROLE, CustomerCloud
from local.entra.process import Entra
from local.ports import free_ports
from local.storage_front.process import StorageFront
from tests.harness.sign_in import MsalApplication

ACCOUNT = customer_cloud.ACCOUNT


class Token:
    """A credential that has one token, whatever it is asked for."""

    def __init__(self, text: str) -> None:
        self._token = AccessToken(text, int(datetime.now(UTC).timestamp()) + 3600)

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return self._token


@pytest.fixture(scope="module")
def cloud() -> CustomerCloud:
    return customer_cloud.new_customer_cloud()


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, cloud: CustomerCloud
) -> Iterator[tuple[Entra, StorageFront]]:
    folder = tmp_path_factory.mktemp("customer")
    ports = free_ports(4)
    entra = Entra(
        folder, certificates.ca_file.parent, cloud.directory((MsalApplication.REDIRECT,)), (ports[0], ports[1])
    )
    azurite = Azurite(folder, certificates, cloud.account_keys(), in_memory=True)
    front = StorageFront(folder, certificates.ca_file.parent, azurite, entra, cloud.accounts(), (ports[2], ports[3]))
    entra.launch()
    front.launch()
    try:
        azurite.start()
        entra.wait_ready()
        front.wait_ready()
        yield entra, front
    finally:
        for server in (front, entra, azurite):
            server.stop()


@pytest.fixture
def front(servers: tuple[Entra, StorageFront]) -> Iterator[StorageFront]:
    yield servers[1]
    servers[1].control.recover()


@pytest.fixture
def application(servers: tuple[Entra, StorageFront], cloud: CustomerCloud, certificates: Certificates):
    return MsalApplication(servers[0], cloud, certificates)


@pytest.fixture
def service(front: StorageFront, application: MsalApplication, cloud: CustomerCloud, certificates: Certificates):
    """Opens the customer's account as one of its people."""

    def opened(kind: str, account: str = ACCOUNT) -> BlobServiceClient:
        token = application.sign_in(cloud.person(kind))["access_token"]
        options = {**sdk_options(certificates.ca_file), "retry_total": 0}
        return BlobServiceClient(front.account_url(account), credential=Token(token), **options)

    return opened


def container_by_signature(
    service: BlobServiceClient, front: StorageFront, name: str, certificates: Certificates
) -> ContainerClient:
    """What an agent gets: a signature of a delegation key, for one container."""
    now = datetime.now(UTC)
    until = now + timedelta(hours=1)
    signature = generate_container_sas(
        account_name=ACCOUNT,
        container_name=name,
        user_delegation_key=service.get_user_delegation_key(now - timedelta(minutes=5), until),
        permission=ContainerSasPermissions(read=True, create=True, write=True, list=True),
        expiry=until,
        protocol="https",
    )
    return ContainerClient.from_container_url(
        f"{front.account_url(ACCOUNT)}/{name}?{signature}", **sdk_options(certificates.ca_file), retry_total=0
    )


def refusal(fault: pytest.ExceptionInfo[HttpResponseError]) -> tuple[int | None, str]:
    code = getattr(fault.value, "error_code", "")
    return fault.value.status_code, str(getattr(code, "value", code))


def test_an_anonymous_request_is_told_the_tenant(front: StorageFront, cloud: CustomerCloud, certificates: Certificates):
    trust = ssl.create_default_context(cafile=certificates.ca_file)
    for account, tenant_id in ((ACCOUNT, cloud.tenant_id), (customer_cloud.OTHER_ACCOUNT, cloud.other_tenant_id)):
        answer = httpx.get(f"{front.account_url(account)}/?comp=list", verify=trust, trust_env=False)
        assert answer.status_code == 401
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith("Bearer authorization_uri=")
        assert f"/{tenant_id}/oauth2/authorize" in challenge
        assert challenge.endswith("resource_id=https://storage.azure.com")
    missing = httpx.get(f"{front.account_url('nosuchaccount')}/?comp=list", verify=trust, trust_env=False)
    assert missing.status_code == 404


def test_the_owner_copies_by_a_signature_and_the_log_says_so(
    service: Any, front: StorageFront, cloud: CustomerCloud, certificates: Certificates
):
    owner = service(OWNER)
    owner.create_container("by-signature")
    place = front.control.place()
    container = container_by_signature(owner, front, "by-signature", certificates)
    container.upload_blob("dir/ä b.bin", b"x" * 5_000_000, max_concurrency=2)
    assert container.download_blob("dir/ä b.bin").readall() == b"x" * 5_000_000
    assert [blob.name for blob in container.list_blobs()] == ["dir/ä b.bin"]
    with pytest.raises(HttpResponseError):
        container.delete_blob("dir/ä b.bin")
    entries = front.control.requests(place)
    assert {entry.operation for entry in entries} >= {"GetUserDelegationKey", "PutBlob", "GetBlob", "ListBlobs"}
    (written,) = front.control.writes(place)
    assert (written.blob, written.status, written.request_bytes) == ("dir/ä b.bin", 201, 5_000_000)
    assert (written.authentication, written.person) == ("SAS", cloud.object_ids[OWNER])
    assert "sig=" not in str(entries)


def test_a_guest_works_and_a_token_of_another_tenant_does_not(service: Any):
    assert service(GUEST).create_container("by-guest").exists()
    with pytest.raises(ClientAuthenticationError) as fault:
        service(GUEST, customer_cloud.OTHER_ACCOUNT).get_service_properties()
    assert refusal(fault) == (401, "InvalidAuthenticationInfo")


def test_roles(service: Any, front: StorageFront, cloud: CustomerCloud, certificates: Certificates):
    nobody = service(WITHOUT_ROLE)
    now = datetime.now(UTC)
    with pytest.raises(HttpResponseError) as fault:
        nobody.get_user_delegation_key(now, now + timedelta(hours=1))
    assert refusal(fault) == (403, "AuthorizationPermissionMismatch")

    service(OWNER).create_container(SCOPED_CONTAINER)
    scoped = service(SCOPED)
    scoped.get_container_client(SCOPED_CONTAINER).upload_blob("mine", b"1")
    with pytest.raises(HttpResponseError):
        scoped.get_user_delegation_key(now, now + timedelta(hours=1))
    front.control.assign(ACCOUNT, cloud.object_ids[SCOPED], "delegator", refusals_first=1)
    with pytest.raises(HttpResponseError):
        scoped.get_user_delegation_key(now, now + timedelta(hours=1))
    container = container_by_signature(scoped, front, SCOPED_CONTAINER, certificates)
    container.upload_blob("by signature", b"2")
    front.control.unassign(ACCOUNT, cloud.object_ids[SCOPED])
    with pytest.raises(HttpResponseError) as fault:
        container.upload_blob("too late", b"3")
    assert refusal(fault) == (403, "AuthorizationPermissionMismatch")


def test_firewall_disabled_and_faults_on_request(service: Any, front: StorageFront):
    owner = service(OWNER)
    front.control.firewall(ACCOUNT)
    with pytest.raises(HttpResponseError) as fault:
        owner.get_service_properties()
    assert refusal(fault) == (403, "AuthorizationFailure")
    front.control.firewall(ACCOUNT, closed=False)
    front.control.disable(ACCOUNT)
    with pytest.raises(HttpResponseError) as fault:
        owner.get_service_properties()
    assert refusal(fault) == (403, "AccountIsDisabled")
    front.control.disable(ACCOUNT, disabled=False)
    front.control.refuse(503, "ServerBusy", operation="ListContainers", times=1)
    with pytest.raises(HttpResponseError) as fault:
        list(owner.list_containers())
    assert fault.value.status_code == 503
    assert isinstance(list(owner.list_containers()), list)
