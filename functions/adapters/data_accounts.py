"""The DataAccounts port: the storage account that this deployment owns for migrated files.

With a connection string (the emulator, or a key), signatures are made from the account key; otherwise the app's own
identity asks the service for a delegation key and signs with that. Either way a signature cannot be recalled.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.blob import (
    BlobServiceClient,
    ContainerSasPermissions,
    UserDelegationKey,
    generate_container_sas,
)

from functions.adapters.access import StorageAccess, client_options, credential_of
from functions.adapters.faults import service_code, translated
from functions.domain.ports import Clock, ContainerGrant
from migrate_contract.errors import ErrorCode, Fatal, Retryable

PERMISSIONS = ContainerSasPermissions(read=True, create=True, write=True, list=True)
"""No delete: an agent cannot remove anything (product page, Limits)."""
MIRROR_PERMISSIONS = ContainerSasPermissions(read=True, list=True, delete=True)
"""No create and no write: what deletes cannot put anything in its place."""
_DELEGATION_SECONDS = 6 * 3600
_REFUSED = frozenset({"AuthorizationPermissionMismatch", "AuthorizationFailure", "InsufficientAccountPermissions"})


class AzureDataAccounts:
    """Opens the deployment's account, once. `credential` stands in for the app's own identity."""

    def __init__(
        self,
        access: StorageAccess | None,
        clock: Clock = lambda: datetime.now(UTC),
        credential: TokenCredential | None = None,
    ) -> None:
        self._account = DeploymentAccount(access, clock, credential) if access is not None else None

    def deployment(self) -> DeploymentAccount | None:
        """See the port."""
        return self._account


class DeploymentAccount:
    """The deployment's own account."""

    def __init__(self, access: StorageAccess, clock: Clock, credential: TokenCredential | None = None) -> None:
        options = client_options(access)
        self._clock = clock
        self._by_key = access.connection_string is not None
        if access.connection_string:
            self._service = BlobServiceClient.from_connection_string(access.connection_string, **options)
        else:
            self._service = BlobServiceClient(
                account_url=access.blob_endpoint or "", credential=credential or credential_of(access), **options
            )
        self._delegation: tuple[UserDelegationKey, datetime] | None = None
        self._lock = threading.Lock()

    @property
    def account(self) -> str:
        """See the port."""
        return str(self._service.account_name)

    @property
    def blob_endpoint(self) -> str:
        """See the port."""
        return str(self._service.url).rstrip("/")

    def ensure_container(self, container: str) -> None:
        """See the port."""
        with translated("data account"):
            try:
                self._service.create_container(container)
            except ResourceExistsError as error:
                if service_code(error) != "ContainerAlreadyExists":  # It is being deleted, say.
                    raise Retryable(ErrorCode.STORAGE_UNAVAILABLE, f"data account: {service_code(error)}") from error
            except HttpResponseError as error:
                raise _refusal(error, self.account) from error

    def grant(self, container: str, seconds: float) -> ContainerGrant:
        """See the port."""
        return self._signed(container, seconds, PERMISSIONS)

    def mirror_grant(self, container: str, seconds: float) -> ContainerGrant:
        """See the port."""
        return self._signed(container, seconds, MIRROR_PERMISSIONS)

    def _signed(self, container: str, seconds: float, permissions: ContainerSasPermissions) -> ContainerGrant:
        """Result: the signature. No start time is set: a clock that is a little off must not make it invalid."""
        expires_at = self._clock() + timedelta(seconds=seconds)
        sas = generate_container_sas(
            account_name=self.account,
            container_name=container,
            account_key=self._service.credential.account_key if self._by_key else None,
            user_delegation_key=None if self._by_key else self._delegation_key(expires_at),
            permission=permissions,
            expiry=expires_at,
            protocol="https",
        )
        return ContainerGrant(f"{self.blob_endpoint}/{container}", sas, expires_at)

    def _delegation_key(self, needed_until: datetime) -> UserDelegationKey:
        """Result: a key that outlives the grant, kept for some hours."""
        with self._lock:
            if self._delegation is None or self._delegation[1] < needed_until:
                until = max(needed_until, self._clock() + timedelta(seconds=_DELEGATION_SECONDS))
                with translated("data account"):
                    try:
                        key = self._service.get_user_delegation_key(self._clock() - timedelta(minutes=5), until)
                    except HttpResponseError as error:
                        raise _refusal(error, self.account) from error
                self._delegation = (key, until)
            return self._delegation[0]


def _refusal(error: HttpResponseError, account: str) -> Exception:
    """Result: what to raise for an answer of the data account."""
    code = service_code(error)
    if code in _REFUSED:
        return Fatal(
            ErrorCode.TARGET_ACCESS_DENIED, f"The app's identity may not do this on account {account} ({code})."
        )
    return error
