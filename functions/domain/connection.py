"""How a project reaches the customer's own storage account: its name, and who connects it. Pure.

Nouns: a *storage name* is an account and the allow-listed suffix that its address ends with; a *connector* is who
connects a project, a member or a customer with a link; a *draft* is a sign-in that is not saved yet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from migrate_contract.errors import ErrorCode, Fatal

PUBLIC_SUFFIX = "blob.core.windows.net"
KNOWN_SUFFIXES = (PUBLIC_SUFFIX, "blob.core.usgovcloudapi.net", "blob.core.chinacloudapi.cn")
"""Azure's clouds: https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-endpoints"""
CALLBACK_PATH = "/connect/callback"
"""Where Microsoft sends the browser back to, below the public URL; registered with the consent app."""
APPROVED_PATH = "/connect/approved"
"""Where an administrator of the customer's tenant comes back to."""
STORAGE_SCOPE = "https://storage.azure.com/user_impersonation"

_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*")
_TENANT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class StorageName:
    """A storage account. Its host is built from these two parts, never from what somebody typed."""

    account: str
    suffix: str = PUBLIC_SUFFIX

    @property
    def host(self) -> str:
        """Result: where the account answers."""
        return f"{self.account}.{self.suffix}"


def storage_name(typed: str, suffixes: Sequence[str] = (PUBLIC_SUFFIX,)) -> StorageName:
    """Result: the account that was typed: its name, its host, or its https address with or without a slash.

    Raises Fatal(azure-account-invalid) for anything else, and for a host whose suffix is not on the list.
    """
    plain = typed.strip().lower().removeprefix("https://").rstrip("/")
    account, dot, suffix = plain.partition(".")
    if _ACCOUNT.fullmatch(account) is None or (dot and suffix not in suffixes):
        raise Fatal(
            ErrorCode.AZURE_ACCOUNT_INVALID,
            f"It must be 3 to 24 lower-case letters and digits, or such a name followed by .{suffixes[0]}.",
        )
    return StorageName(account, suffix if dot else suffixes[0])


def container_name(typed: str) -> str:
    """Result: the container that was typed. Raises Fatal(azure-container-invalid)."""
    plain = typed.strip()
    if _CONTAINER.fullmatch(plain) is None:
        raise Fatal(
            ErrorCode.AZURE_CONTAINER_INVALID,
            "It must be 3 to 63 lower-case letters, digits and single dashes, and begin and end without a dash.",
        )
    return plain


def is_tenant_id(text: str) -> bool:
    """Result: whether this is a tenant's id, in lower case."""
    return _TENANT.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Connector:
    """Who connects which project; made where the caller's right to do so was checked."""

    organization: str
    project_id: str
    label: str
    """How audit and connection name this person: a member, or the customer's link."""


@dataclass(frozen=True, slots=True)
class SignInStart:
    """A sign-in that has begun: send the browser to `url`."""

    url: str = field(repr=False)
    browser: str = field(repr=False)
    """The secret that binds it to the browser: keep it there (a cookie), and give it back with the answer."""
    tenant_id: str
    account: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in, as the id token names them."""

    object_id: str
    username: str
    name: str

    @property
    def label(self) -> str:
        """Result: `Olivia Owner (olivia@contoso.example)`."""
        return f"{self.name} ({self.username})" if self.name and self.username else self.name or self.username


class SignInRefused(Fatal):
    """A sign-in that ended without a draft; says which one, where it is known.

    `tenant_id` is where an administrator can approve; "" for a state that nobody knows.
    """

    def __init__(self, code: ErrorCode, detail: str = "", *, project_id: str = "", tenant_id: str = "") -> None:
        super().__init__(code, detail)
        self.project_id = project_id
        self.tenant_id = tenant_id
