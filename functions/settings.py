"""App settings: environment variables read once into frozen, typed Settings.

Nouns: a *setting* is one environment variable, spelled as in Azure's app settings (`ONEMIGRATE_...`). A wrong or
missing one is `settings-invalid`, and the detail names it and what it should hold, never the value it has.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretBytes,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from functions.domain.limits import Limits
from functions.identity_settings import IdentitySettings, read_identity
from functions.mail_settings import MailSettings, read_mail
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.wire import Name, OrganizationId

SECRET_KEY_MIN_BYTES = 32
PLATFORM_AUTH_VARIABLE = "WEBSITE_AUTH_ENABLED"
"""Set by App Service to "true" while its authentication stands in front of the app."""
_APP_SETTING_PREFIX = "APPSETTING_"
"""App Service repeats every app setting under this prefix: that is how one that hides a platform variable shows."""
_NAME_PREFIX = "ONEMIGRATE_"
_PLAIN = {
    field: _NAME_PREFIX + field.upper()
    for field in (
        "organization",
        "organization_name",
        "tenant_id",
        "client_id",
        "secret_key",
        "public_url",
        "support_url",
        "support_email",
        "local_stack",
        "storage_ca_file",
        "sweep_schedule",
        "token_refresh_schedule",
        "consent_secret_expires_on",
    )
}
_COUNTS = frozenset(
    {
        "code_tries",
        "clone_changes",
        "mail_per_minute",
        "mail_per_hour",
        "sign_in_failures",
        "token_check_workers",
        "webhooks_most",
    }
)
_NO_STORAGE = (
    "ONEMIGRATE_STORAGE is missing: a connection string, or ONEMIGRATE_STORAGE__blobServiceUri, "
    "ONEMIGRATE_STORAGE__queueServiceUri and ONEMIGRATE_STORAGE__tableServiceUri"
)
_DETAIL_CHARACTERS = 1900
_GUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"

Guid = Annotated[str, StringConstraints(to_lower=True, strip_whitespace=True, pattern=_GUID)]
HttpUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"), AfterValidator(lambda url: url.rstrip("/"))
]


def _key_bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        key = base64.b64decode(value, validate=True)
    except binascii.Error as fault:
        raise ValueError("must be base64") from fault
    if len(key) < SECRET_KEY_MIN_BYTES:
        raise ValueError(f"must be base64 of at least {SECRET_KEY_MIN_BYTES} random bytes")
    return key


class _Part(BaseModel):
    """What every group of settings shares: immutable, and silent about the values it refuses."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Member(_Part):
    """A person by tenant id and object id."""

    tenant_id: Guid
    object_id: Guid


class StorageAccess(_Part):
    """How to reach one storage account: by connection string, or by endpoints and the app's own identity."""

    connection_string: SecretStr | None = None
    blob_endpoint: HttpUrl | None = None
    queue_endpoint: HttpUrl | None = None
    table_endpoint: HttpUrl | None = None
    identity_client_id: Guid | None = None
    """The user-assigned identity; absent: the system-assigned one."""


