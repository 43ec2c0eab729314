"""The KeyWrapping port over a file of keys: the local stack's stand-in for a key vault.

One key a line, base64 of 32 bytes. The first wraps; all unwrap. To rotate: put a new line first; when everything is
wrapped anew, remove the old ones. The file is read each time, so that nothing has to be restarted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from functions.domain.identity_ports import WrappedKey
from migrate_contract.errors import ErrorCode, Fatal

_KEY_BYTES = 32


class KeyFile:
    """AES key wrap (RFC 3394)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def current(self) -> str:
        """See the port."""
        return next(iter(self._keys()))

    def wrap(self, key: bytes) -> WrappedKey:
        """See the port."""
        key_id, wrapping = next(iter(self._keys().items()))
        return WrappedKey(key_id, aes_key_wrap(wrapping, key))

    def unwrap(self, wrapped: WrappedKey) -> bytes:
        """See the port."""
        wrapping = self._keys().get(wrapped.key_id)
        if wrapping is None:
            raise Fatal(ErrorCode.SECRET_UNREADABLE, f"The key file does not hold key {wrapped.key_id}.")
        try:
            return aes_key_unwrap(wrapping, wrapped.wrapped)
        except InvalidUnwrap as fault:
            raise Fatal(ErrorCode.SECRET_UNREADABLE, f"It was changed (key {wrapped.key_id}).") from fault

    def _keys(self) -> dict[str, bytes]:
        """Result: keys by id, in the file's order. Raises Fatal(settings-invalid)."""
        try:
            lines = self._path.read_text("ascii").split()
            keys = [base64.b64decode(line, validate=True) for line in lines]
        except (OSError, UnicodeDecodeError, binascii.Error) as fault:
            raise Fatal(ErrorCode.SETTINGS_INVALID, "ONEMIGRATE_KEY_FILE cannot be read.") from fault
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise Fatal(ErrorCode.SETTINGS_INVALID, "ONEMIGRATE_KEY_FILE must hold base64 of 32 bytes in each line.")
        return {f"file:{hashlib.sha256(key).hexdigest()[:16]}": key for key in keys}
