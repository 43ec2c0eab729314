"""The app settings of customers' sign-in: the consent app, what wraps stored secrets, which clouds accounts are in."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from functions.domain.connection import KNOWN_SUFFIXES, PUBLIC_SUFFIX

_PREFIX = "ONEMIGRATE_"
_NAMES = {
    "client_id": "CONSENT_CLIENT_ID",
    "client_secret": "CONSENT_CLIENT_SECRET",
    "authority": "AUTHORITY",
    "ca_file": "IDENTITY_CA_FILE",
    "key_vault_key": "KEY_VAULT_KEY",
    "key_vault_client_id": "KEY_VAULT_CLIENT_ID",
    "key_file": "KEY_FILE",
    "local_storage_url": "LOCAL_STORAGE_URL",
    "local_stack": "LOCAL_STACK",
}
_LISTS = {"suffixes": "STORAGE_SUFFIXES", "outbound_addresses": "OUTBOUND_ADDRESSES"}
_GUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_VAULT_HOSTS = r"(vault\.azure\.net|vault\.usgovcloudapi\.net|vault\.azure\.cn|managedhsm\.azure\.net)"


def _suffix(text: str) -> str:
    if text not in KNOWN_SUFFIXES:
        raise ValueError(f"must be among {', '.join(KNOWN_SUFFIXES)}")
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text)).removesuffix("/32").removesuffix("/128")
    except ValueError:
        raise ValueError("must be addresses or networks, as 203.0.113.7 or 198.51.100.0/28") from None


class IdentitySettings(BaseModel):
    """Without a client id, no customer can be signed in, and every attempt says so."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    client_id: Annotated[str, StringConstraints(to_lower=True, pattern=_GUID)] | None = None
    client_secret: SecretStr | None = None
    authority: Annotated[str, StringConstraints(pattern=r"^https://[^\s/?#@]+$")] = "https://login.microsoftonline.com"
    ca_file: Path | None = None
    key_vault_key: (
        Annotated[str, StringConstraints(pattern=rf"^https://[a-zA-Z0-9-]+\.{_VAULT_HOSTS}/keys/[a-zA-Z0-9-]+/?$")]
        | None
    ) = None
    """Without a version: the newest wraps."""
    key_vault_client_id: Annotated[str, StringConstraints(to_lower=True, pattern=_GUID)] | None = None
    """The user-assigned identity; absent: the system-assigned one."""
    key_file: Path | None = None
    suffixes: tuple[Annotated[str, AfterValidator(_suffix)], ...] = (PUBLIC_SUFFIX,)
    outbound_addresses: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    """The control plane's own, where they are fixed: what a customer's firewall has to allow."""
    local_storage_url: Annotated[str, StringConstraints(pattern=r"^https://127\.0\.0\.1:\d+$")] | None = None
    local_stack: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.local_stack:
            local = {"IDENTITY_CA_FILE": self.ca_file, "KEY_FILE": self.key_file}
            local["LOCAL_STORAGE_URL"] = Path(self.local_storage_url) if self.local_storage_url else None
            for name, value in local.items():
                if value is not None:
                    raise ValueError(f"{_PREFIX}{name} is for the local stack only: remove it")
        if self.client_id is None:
            return self
        if self.client_secret is None:
            raise ValueError("ONEMIGRATE_CONSENT_CLIENT_SECRET is missing: the consent app's client secret")
        if (self.key_vault_key is None) == (self.key_file is None):
            raise ValueError(
                "ONEMIGRATE_KEY_VAULT_KEY is missing: https://<vault>.vault.azure.net/keys/<name> "
                "(on the local stack ONEMIGRATE_KEY_FILE in its place, not both)"
            )
        return self


def read_identity(given: Mapping[str, str], wrong: list[str]) -> IdentitySettings:
    """Result: the settings of customers' sign-in; what is wrong with them is added to `wrong`, never a value."""
    values: dict[str, Any] = {field: given[_PREFIX + name] for field, name in _NAMES.items() if _PREFIX + name in given}
    for field, name in _LISTS.items():
        if _PREFIX + name in given:
            values[field] = tuple(part.strip() for part in given[_PREFIX + name].split(",") if part.strip())
    try:
        return IdentitySettings.model_validate(values)
    except ValidationError as fault:
        wrong += [_said(error["loc"], error["msg"]) for error in fault.errors()]
        return IdentitySettings()


def _said(location: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not location:
        return message
    name = {**_NAMES, **_LISTS}[str(location[0])]
    return f"{_PREFIX}{name} is wrong: {message}"