class Settings(_Part):
    """All settings of one process."""

    organization: OrganizationId
    organization_name: Name
    first_admin: Member
    tenant_id: Guid
    client_id: Guid
    """The audience that App Service authentication puts into a principal."""
    secret_key: Annotated[SecretBytes, BeforeValidator(_key_bytes)]
    public_url: HttpUrl
    support_url: HttpUrl | None = None
    support_email: Annotated[str, StringConstraints(pattern=r"^[^@\s<>\"]+@[^@\s<>\"]+$", max_length=254)] | None = None
    local_stack: bool = False
    storage: StorageAccess
    data_storage: StorageAccess | None = None
    storage_ca_file: Path | None = None
    sweep_schedule: Annotated[str, StringConstraints(min_length=1)]
    token_refresh_schedule: Annotated[str, StringConstraints(min_length=1)]
    """Hourly, say: each connection is looked at once a day, and a run that was cut off is gone on with."""
    consent_secret_expires_on: date | None = None
    limits: Limits
    mail: MailSettings = MailSettings()
    identity: IdentitySettings = IdentitySettings()
    platform_authentication: bool = False
    """True only where App Service says that its authentication is on: a principal header counts then alone."""

    @model_validator(mode="after")
    def _grants_outlive_a_file(self) -> Self:
        if not self.local_stack and not 900 <= self.limits.grant_seconds <= 3600:
            raise ValueError("ONEMIGRATE_GRANT_SECONDS must be 900 to 3600")
        return self

    @property
    def support(self) -> str | None:
        """Result: where a person gets help, as shown in every error; None where nothing is configured."""
        return " or ".join(filter(None, (self.support_url, self.support_email))) or None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Result: the settings; raises Fatal(settings-invalid) naming every wrong or missing one and what it must hold."""
    if _APP_SETTING_PREFIX + PLATFORM_AUTH_VARIABLE in environment:
        raise Fatal(
            ErrorCode.SETTINGS_INVALID,
            f"An app setting named {PLATFORM_AUTH_VARIABLE} hides the platform's own value: remove that app setting.",
        )
    given = {name: value for name, value in environment.items() if value != ""}
    wrong: list[str] = []
    values = _plain(given)
    values["limits"] = _limits(given, wrong)
    values["mail"] = read_mail(given, wrong)
    values["identity"] = read_identity(given, wrong)
    values["storage"] = _storage(given, "ONEMIGRATE_STORAGE", ("blob", "queue", "table"), wrong)
    values["data_storage"] = _storage(given, "ONEMIGRATE_DATA_STORAGE", ("blob",), wrong)
    if values["storage"] is None:
        wrong = wrong or [_NO_STORAGE]
        values["storage"] = StorageAccess()
    try:
        settings = Settings.model_validate(values)
    except ValidationError as fault:
        wrong += [_said(error["loc"], error["type"], error["msg"]) for error in fault.errors()]
    else:
        if not wrong:
            return settings
    raise Fatal(ErrorCode.SETTINGS_INVALID, "; ".join(wrong)[:_DETAIL_CHARACTERS])


def _plain(given: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {field: given[name] for field, name in _PLAIN.items() if name in given}
    if (first := given.get("ONEMIGRATE_FIRST_ADMIN")) is not None:
        tenant_id, _, object_id = first.partition("/")
        values["first_admin"] = {"tenant_id": tenant_id, "object_id": object_id}
    values["platform_authentication"] = given.get(PLATFORM_AUTH_VARIABLE, "").lower() == "true"
    return values


def _limits(given: Mapping[str, str], wrong: list[str]) -> Limits:
    """Result: the product's limits with those that a setting overrides; each is a positive number."""
    chosen: dict[str, Any] = {}
    for field in fields(Limits):
        name = _NAME_PREFIX + field.name.upper()
        if name not in given:
            continue
        try:
            number = int(given[name]) if field.name in _COUNTS else float(given[name])
        except ValueError:
            number = math.nan
        if math.isfinite(number) and number > 0:
            chosen[field.name] = number
        else:
            wrong.append(f"{name} is wrong: it must be a number above 0")
    return replace(Limits(), **chosen)


def _storage(
    given: Mapping[str, str], setting: str, services: tuple[str, ...], wrong: list[str]
) -> StorageAccess | None:
    """Result: None where the setting is absent, or half there (then `wrong` says what is missing)."""
    if setting in given:
        return StorageAccess(connection_string=SecretStr(given[setting]))
    names = {f"{service}_endpoint": f"{setting}__{service}ServiceUri" for service in services}
    missing = [name for name in names.values() if name not in given]
    if len(missing) == len(names):
        return None
    wrong += [f"{name} is missing: the address of that service, https://..." for name in missing]
    names["identity_client_id"] = f"{setting}__clientId"
    try:
        return StorageAccess.model_validate({field: given[name] for field, name in names.items() if name in given})
    except ValidationError as fault:
        wrong += [f"{names[str(error['loc'][0])]} is wrong: {error['msg']}" for error in fault.errors()]
    return None


def _said(location: tuple[int | str, ...], kind: str, message: str) -> str:
    name = _NAME_PREFIX + str(location[0]).upper() if location else ""
    if kind == "missing":
        return f"{name} is missing"
    return f"{name} is wrong: {message.removeprefix('Value error, ')}".removeprefix(" is wrong: ")
