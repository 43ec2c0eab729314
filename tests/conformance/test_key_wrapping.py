"""What every key wrapping must do: in memory, by a key file, and by a key vault that speaks its protocol."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken

from functions.adapters.key_file import KeyFile
from functions.adapters.key_vault import KeyVaultKey
from functions.adapters.no_identity import NoWrapping
from functions.domain.identity_ports import KeyWrapping, WrappedKey
from local.certificates import Certificates
from migrate_contract.errors import ErrorCode, Retryable
from tests.harness.key_vault import KeyVault
from tests.memory.identity import MemoryWrapping
from tests.memory.world import refused


@dataclass
class Kept:
    """A wrapping under test, and what happens to its keys. A key is removed by its id."""

    wrapping: KeyWrapping
    rotate: Callable[[], object]
    remove: Callable[[str], object]


class FileKeys:
    """A key file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text(self._new() + "\n", "ascii")

    def rotate(self) -> None:
        self.path.write_text(self._new() + "\n" + self.path.read_text("ascii"), "ascii")

    def remove(self, _key_id: str) -> None:
        """Removes all but the newest."""
        self.path.write_text(self.path.read_text("ascii").split()[0], "ascii")

    def _new(self) -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()


class Credential:
    """The app's own identity."""

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken("app", 4_000_000_000)


@pytest.fixture(scope="module")
def vault(certificates: Certificates) -> Iterator[KeyVault]:
    with KeyVault(certificates) as running:
        yield running


def vault_key(vault: KeyVault, certificates: Certificates, **options: object) -> KeyVaultKey:
    return KeyVaultKey(
        vault.key_url,
        Credential(),
        connection_verify=str(certificates.ca_file),
        use_env_settings=False,
        verify_challenge_resource=False,
        retry_total=0,
        **options,  # type: ignore[arg-type]
    )


@pytest.fixture(params=["memory", "file", "vault"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param == "memory":
        memory = MemoryWrapping()
        return Kept(memory, memory.rotate, memory.keys.remove)
    if request.param == "file":
        keys = FileKeys(tmp_path / "wrapping.key")
        return Kept(KeyFile(keys.path), keys.rotate, keys.remove)
    vault: KeyVault = request.getfixturevalue("vault")
    elapsed = iter(range(0, 10_000_000, 1000))
    wrapping = vault_key(vault, request.getfixturevalue("certificates"), monotonic=lambda: float(next(elapsed)))
    return Kept(wrapping, vault.rotate, vault.remove)


def test_what_was_wrapped_is_unwrapped(kept: Kept) -> None:
    key = secrets.token_bytes(32)
    wrapped = kept.wrapping.wrap(key)
    assert wrapped.key_id == kept.wrapping.current()
    assert key not in wrapped.wrapped
    assert kept.wrapping.unwrap(wrapped) == key


def test_after_a_rotation_the_new_key_wraps_and_both_unwrap(kept: Kept) -> None:
    key = secrets.token_bytes(32)
    old = kept.wrapping.wrap(key)
    kept.rotate()
    new = kept.wrapping.wrap(key)
    assert old.key_id != new.key_id == kept.wrapping.current()
    assert kept.wrapping.unwrap(old) == kept.wrapping.unwrap(new) == key


def test_a_key_that_is_gone_unwraps_nothing(kept: Kept) -> None:
    old = kept.wrapping.wrap(secrets.token_bytes(32))
    kept.rotate()
    kept.remove(old.key_id)
    assert refused(ErrorCode.SECRET_UNREADABLE, lambda: kept.wrapping.unwrap(old)).detail


def test_a_key_of_another_store_unwraps_nothing(kept: Kept) -> None:
    foreign = WrappedKey("https://other.vault.azure.net/keys/wrapping/1", secrets.token_bytes(40))
    refused(ErrorCode.SECRET_UNREADABLE, lambda: kept.wrapping.unwrap(foreign))


def test_what_was_changed_is_not_unwrapped(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "wrapping.key")
    wrapped = KeyFile(keys.path).wrap(secrets.token_bytes(32))
    changed = WrappedKey(wrapped.key_id, bytes(reversed(wrapped.wrapped)))
    refused(ErrorCode.SECRET_UNREADABLE, lambda: KeyFile(keys.path).unwrap(changed))


@pytest.mark.parametrize("content", ["", "short", "bm90IDMyIGJ5dGVz", "ü"])
def test_a_key_file_that_holds_no_keys_is_a_wrong_setting(tmp_path: Path, content: str) -> None:
    path = tmp_path / "wrapping.key"
    refused(ErrorCode.SETTINGS_INVALID, KeyFile(path).current)
    path.write_text(content, "utf-8")
    refused(ErrorCode.SETTINGS_INVALID, KeyFile(path).current)


def test_a_vault_that_does_not_answer_passes(vault: KeyVault, certificates: Certificates) -> None:
    wrapping = vault_key(vault, certificates)
    wrapped = wrapping.wrap(secrets.token_bytes(32))
    vault.fault = (503, "ServiceUnavailable")
    try:
        assert isinstance(refused(ErrorCode.KEY_VAULT_UNAVAILABLE, lambda: wrapping.unwrap(wrapped)), Retryable)
        vault.fault = (403, "ForbiddenByRbac")  # A role takes a while to act.
        refused(ErrorCode.KEY_VAULT_UNAVAILABLE, lambda: wrapping.unwrap(wrapped))
        vault.fault = (403, "KeyDisabled")
        refused(ErrorCode.SECRET_UNREADABLE, lambda: wrapping.unwrap(wrapped))
    finally:
        vault.fault = None
    assert wrapping.unwrap(wrapped)


def test_wrapping_asks_the_vault_only_now_and_then(vault: KeyVault, certificates: Certificates) -> None:
    wrapping = vault_key(vault, certificates)
    wrapping.wrap(secrets.token_bytes(32))
    before = vault.requests
    for _ in range(20):
        wrapping.wrap(secrets.token_bytes(32))
    assert vault.requests == before


def test_where_nothing_is_set_up_nothing_is_wrapped() -> None:
    for call in (
        NoWrapping().current,
        lambda: NoWrapping().wrap(b""),
        lambda: NoWrapping().unwrap(WrappedKey("", b"")),
    ):
        refused(ErrorCode.CUSTOMER_SIGN_IN_MISSING, call)
