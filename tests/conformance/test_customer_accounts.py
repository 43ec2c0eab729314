"""What every way to customers' accounts must do; over the storage front each refusal of Azure is provoked."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContainerClient

from functions.adapters.customer_accounts import AzureCustomerAccounts
from functions.adapters.randomness import utc_now
from functions.domain.connection import StorageName
from functions.domain.identity_ports import CustomerAccount, CustomerAccounts
from local import customer_cloud
from local.customer_cloud import OWNER, SCOPED, SCOPED_CONTAINER, WITHOUT_ROLE
from local.storage_front.accounts import DELEGATOR, READER
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable
from tests.harness.customer_azure import CustomerAzure
from tests.memory.customer_accounts import MemoryCustomerAccounts
from tests.memory.identity import NOBODY, TENANT, MemoryIdentity
from tests.memory.identity import OWNER as MEMORY_OWNER
from tests.memory.world import refused

NAME = StorageName(customer_cloud.ACCOUNT)
PROBE = "_onemigrate/access-test-1"


@dataclass
class Customers:
    """Accounts under test, with the access of three kinds of person, and the account's own switches."""

    accounts: CustomerAccounts
    tenant_id: str
    access: Callable[[str], Callable[[], str]]
    firewall: Callable[[bool], object]
    disable: Callable[[bool], object]
    make_scoped: Callable[[], object]
    delegate: Callable[[], object]

    def open(self, kind: str = OWNER) -> CustomerAccount:
        return self.accounts.open(NAME, self.access(kind))


def _memory() -> Customers:
    identity = MemoryIdentity()
    accounts = MemoryCustomerAccounts(utc_now, identity)
    account = accounts.accounts[NAME.account]
    people = {OWNER: MEMORY_OWNER, WITHOUT_ROLE: NOBODY, SCOPED: NOBODY}

    def access(kind: str) -> Callable[[], str]:
        begun = identity.begin(TENANT, "")
        signed_in = identity.finish(TENANT, begun.flow, identity.answer(begun.url, people[kind]))
        return lambda: identity.redeem(TENANT, signed_in.refresh_token).access_token

    def scoped() -> None:
        account.containers.add(SCOPED_CONTAINER)
        account.container_contributors.add((NOBODY.object_id, SCOPED_CONTAINER))

    def switch(name: str) -> Callable[[bool], None]:
        return lambda on: setattr(account, name, on)

    return Customers(
        accounts,
        TENANT,
        access,
        switch("firewall"),
        switch("disabled"),
        scoped,
        lambda: account.delegators.add(NOBODY.object_id),
    )


@pytest.fixture
def azure(customer: CustomerAzure) -> Iterator[CustomerAzure]:
    yield customer
    customer.recover()
    control, person = customer.front.control, customer.cloud.object_ids[SCOPED]
    control.firewall(NAME.account, False)
    control.disable(NAME.account, False)
    control.move(NAME.account, customer.cloud.tenant_id)
    control.unassign(NAME.account, person)
    control.assign(NAME.account, person, container=SCOPED_CONTAINER)


@pytest.fixture(params=["memory", "azure"])
def customers(request: pytest.FixtureRequest) -> Customers:
    if request.param == "memory":
        return _memory()
    azure: CustomerAzure = request.getfixturevalue("azure")
    control = azure.front.control
    owner = azure.access(OWNER)

    def make_scoped() -> None:
        azure.accounts().open(NAME, lambda: owner).ensure_container(SCOPED_CONTAINER)

    return Customers(
        azure.accounts(),
        azure.cloud.tenant_id,
        lambda kind: lambda: azure.access(kind),
        lambda on: control.firewall(NAME.account, on),
        lambda on: control.disable(NAME.account, on),
        make_scoped,
        lambda: control.assign(NAME.account, azure.cloud.object_ids[SCOPED], DELEGATOR),
    )


def test_an_account_names_its_tenant_and_one_that_is_not_there_is_said_so(customers: Customers) -> None:
    assert customers.accounts.tenant_of(NAME) == customers.tenant_id
    refused(ErrorCode.AZURE_ACCOUNT_NOT_FOUND, lambda: customers.accounts.tenant_of(StorageName("nobodysfiles")))


