"""How the adapters reach a storage account, and the options that all SDK clients get."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from requests import Session
from requests.adapters import HTTPAdapter

_CONNECT_SECONDS = 5
_READ_SECONDS = 20
_TRIES = 3
_POOL = 64
"""Connections kept per client: as many as threads that may call at once."""


@dataclass(frozen=True, slots=True)
class StorageAccess:
    """One account: a connection string, or endpoints that are reached with the app's own identity."""

    connection_string: str | None = field(default=None, repr=False)
    blob_endpoint: str | None = None
    queue_endpoint: str | None = None
    table_endpoint: str | None = None
    identity_client_id: str | None = None
    """The user-assigned identity; None: the system-assigned one, or the developer's own sign-in."""
    ca_file: str | None = None
    """An authority to trust in place of the system's: loopback only."""


def credential_of(access: StorageAccess) -> TokenCredential:
    """Result: the app's own identity."""
    if access.identity_client_id:
        return ManagedIdentityCredential(client_id=access.identity_client_id)
    return DefaultAzureCredential()


def client_options(access: StorageAccess) -> dict[str, Any]:
    """Result: timeouts, retries and trust, for the constructor of any storage client.

    A proxy of the environment is not asked for loopback, which is what an authority of one's own means.
    """
    session = Session()
    session.mount("https://", HTTPAdapter(pool_connections=4, pool_maxsize=_POOL))
    session.trust_env = access.ca_file is None
    transport = RequestsTransport(
        session=session,
        session_owner=True,
        connection_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        connection_verify=access.ca_file or True,
        use_env_settings=access.ca_file is None,
    )
    return {
        "transport": transport,
        "retry_total": _TRIES,
        "retry_connect": _TRIES,
        "retry_read": _TRIES,
        "retry_status": _TRIES,
        "retry_backoff_factor": 0.4,
        "retry_backoff_max": 5,
        # The blob and queue clients spell it differently.
        "initial_backoff": 1,
        "increment_base": 2,
    }
