"""Who this install is: its install id, and the credentials that registration gave it.

Nouns: an *install* is one state folder, named by a random id that is on disk before the first registration call, so
that a repeated call after a lost answer gets the same agent; *credentials* are the agent's key and what it belongs
to. The key before the last rotation is kept: after the control plane was restored from a backup that is older than
the rotation, it is the right one.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from migrate_agent.private_file import private_folder, read_private, write_private
from migrate_contract.errors import ErrorCode, Fatal

INSTALL_FILE = "install-id"
KEY_FILE = "agent.key"


class Credentials(BaseModel):
    """The content of the key file. `replaces` is the hash of the configured key that a rotation has replaced."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    agent_key: str = Field(repr=False, min_length=1)
    previous_key: str | None = Field(default=None, repr=False)
    replaces: str | None = None
    api_url: str = ""
    organization_id: str = ""
    client_id: str = ""
    client_name: str = ""
    agent_id: str = ""
    agent_name: str = ""


def install_id(state_dir: Path) -> str:
    """Result: this install's id, made and written on the first call. Raises Fatal(config-invalid)."""
    path = private_folder(state_dir) / INSTALL_FILE
    known = (read_private(path) or "").strip()
    if known:
        return known
    fresh = secrets.token_urlsafe(24)
    write_private(path, fresh + "\n")
    return fresh


def load_credentials(state_dir: Path) -> Credentials | None:
    """Result: what registration wrote, None before it. Raises Fatal(config-invalid) for a damaged file."""
    path = state_dir / KEY_FILE
    text = read_private(path)
    if text is None:
        return None
    try:
        return Credentials.model_validate_json(text)
    except ValidationError as error:
        raise Fatal(ErrorCode.CONFIG_INVALID, f"the key file {path} is damaged: register again") from error


def save_credentials(state_dir: Path, credentials: Credentials) -> None:
    """Result: the key file holds them, readable by its owner only. Raises Fatal(config-invalid)."""
    write_private(private_folder(state_dir) / KEY_FILE, credentials.model_dump_json(indent=2) + "\n")


def forget_credentials(state_dir: Path) -> None:
    """Result: neither key file nor install id is left, so that the next registration is a new agent."""
    (state_dir / KEY_FILE).unlink(missing_ok=True)
    (state_dir / INSTALL_FILE).unlink(missing_ok=True)


class KeyRing:
    """The agent's current key, shared by all threads; a new key is on disk before it is used."""

    def __init__(self, credentials: Credentials, state_dir: Path) -> None:
        self._credentials = credentials
        self._state_dir = state_dir
        self._lock = threading.Lock()

    @property
    def key(self) -> str:
        """Result: the key to send."""
        return self._credentials.agent_key

    @property
    def credentials(self) -> Credentials:
        """Result: everything that is known of this agent's identity."""
        return self._credentials

    def replace(self, new_key: str) -> None:
        """Result: `new_key` is persisted, then used. Raises Fatal(config-invalid); then the old key stays in use."""
        with self._lock:
            changed = self._credentials.model_copy(
                update={"agent_key": new_key, "previous_key": self._credentials.agent_key}
            )
            save_credentials(self._state_dir, changed)
            self._credentials = changed

    def fall_back(self, refused: str) -> bool:
        """Result: True where another key than `refused` is in use now; False where there is none.

        That is the one before the last rotation, or one that another thread has put in its place meanwhile.
        """
        with self._lock:
            if self._credentials.agent_key != refused:
                return True
            previous = self._credentials.previous_key
            if previous is None:
                return False
            changed = self._credentials.model_copy(update={"agent_key": previous, "previous_key": None})
            save_credentials(self._state_dir, changed)
            self._credentials = changed
            return True


def key_fingerprint(key: str) -> str:
    """Result: a hash that tells whether a configured key is the one that a rotation replaced."""
    return hashlib.sha256(key.encode()).hexdigest()
