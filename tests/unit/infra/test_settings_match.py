"""Every setting that the app reads in Azure is set by Bicep, Bicep sets no other, and what it sets is accepted."""

from __future__ import annotations

import base64
import re

import pytest

from functions.domain.limits import Limits
from functions.identity_settings import _LISTS, _NAMES
from functions.settings import _PLAIN, read_settings
from migrate_contract.errors import Fatal
from tests.unit.infra.bicep import INFRA, objects

TEXT = (INFRA / "modules" / "settings.bicep").read_bytes()
PREFIX = "ONEMIGRATE_"
GUID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
NOT_IN_AZURE = {
    "ONEMIGRATE_LOCAL_STACK": "the local stack says so of itself",
    "ONEMIGRATE_STORAGE_CA_FILE": "an authority of loopback servers",
    "ONEMIGRATE_IDENTITY_CA_FILE": "an authority of loopback servers",
    "ONEMIGRATE_KEY_FILE": "stands in for Key Vault",
    "ONEMIGRATE_LOCAL_STORAGE_URL": "accounts below one local address",
    "ONEMIGRATE_MAIL_KEY": "the identity has a role instead",
    "ONEMIGRATE_STORAGE": "a connection string; the identity has roles instead",
    "ONEMIGRATE_DATA_STORAGE": "a connection string; the identity has roles instead",
}
PLATFORM = {"ONEMIGRATE_STORAGE__credential": "tells the host's triggers to use an identity"}
"""Read by the Functions host, not by the app."""


def read_by_the_app() -> set[str]:
    """What functions/settings.py and its parts look for; the limits have defaults and are set where they differ."""
    storage = {
        f"ONEMIGRATE_STORAGE__{part}" for part in ("blobServiceUri", "queueServiceUri", "tableServiceUri", "clientId")
    }
    data = {f"ONEMIGRATE_DATA_STORAGE__{part}" for part in ("blobServiceUri", "clientId")}
    identity = {PREFIX + name for name in (*_NAMES.values(), *_LISTS.values())}
    mail = {f"ONEMIGRATE_MAIL_{name}" for name in ("ENDPOINT", "KEY", "CLIENT_ID", "SENDER")}
    smtp = {f"ONEMIGRATE_SMTP_{name}" for name in ("HOST", "PORT", "SECURITY", "USER", "PASSWORD")}
    others = {"ONEMIGRATE_FIRST_ADMIN", "ONEMIGRATE_OPERATOR_MAIL", "ONEMIGRATE_STORAGE", "ONEMIGRATE_DATA_STORAGE"}
    return {*_PLAIN.values(), *storage, *data, *identity, *mail, *smtp, *others}


def set_by_bicep(text: bytes = TEXT) -> set[str]:
    return {name for each in objects(text) for name in each if name.startswith(PREFIX)}


def limits() -> set[str]:
    return {PREFIX + name.upper() for name in Limits.__dataclass_fields__}


def test_both_ways() -> None:
    assert set(NOT_IN_AZURE) <= read_by_the_app()
    expected = read_by_the_app() - set(NOT_IN_AZURE) | set(PLATFORM)
    assert expected - set_by_bicep() == set(), "read by the app, and not set"
    assert set_by_bicep() - expected - limits() == set(), "set, and read by nobody"


@pytest.mark.parametrize("removed", sorted(set_by_bicep() - limits()))
def test_it_is_noticed_when_one_is_removed(removed: str) -> None:
    text = re.sub(rb"^ +" + removed.encode() + rb": .*\n", b"", TEXT, flags=re.MULTILINE)
    expected = read_by_the_app() - set(NOT_IN_AZURE) | set(PLATFORM)
    assert expected - set_by_bicep(text) == {removed}


def test_the_text_of_the_code_names_no_other_setting() -> None:
    """A name that is read somewhere else than in the tables of names above would be missed."""
    spelled: set[str] = set()
    for path in (INFRA.parent / "functions").rglob("*.py"):
        spelled |= set(re.findall(r"\bONEMIGRATE_[A-Z]+(?:_[A-Z]+)*(?:__[a-zA-Z]+)?", path.read_text(encoding="utf-8")))
    known = read_by_the_app() | limits()
    # Prefixes that names are put together from, and names in messages.
    assert {name for name in spelled if name not in known and not any(each.startswith(name) for each in known)} == set()