def test_access_is_proved_granted_and_listed(customers: Customers) -> None:
    container = "c" + uuid.uuid4().hex
    account = customers.open()
    account.prove(container, PROBE)
    account.ensure_container(container)
    assert container in account.containers()
    before = utc_now()
    granted = account.grant(container, 1800)
    assert account.account == NAME.account
    assert granted.container_url == f"{account.blob_endpoint}/{container}"
    assert timedelta(seconds=1790) < granted.expires_at - before < timedelta(seconds=1810)
    assert granted.sas_token not in repr(granted)
    assert account.mirror_grant(container, 600).sas_token


def test_access_is_asked_for_once_and_only_when_it_is_used(customers: Customers) -> None:
    asked: list[str] = []
    inner = customers.access(OWNER)

    def token() -> str:
        asked.append("now")
        return inner()

    account = customers.accounts.open(NAME, token)
    assert (account.account, asked) == (NAME.account, [])
    account.prove("c" + uuid.uuid4().hex, PROBE)
    assert asked == ["now"]


def test_what_the_access_is_refused_for_goes_through(customers: Customers) -> None:
    def refuse() -> str:
        raise Fatal(ErrorCode.AZURE_CREDENTIALS_EXPIRED, "AADSTS50173")

    account = customers.accounts.open(NAME, refuse)
    refused(ErrorCode.AZURE_CREDENTIALS_EXPIRED, lambda: account.ensure_container("files"))


def test_without_a_role_nothing_is_proved(customers: Customers) -> None:
    account = customers.open(WITHOUT_ROLE)
    refused(ErrorCode.AZURE_ROLE_MISSING, lambda: account.prove("c" + uuid.uuid4().hex, PROBE))
    refused(ErrorCode.AZURE_ROLE_MISSING, account.containers)


def test_a_role_on_the_container_alone_needs_the_delegator_beside_it(customers: Customers) -> None:
    customers.make_scoped()
    refused(ErrorCode.AZURE_ROLE_SCOPE, lambda: customers.open(SCOPED).prove(SCOPED_CONTAINER, PROBE))
    customers.delegate()
    account = customers.open(SCOPED)
    account.prove(SCOPED_CONTAINER, PROBE)
    refused(ErrorCode.AZURE_ROLE_MISSING, lambda: account.ensure_container("another"))


def test_a_firewall_and_a_disabled_account_have_their_own_codes(customers: Customers) -> None:
    account = customers.open()
    customers.firewall(True)
    refused(ErrorCode.AZURE_FIREWALL, lambda: account.prove("files", PROBE))
    customers.firewall(False)
    customers.disable(True)
    refused(ErrorCode.AZURE_ACCOUNT_DISABLED, lambda: account.prove("files", PROBE))
    customers.disable(False)
    account.prove("files", PROBE)


def test_the_probe_is_written_with_a_signature_as_a_job_writes_and_is_removed(azure: CustomerAzure) -> None:
    container, place = "c" + uuid.uuid4().hex, azure.front.control.place()
    token = azure.access(OWNER)
    azure.accounts().open(NAME, lambda: token).prove(container, PROBE)
    done = [(entry.operation, entry.authentication) for entry in azure.front.control.requests(place)]
    assert done == [
        ("GetContainerProperties", "OAuth"),
        ("CreateContainer", "OAuth"),
        ("GetUserDelegationKey", "OAuth"),
        ("PutBlob", "SAS"),
        ("ListBlobs", "SAS"),
        ("DeleteBlob", "OAuth"),
    ]


