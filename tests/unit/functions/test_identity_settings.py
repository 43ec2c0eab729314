"""The settings of customers' sign-in: what is needed together, and what is for the local stack alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions.identity_settings import IdentitySettings, read_identity

APP = {
    "ONEMIGRATE_CONSENT_CLIENT_ID": "AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee",
    "ONEMIGRATE_CONSENT_CLIENT_SECRET": "very-secret-value",
    "ONEMIGRATE_KEY_VAULT_KEY": "https://acme-keys.vault.azure.net/keys/wrapping",
}
LOCAL = {
    "ONEMIGRATE_LOCAL_STACK": "true",
    "ONEMIGRATE_AUTHORITY": "https://127.0.0.1:8443",
    "ONEMIGRATE_IDENTITY_CA_FILE": "/ca.pem",
    "ONEMIGRATE_LOCAL_STORAGE_URL": "https://127.0.0.1:9443",
    "ONEMIGRATE_KEY_FILE": "/wrapping.key",
}


def _read(given: dict[str, str]) -> tuple[IdentitySettings, list[str]]:
    wrong: list[str] = []
    return read_identity(given, wrong), wrong


def test_nothing_set_is_fine_and_signs_nobody_in() -> None:
    settings, wrong = _read({})
    assert wrong == []
    assert settings.client_id is None
    assert settings.authority == "https://login.microsoftonline.com"
    assert settings.suffixes == ("blob.core.windows.net",)


def test_a_whole_set_is_typed() -> None:
    settings, wrong = _read(
        {
            **APP,
            "ONEMIGRATE_STORAGE_SUFFIXES": "blob.core.windows.net, blob.core.usgovcloudapi.net",
            "ONEMIGRATE_OUTBOUND_ADDRESSES": "203.0.113.7, 198.51.100.0/28",
        }
    )
    assert wrong == []
    assert settings.client_id == APP["ONEMIGRATE_CONSENT_CLIENT_ID"].lower()
    assert settings.suffixes == ("blob.core.windows.net", "blob.core.usgovcloudapi.net")
    assert settings.outbound_addresses == ("203.0.113.7", "198.51.100.0/28")
    assert "very-secret-value" not in repr(settings)


def test_the_local_stacks_own_are_taken_there() -> None:
    given = {name: value for name, value in {**APP, **LOCAL}.items() if name != "ONEMIGRATE_KEY_VAULT_KEY"}
    settings, wrong = _read(given)
    assert wrong == []
    assert settings.key_file == Path("/wrapping.key")
    assert settings.local_storage_url == "https://127.0.0.1:9443"


@pytest.mark.parametrize("name", ["IDENTITY_CA_FILE", "LOCAL_STORAGE_URL", "KEY_FILE"])
def test_what_is_for_the_local_stack_is_refused_elsewhere(name: str) -> None:
    _, wrong = _read({**APP, f"ONEMIGRATE_{name}": LOCAL[f"ONEMIGRATE_{name}"]})
    assert any(f"ONEMIGRATE_{name}" in said and "local stack only" in said for said in wrong)


@pytest.mark.parametrize("missing", ["CONSENT_CLIENT_SECRET", "KEY_VAULT_KEY"])
def test_what_the_consent_app_needs_is_named(missing: str) -> None:
    _, wrong = _read({name: value for name, value in APP.items() if name != f"ONEMIGRATE_{missing}"})
    assert any(f"ONEMIGRATE_{missing} is missing" in said for said in wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONSENT_CLIENT_ID", "no-guid"),
        ("AUTHORITY", "http://login.microsoftonline.com"),
        ("AUTHORITY", "https://login.microsoftonline.com/common"),
        ("KEY_VAULT_KEY", "https://evil.example/keys/wrapping"),
        ("KEY_VAULT_KEY", "https://acme-keys.vault.azure.net/keys/wrapping/0123456789abcdef"),
        ("STORAGE_SUFFIXES", "blob.evil.example"),
        ("LOCAL_STORAGE_URL", "https://evil.example"),
        ("OUTBOUND_ADDRESSES", "everywhere"),
    ],
)
def test_a_wrong_value_is_named_and_never_quoted(name: str, value: str) -> None:
    _, wrong = _read({**APP, f"ONEMIGRATE_{name}": value})
    assert any(said.startswith(f"ONEMIGRATE_{name} is wrong") for said in wrong)
    assert value not in " ".join(wrong)
