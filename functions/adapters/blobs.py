"""The Blobs port over Azure Blob Storage: our own state (ledgers, poison messages), not the customers' files."""

from __future__ import annotations

from collections.abc import Mapping

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from functions.adapters.access import StorageAccess, client_options, credential_of
from functions.adapters.faults import service_code, translated
from functions.domain.ports import BlobItem
from migrate_contract.errors import ErrorCode, Retryable

_CONTAINER_MISSING = "ContainerNotFound"


class AzureBlobs:
    """One storage account's blobs. A container is made when it is first written to."""

    def __init__(self, access: StorageAccess) -> None:
        options = client_options(access)
        if access.connection_string:
            self._service = BlobServiceClient.from_connection_string(access.connection_string, **options)
        else:
            self._service = BlobServiceClient(
                account_url=access.blob_endpoint or "", credential=credential_of(access), **options
            )

    def put(self, container: str, name: str, content: bytes, metadata: Mapping[str, str] | None = None) -> None:
        """See the port."""
        client = self._service.get_container_client(container)
        with translated("blobs"):
            try:
                client.upload_blob(name, content, overwrite=True, metadata=dict(metadata or {}))
            except ResourceNotFoundError as error:
                if service_code(error) != _CONTAINER_MISSING:
                    raise
                self.ensure(container)
                client.upload_blob(name, content, overwrite=True, metadata=dict(metadata or {}))

    def ensure(self, container: str) -> None:
        """Makes the container if it is not there."""
        with translated("blobs"):
            try:
                self._service.create_container(container)
            except ResourceExistsError as error:
                if service_code(error) != "ContainerAlreadyExists":  # It is being deleted, say.
                    raise Retryable(ErrorCode.STORAGE_UNAVAILABLE, f"blobs: {service_code(error)}") from error

    def get(self, container: str, name: str) -> bytes | None:
        """See the port."""
        with translated("blobs"):
            try:
                return self._service.get_blob_client(container, name).download_blob().readall()
            except ResourceNotFoundError:
                return None

    def list(self, container: str, prefix: str) -> list[BlobItem]:
        """See the port."""
        client = self._service.get_container_client(container)
        with translated("blobs"):
            try:
                found = client.list_blobs(name_starts_with=prefix, include=["metadata"])
                # An empty value comes back from a listing as None.
                return [
                    BlobItem(
                        blob.name, int(blob.size), {key: value or "" for key, value in (blob.metadata or {}).items()}
                    )
                    for blob in found
                ]
            except ResourceNotFoundError:
                return []

    def delete_prefix(self, container: str, prefix: str) -> int:
        """See the port."""
        if not prefix:
            raise ValueError("an empty prefix is the whole container")
        client = self._service.get_container_client(container)
        names = [item.name for item in self.list(container, prefix)]
        with translated("blobs"):
            for name in names:
                try:
                    client.delete_blob(name)
                except ResourceNotFoundError:
                    continue
        return len(names)
