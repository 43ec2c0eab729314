"""The KeyWrapping port over Key Vault: RSA-OAEP-256 with a key that never leaves the vault.

The setting names the key without a version: its newest version wraps, each version unwraps what it wrapped. The app's
identity needs the role Key Vault Crypto User on the key.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.keyvault.keys import KeyClient, KeyVaultKeyIdentifier
from azure.keyvault.keys.crypto import CryptographyClient, KeyWrapAlgorithm

from functions.domain.identity_ports import WrappedKey
from migrate_contract.errors import ErrorCode, Fatal, Retryable

_CURRENT_SECONDS = 600
"""How long a version is taken for the newest: a rotation is seen after so long."""
_ALGORITHM = KeyWrapAlgorithm.rsa_oaep_256


class KeyVaultKey:
    """One key of one vault. `key_url`: `https://<vault>.vault.azure.net/keys/<name>`."""

    def __init__(
        self,
        key_url: str,
        credential: TokenCredential,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        named = KeyVaultKeyIdentifier(key_url)
        self._prefix = f"{named.vault_url.rstrip('/')}/keys/{named.name}/"
        self._name = named.name
        self._credential = credential
        self._options = options
        self._monotonic = monotonic
        self._keys = KeyClient(named.vault_url, credential, **options)
        self._clients: dict[str, CryptographyClient] = {}
        self._newest: tuple[str, float] | None = None
        self._lock = threading.Lock()

    def current(self) -> str:
        """See the port."""
        with self._lock:
            if self._newest is None or self._monotonic() - self._newest[1] > _CURRENT_SECONDS:
                with _translated():
                    key_id = self._keys.get_key(self._name).id
                self._newest = (str(key_id), self._monotonic())
            return self._newest[0]

    def wrap(self, key: bytes) -> WrappedKey:
        """See the port. With the public part, which the client keeps: no call each time."""
        key_id = self.current()
        with _translated():
            return WrappedKey(key_id, self._client(key_id).wrap_key(_ALGORITHM, key).encrypted_key)

    def unwrap(self, wrapped: WrappedKey) -> bytes:
        """See the port."""
        if not wrapped.key_id.startswith(self._prefix):
            raise Fatal(ErrorCode.SECRET_UNREADABLE, f"It was wrapped by another key: {wrapped.key_id}.")
        try:
            with _translated():
                return self._client(wrapped.key_id).unwrap_key(_ALGORITHM, wrapped.wrapped).key
        except ResourceNotFoundError as missing:
            raise Fatal(ErrorCode.SECRET_UNREADABLE, f"The vault has no key {wrapped.key_id}.") from missing
        except HttpResponseError as error:
            raise Fatal(
                ErrorCode.SECRET_UNREADABLE, f"The vault does not unwrap with {wrapped.key_id} ({error.status_code})."
            ) from error

    def _client(self, key_id: str) -> CryptographyClient:
        with self._lock:
            if key_id not in self._clients:
                self._clients[key_id] = CryptographyClient(key_id, self._credential, **self._options)
            return self._clients[key_id]


@contextmanager
def _translated() -> Iterator[None]:
    """Turns everything that may pass into Retryable: a disabled version and a wrong answer go through."""
    try:
        yield
    except HttpResponseError as error:
        if error.status_code in (400, 404) or (error.status_code == 403 and _is_disabled(error)):
            raise
        raise Retryable(ErrorCode.KEY_VAULT_UNAVAILABLE, f"It answered {error.status_code}.") from error
    except AzureError as error:
        raise Retryable(ErrorCode.KEY_VAULT_UNAVAILABLE, f"No answer ({type(error).__name__}).") from error


def _is_disabled(error: HttpResponseError) -> bool:
    """Result: whether the version is disabled, which the vault answers as it does a missing role."""
    inner = getattr(getattr(error, "error", None), "innererror", None) or {}
    return bool(inner.get("code") == "KeyDisabled")