def test_a_grant_writes_lists_and_reads_and_cannot_delete(azure: CustomerAzure) -> None:
    token = azure.access(OWNER)
    account = azure.accounts().open(NAME, lambda: token)
    container = "c" + uuid.uuid4().hex
    account.ensure_container(container)
    granted = account.grant(container, 600)
    assert "spr=https" in granted.sas_token
    client = ContainerClient.from_container_url(
        f"{granted.container_url}?{granted.sas_token}", connection_verify=str(azure.ca_file), use_env_settings=False
    )
    client.upload_blob("a/b.txt", b"hello", overwrite=True)
    assert [blob.name for blob in client.list_blobs()] == ["a/b.txt"]
    assert client.download_blob("a/b.txt").readall() == b"hello"
    with pytest.raises(HttpResponseError):
        client.delete_blob("a/b.txt")


def test_a_reader_is_told_what_is_missing(azure: CustomerAzure) -> None:
    person = azure.cloud.object_ids[SCOPED]
    azure.front.control.unassign(NAME.account, person)
    azure.front.control.assign(NAME.account, person, READER)
    owner, token = azure.access(OWNER), azure.access(SCOPED)
    azure.accounts().open(NAME, lambda: owner).ensure_container(SCOPED_CONTAINER)
    account = azure.accounts().open(NAME, lambda: token)
    refused(ErrorCode.AZURE_ROLE_MISSING, lambda: account.prove(SCOPED_CONTAINER, PROBE))


def test_an_account_that_moved_to_another_tenant_refuses_the_old_tokens(azure: CustomerAzure) -> None:
    token = azure.access(OWNER)
    azure.front.control.move(NAME.account, azure.cloud.other_tenant_id)
    assert azure.accounts().tenant_of(NAME) == azure.cloud.other_tenant_id
    place = azure.front.control.place()
    account = azure.accounts().open(NAME, lambda: token)
    refused(ErrorCode.AZURE_WRONG_TENANT, lambda: account.ensure_container("files"))
    # The challenge names another tenant: the credential does not follow it.
    assert {entry.account for entry in azure.front.control.requests(place)} == {NAME.account}


@pytest.mark.parametrize(("status", "code"), [(503, "ServerBusy"), (500, "InternalError"), (429, "TooManyRequests")])
def test_what_passes_is_tried_later(azure: CustomerAzure, status: int, code: str) -> None:
    token = azure.access(OWNER)
    azure.front.control.refuse(status, code, operation="GetUserDelegationKey")
    account = azure.accounts().open(NAME, lambda: token)
    account.ensure_container("files")
    assert isinstance(refused(ErrorCode.TARGET_UNREACHABLE, lambda: account.grant("files", 600)), Retryable)


def test_the_firewalls_fix_names_the_addresses_to_allow(azure: CustomerAzure) -> None:
    token = azure.access(OWNER)
    azure.front.control.firewall(NAME.account)
    accounts = azure.accounts(outbound_addresses=("203.0.113.7", "203.0.113.8"))
    said = refused(ErrorCode.AZURE_FIREWALL, lambda: accounts.open(NAME, lambda: token).containers()).detail
    assert "203.0.113.7, 203.0.113.8" in said
    assert "region" in said
    assert "private endpoints" in said


@pytest.mark.parametrize(
    ("errno", "code"),
    [(socket.EAI_NONAME, ErrorCode.AZURE_ACCOUNT_NOT_FOUND), (socket.EAI_AGAIN, ErrorCode.TARGET_UNREACHABLE)],
)
def test_a_name_without_an_address_is_no_account_and_a_dns_that_fails_is_nobodys_fault(
    errno: int, code: ErrorCode
) -> None:
    asked: list[str] = []

    def resolve(host: str) -> object:
        asked.append(host)
        raise socket.gaierror(errno, "no")

    accounts = AzureCustomerAccounts(utc_now, resolve=resolve)
    fault: MigrateError = refused(code, lambda: accounts.tenant_of(NAME))
    assert isinstance(fault, Retryable) is (errno == socket.EAI_AGAIN)
    assert asked == ["contosofiles.blob.core.windows.net"]


def test_a_redirect_is_not_followed(azure: CustomerAzure) -> None:
    token = azure.access(OWNER)
    azure.front.control.refuse(307, "Moved", operation="GetContainerProperties")
    account = azure.accounts().open(NAME, lambda: token)
    with pytest.raises((HttpResponseError, MigrateError)):
        account.ensure_container("files")
