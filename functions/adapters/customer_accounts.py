"""The CustomerAccounts port: customers' storage accounts, reached with a person's access.

A token goes to the host that is built from the stored account's name, and to no other: redirects are not followed,
and the credential does not listen to the scopes and tenants that a challenge names.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient, ContainerSasPermissions, generate_container_sas

from functions.adapters.access import StorageAccess, client_options
from functions.adapters.data_accounts import MIRROR_PERMISSIONS, PERMISSIONS
from functions.adapters.faults import passing, service_code
from functions.domain.connection import StorageName
from functions.domain.ports import Clock, ContainerGrant
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable

_API_VERSION = "2021-12-02"
"""Challenges name the tenant since 2019-12-12."""
_TENANT = re.compile(r"authorization_uri=\"?https://[^\s/\"]+/([0-9a-f-]{36})/", re.IGNORECASE)
_ROLE_REFUSED = frozenset({"AuthorizationPermissionMismatch", "InsufficientAccountPermissions"})
_REFUSALS = {
    "AuthorizationFailure": ErrorCode.AZURE_FIREWALL,
    "AccountIsDisabled": ErrorCode.AZURE_ACCOUNT_DISABLED,
    "AccountNotFound": ErrorCode.AZURE_ACCOUNT_NOT_FOUND,
    "InvalidAuthenticationInfo": ErrorCode.AZURE_WRONG_TENANT,
}
_CONTAINERS = 1000
_PROBE_SECONDS = 300
_ANSWER_SECONDS = 20
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})

type Resolve = Callable[[str], object]


def _resolve(host: str) -> object:
    return socket.getaddrinfo(host, 443, proto=socket.IPPROTO_TCP)


class AzureCustomerAccounts:
    """Opens accounts. `local_url`: a base address that accounts are below, in place of Azure's hosts."""

    def __init__(
        self,
        clock: Clock,
        *,
        local_url: str = "",
        ca_file: str | None = None,
        outbound_addresses: tuple[str, ...] = (),
        resolve: Resolve = _resolve,
    ) -> None:
        self._clock = clock
        self._local_url = local_url
        self._resolve = resolve
        self._outbound = outbound_addresses
        self._options = client_options(StorageAccess(ca_file=ca_file))
        self._http = requests.Session()
        self._http.trust_env = ca_file is None
        self._http.verify = ca_file or True

    def tenant_of(self, name: StorageName) -> str:
        """See the port."""
        if not self._local_url:
            self._need_host(name)
        try:
            answer = self._http.get(
                f"{self._endpoint(name)}/?comp=list&maxresults=1",
                headers={"x-ms-version": _API_VERSION},
                timeout=_ANSWER_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as fault:
            raise _unreachable(name, type(fault).__name__) from fault
        found = _TENANT.search(answer.headers.get("WWW-Authenticate", ""))
        if found is not None:
            return found[1].lower()
        code = answer.headers.get("x-ms-error-code", "")
        if code in _REFUSALS and code != "InvalidAuthenticationInfo":
            raise self.refusal(name, code)
        raise _unreachable(name, f"answered {answer.status_code} {code} without naming its tenant")

    def open(self, name: StorageName, token: Callable[[], str]) -> AzureCustomerAccount:
        """See the port."""
        return AzureCustomerAccount(self, name, self._endpoint(name), _OneToken(token, self._clock), self._clock)

    def service(self, endpoint: str, credential: _OneToken) -> BlobServiceClient:
        """Result: a client of one account."""
        return BlobServiceClient(account_url=endpoint, credential=credential, permit_redirects=False, **self._options)

    def signed(self, granted: ContainerGrant) -> ContainerClient:
        """Result: a client of one container, with a signature as an agent has it."""
        url = f"{granted.container_url}?{granted.sas_token}"
        return ContainerClient.from_container_url(url, permit_redirects=False, **self._options)

    def refusal(self, name: StorageName, code: str) -> Fatal:
        """Result: what to raise for a service code that is a refusal."""
        known = _REFUSALS[code]
        if known is not ErrorCode.AZURE_FIREWALL:
            return Fatal(known, f"{name.host} answered {code}.")
        ours = (
            f"the control plane's addresses ({', '.join(self._outbound)})"
            if self._outbound
            else "the control plane's outbound addresses (the operator of this deployment knows them)"
        )
        return Fatal(
            known,
            f"{name.host}: allow {ours} and the public address of each agent's site. IP rules do not count for traffic "
            "within one Azure region, and an account with private endpoints only needs this deployment to be joined "
            "to its virtual network.",
        )

    def _endpoint(self, name: StorageName) -> str:
        return f"{self._local_url}/{name.account}" if self._local_url else f"https://{name.host}"

    def _need_host(self, name: StorageName) -> None:
        """Raises Fatal(azure-account-not-found): an account that there is not has no address."""
        try:
            self._resolve(name.host)
        except socket.gaierror as fault:
            if fault.errno in _NO_SUCH_NAME:
                raise Fatal(ErrorCode.AZURE_ACCOUNT_NOT_FOUND, f"{name.host} has no address.") from fault
            raise _unreachable(name, "its name could not be looked up") from fault


class AzureCustomerAccount:
    """One account, for the length of one use."""

    def __init__(
        self, accounts: AzureCustomerAccounts, name: StorageName, endpoint: str, credential: _OneToken, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._name = name
        self._endpoint = endpoint
        self._service = accounts.service(endpoint, credential)
        self._clock = clock

    @property
    def account(self) -> str:
        """See the port."""
        return self._name.account

    @property
    def blob_endpoint(self) -> str:
        """See the port."""
        return self._endpoint

    def containers(self) -> list[str]:
        """See the port."""
        with self._translated(ErrorCode.AZURE_ROLE_MISSING):
            found: list[str] = []
            for container in self._service.list_containers():
                found.append(container.name)
                if len(found) == _CONTAINERS:
                    break
            return found

    def ensure_container(self, container: str) -> None:
        """See the port. Looks first: a role on one container may see it and not make any."""
        client = self._service.get_container_client(container)
        with self._translated(ErrorCode.AZURE_ROLE_MISSING):
            try:
                client.get_container_properties()
            except ResourceNotFoundError as missing:
                if service_code(missing) == "AccountNotFound":
                    raise
                self._make(client)

    def grant(self, container: str, seconds: float) -> ContainerGrant:
        """See the port."""
        return self._signed(container, seconds, PERMISSIONS)

    def mirror_grant(self, container: str, seconds: float) -> ContainerGrant:
        """See the port."""
        return self._signed(container, seconds, MIRROR_PERMISSIONS)

    def prove(self, container: str, probe: str) -> None:
        """See the port."""
        self.ensure_container(container)
        client = self._accounts.signed(self.grant(container, _PROBE_SECONDS))
        with self._translated(ErrorCode.AZURE_ROLE_MISSING):
            client.get_blob_client(probe).upload_blob(b"OneMigrate: access test\n", overwrite=True)
            try:
                next(iter(client.list_blobs(name_starts_with=probe)), None)
            finally:
                self._remove(container, probe)

    def _make(self, client: ContainerClient) -> None:
        try:
            client.create_container()
        except ResourceExistsError as error:
            if service_code(error) != "ContainerAlreadyExists":  # It is being deleted, say.
                raise _unreachable(self._name, service_code(error)) from error

    def _remove(self, container: str, probe: str) -> None:
        """A probe that cannot be removed (an immutable container) is a few bytes that stay, no refusal."""
        try:
            self._service.get_blob_client(container, probe).delete_blob()
        except HttpResponseError as error:
            if error.status_code not in (404, 409):
                raise

    def _signed(self, container: str, seconds: float, permissions: ContainerSasPermissions) -> ContainerGrant:
        """Result: the signature, by a key that ends with it: what was granted outlives a disconnect by no more."""
        expires_at = self._clock() + timedelta(seconds=seconds)
        with self._translated(ErrorCode.AZURE_ROLE_SCOPE):
            key = self._service.get_user_delegation_key(self._clock() - timedelta(minutes=5), expires_at)
        sas = generate_container_sas(
            account_name=self.account,
            container_name=container,
            user_delegation_key=key,
            permission=permissions,
            expiry=expires_at,
            protocol="https",
        )
        return ContainerGrant(f"{self._endpoint}/{container}", sas, expires_at)

    @contextmanager
    def _translated(self, role: ErrorCode) -> Iterator[None]:
        """Turns the account's answers into codes; `role` is what a missing role means here."""
        try:
            yield
        except AzureError as error:
            raise self._fault(error, role) from error

    def _fault(self, error: AzureError, role: ErrorCode) -> MigrateError | AzureError:
        if isinstance(error, HttpResponseError):
            code = service_code(error)
            if code in _ROLE_REFUSED:
                return Fatal(role, f"{self._name.host} answered {code}.")
            if code in _REFUSALS:
                return self._accounts.refusal(self._name, code)
        found = passing(error, self._name.host)
        return _unreachable(self._name, found.detail) if found else error


class _OneToken:
    """A credential that answers one token, whoever asks for whichever scope and tenant."""

    def __init__(self, token: Callable[[], str], clock: Clock) -> None:
        self._ask = token
        self._clock = clock
        self._token: AccessToken | None = None

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """See azure.core.credentials.TokenCredential."""
        if self._token is None:
            self._token = AccessToken(self._ask(), int((self._clock() + timedelta(days=1)).timestamp()))
        return self._token


def _unreachable(name: StorageName, how: str) -> Retryable:
    return Retryable(ErrorCode.TARGET_UNREACHABLE, f"{name.host}: {how}")