SAMPLES = {
    "ONEMIGRATE_ORGANIZATION": "acme",
    "ONEMIGRATE_ORGANIZATION_NAME": "Acme",
    "ONEMIGRATE_FIRST_ADMIN": f"{GUID}/{GUID}",
    "ONEMIGRATE_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
    "ONEMIGRATE_PUBLIC_URL": "https://func-onemigrate-prod-x.azurewebsites.net",
    "ONEMIGRATE_SUPPORT_EMAIL": "help@example.org",
    "ONEMIGRATE_OPERATOR_MAIL": "a@example.org,b@example.org",
    "ONEMIGRATE_SWEEP_SCHEDULE": "*/30 * * * * *",
    "ONEMIGRATE_TOKEN_REFRESH_SCHEDULE": "0 7 * * * *",
    "ONEMIGRATE_AUTHORITY": "https://login.microsoftonline.com",
    "ONEMIGRATE_STORAGE_SUFFIXES": "blob.core.windows.net",
    "ONEMIGRATE_OUTBOUND_ADDRESSES": "203.0.113.7",
    "ONEMIGRATE_CONSENT_CLIENT_SECRET": "s",
    "ONEMIGRATE_CONSENT_SECRET_EXPIRES_ON": "2027-01-01",
    "ONEMIGRATE_KEY_VAULT_KEY": "https://kv-om.vault.azure.net/keys/wrapping",
    "ONEMIGRATE_MAIL_ENDPOINT": "https://acs-x.europe.communication.azure.com",
    "ONEMIGRATE_MAIL_SENDER": "onemigrate@mail.example.org",
    "ONEMIGRATE_SMTP_HOST": "mail.example.org",
    "ONEMIGRATE_SMTP_PORT": "587",
    "ONEMIGRATE_SMTP_SECURITY": "starttls",
    "ONEMIGRATE_SMTP_USER": "u",
    "ONEMIGRATE_SMTP_PASSWORD": "p",
    "ONEMIGRATE_SUPPORT_URL": "https://help.example.org",
    "ONEMIGRATE_STORAGE__credential": "managedidentity",
}


@pytest.mark.parametrize("left_out", ["ONEMIGRATE_SMTP_", "ONEMIGRATE_MAIL_ENDPOINT"])
def test_what_bicep_sets_is_accepted(left_out: str) -> None:
    environment = {}
    for name in set_by_bicep():
        value = SAMPLES.get(name)
        if value is None:
            value = "https://x.blob.core.windows.net" if name.endswith("Uri") else "30" if name in limits() else GUID
        environment[name] = value
    settings = read_settings({name: value for name, value in environment.items() if not name.startswith(left_out)})
    assert settings.identity.key_vault_key
    assert settings.storage.identity_client_id == GUID


def test_the_fixed_values_are_the_apps_own_words() -> None:
    values = {name: value for each in objects(TEXT) for name, value in each.items()}
    environment = {
        **{
            name: value
            for name, value in SAMPLES.items()
            if not name.startswith(("ONEMIGRATE_SMTP", "ONEMIGRATE_MAIL"))
        },
        "ONEMIGRATE_TENANT_ID": GUID,
        "ONEMIGRATE_CLIENT_ID": GUID,
        "ONEMIGRATE_STORAGE": "UseDevelopmentStorage=true",
        "ONEMIGRATE_CONSENT_CLIENT_ID": GUID,
        "ONEMIGRATE_SWEEP_SCHEDULE": values["ONEMIGRATE_SWEEP_SCHEDULE"].strip("'"),
        "ONEMIGRATE_TOKEN_REFRESH_SCHEDULE": values["ONEMIGRATE_TOKEN_REFRESH_SCHEDULE"].strip("'"),
    }
    assert read_settings(environment).sweep_schedule == "*/30 * * * * *"
    with pytest.raises(Fatal, match="ONEMIGRATE_AUTHORITY"):
        read_settings({**environment, "ONEMIGRATE_AUTHORITY": "https://login.microsoftonline.com/path"})
