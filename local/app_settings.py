"""The app settings of the local stack: what the function app reads from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.azurite import Azurite
from local.identity import DATA_ACCOUNT, ORGANIZATION, STATE_ACCOUNT, StackIdentity

SHORT_TIMES: Mapping[str, str] = {
    "ONEMIGRATE_HEARTBEAT_ACTIVE_SECONDS": "3",
    "ONEMIGRATE_HEARTBEAT_IDLE_SECONDS": "5",
    "ONEMIGRATE_REDISPATCH_SECONDS": "5",
    "ONEMIGRATE_SWEEP_SCHEDULE": "*/5 * * * * *",
    "ONEMIGRATE_MAIL_RETRY_SECONDS": "5",
    "ONEMIGRATE_MAIL_STATUS_SECONDS": "5",
    "ONEMIGRATE_TOKEN_REFRESH_SCHEDULE": "*/30 * * * * *",
}
"""Shorter than the product's defaults, so that a person who looks does not wait; all else is the default."""


@dataclass(frozen=True)
class CustomerAddresses:
    """Where the stack has the customers' Azure: the identity server, and the front that accounts are below.

    `key_file` wraps what the product keeps of a customer's sign-in.
    """

    authority: str
    storage_url: str
    key_file: Path


def app_settings(
    identity: StackIdentity, azurite: Azurite, cloud: CustomerAddresses, ca_file: Path, api_url: str
) -> dict[str, str]:
    """Every setting that the app needs on loopback."""
    state = azurite.account(STATE_ACCOUNT).connection_string
    admin = identity.first_admin.person
    return {
        "AzureWebJobsStorage": state,
        "AzureWebJobsDisableHomepage": "true",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        # More than the default of 6 on a small machine: agents, pages and queue messages share the threads.
        "PYTHON_THREADPOOL_THREAD_COUNT": "16",
        "ONEMIGRATE_STORAGE": state,
        "ONEMIGRATE_DATA_STORAGE": azurite.account(DATA_ACCOUNT).connection_string,
        "ONEMIGRATE_STORAGE_CA_FILE": str(ca_file),
        "ONEMIGRATE_ORGANIZATION": ORGANIZATION,
        "ONEMIGRATE_ORGANIZATION_NAME": "Local Organization",
        "ONEMIGRATE_FIRST_ADMIN": f"{admin.tenant_id}/{admin.object_id}",
        "ONEMIGRATE_TENANT_ID": identity.tenant_id,
        "ONEMIGRATE_CLIENT_ID": identity.audience,
        "ONEMIGRATE_SECRET_KEY": identity.secret_key,
        "ONEMIGRATE_PUBLIC_URL": api_url,
        "ONEMIGRATE_LOCAL_STACK": "true",
        "ONEMIGRATE_CONSENT_CLIENT_ID": identity.customer.client_id,
        "ONEMIGRATE_CONSENT_CLIENT_SECRET": identity.customer.client_secret,
        "ONEMIGRATE_AUTHORITY": cloud.authority,
        "ONEMIGRATE_IDENTITY_CA_FILE": str(ca_file),
        "ONEMIGRATE_LOCAL_STORAGE_URL": cloud.storage_url,
        "ONEMIGRATE_KEY_FILE": str(cloud.key_file),
        **SHORT_TIMES,
    }


def mail_settings(url: str, key: str) -> dict[str, str]:
    """Where the app sends its mail, and who gets what is for operators."""
    return {
        "ONEMIGRATE_MAIL_ENDPOINT": url,
        "ONEMIGRATE_MAIL_KEY": key,
        "ONEMIGRATE_MAIL_SENDER": "onemigrate@onemigrate.example",
        "ONEMIGRATE_OPERATOR_MAIL": "operators@onemigrate.example",
    }
