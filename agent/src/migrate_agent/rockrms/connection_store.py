"""RockRMS connection strings by project, kept on this machine alone: in the system's keyring, or in an owner-only file.

A file in the state folder names the projects and what may be shown of each; the string itself is there too unless the
keyring has it. A keyring belongs to one account and its session: a service does not see it, so the file is the rule
wherever another account, or nobody's session, may have to read it.
"""

from __future__ import annotations

import getpass
import hashlib
import logging
import threading
from collections.abc import Callable
from enum import StrEnum, unique
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from migrate_agent.private_file import private_folder, read_private, write_private
from migrate_agent.redaction import redactor
from migrate_agent.rockrms.connection_string import RockConnection, read_connection_string
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import HeldConnection, RockShown

log = logging.getLogger(__name__)

CONNECTIONS_FILE = "rockrms-connections.json"
_MAX_CHARACTERS = 8_000
_KEYRING_SECONDS = 5.0
"""A keyring that is locked may ask on a screen that nobody sees."""

Found = TypeVar("Found")


@unique
class KeptIn(StrEnum):
    """Where a connection string is; set by the store."""

    KEYRING = "keyring"
    FILE = "file"


class Keyring(Protocol):
    """What the store needs of the package `keyring`, whose backends have these methods."""

    def get_password(self, service: str, username: str) -> str | None:
        """Result: the secret, None if there is none."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keeps it."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Destroys it."""
        ...


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    project_id: str
    kept_in: KeptIn
    account: str = ""
    shown: RockShown
    connection_string: str | None = Field(default=None, repr=False)


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    connections: list[_Kept] = Field(default_factory=list, repr=False)


class ConnectionStore:
    """Safe for all threads of one process; another process's change is seen at the next call."""

    def __init__(self, state_dir: Path, open_keyring: Callable[[], Keyring | None] = lambda: None) -> None:
        """`open_keyring`: the system's, or None where the file is to be used (`system_keyring`)."""
        self._path = state_dir / CONNECTIONS_FILE
        self._open_keyring = open_keyring
        self._service = "migrate-agent " + hashlib.sha256(str(state_dir).encode()).hexdigest()[:12]
        self._lock = threading.Lock()

    def keep(self, project_id: str, text: str) -> HeldConnection:
        """Result: what is kept now for the project, instead of what was before.

        Raises Fatal(sql-connection-string-invalid), Fatal(secret-store-unavailable).
        """
        connection = _read(text)
        with self._lock:
            others = [kept for kept in self._kept() if kept.project_id != project_id]
            in_keyring = self._put_into_keyring(project_id, text)
            kept = _Kept(
                project_id=project_id,
                kept_in=KeptIn.KEYRING if in_keyring else KeptIn.FILE,
                account=_account() if in_keyring else "",
                shown=connection.shown(),
                connection_string=None if in_keyring else text,
            )
            self._write([*others, kept])
        return _held(kept)

    def connection_string(self, project_id: str) -> str:
        """Result: the secret. Raises Fatal(no-rockrms-connection), Fatal(secret-store-unavailable)."""
        kept = next((kept for kept in self._kept() if kept.project_id == project_id), None)
        if kept is None:
            raise Fatal(ErrorCode.NO_ROCKRMS_CONNECTION, f"none is kept for the project {project_id}")
        text = kept.connection_string if kept.kept_in is KeptIn.FILE else self._from_keyring(kept)
        if not text:
            raise Fatal(ErrorCode.NO_ROCKRMS_CONNECTION, f"what was kept for the project {project_id} is empty")
        _hide(text)
        return text

    def connection(self, project_id: str) -> RockConnection:
        """Result: it, read. Raises what `connection_string` raises, Fatal(sql-connection-string-invalid)."""
        return _read(self.connection_string(project_id))

    def held(self) -> list[HeldConnection]:
        """Result: all that is kept, without secrets; for heartbeats and people."""
        return [_held(kept) for kept in self._kept()]

    def forget(self, project_id: str) -> bool:
        """Result: whether there was one, which is destroyed now. Raises Fatal(secret-store-unavailable)."""
        with self._lock:
            known = self._kept()
            gone = [kept for kept in known if kept.project_id == project_id]
            for kept in gone:
                if kept.kept_in is KeptIn.KEYRING:
                    self._remove_from_keyring(project_id)
            if gone:
                self._write([kept for kept in known if kept.project_id != project_id])
        return bool(gone)

    def forget_all(self) -> None:
        """Result: nothing is kept here any more, whatever state it is in."""
        with self._lock:
            try:
                for kept in self._kept():
                    if kept.kept_in is KeptIn.KEYRING:
                        self._remove_from_keyring(kept.project_id)
            except Fatal as fault:
                log.warning("the connections cannot be read before they are destroyed: %s", fault)
            self._path.unlink(missing_ok=True)

    def _kept(self) -> list[_Kept]:
        text = read_private(self._path)
        if text is None:
            return []
        try:
            return list(_Content.model_validate_json(text).connections)
        except ValidationError:
            # Not chained: the validator quotes what it has read.
            raise Fatal(
                ErrorCode.SECRET_STORE_UNAVAILABLE, f"{self._path} is damaged: remove it and set the connections again"
            ) from None

    def _write(self, connections: list[_Kept]) -> None:
        content = _Content(connections=sorted(connections, key=lambda kept: kept.project_id))
        try:
            write_private(private_folder(self._path.parent) / self._path.name, content.model_dump_json(indent=2) + "\n")
        except Fatal as fault:
            raise Fatal(ErrorCode.SECRET_STORE_UNAVAILABLE, fault.detail) from fault

    def _put_into_keyring(self, project_id: str, text: str) -> bool:
        keyring = self._open_keyring()
        if keyring is None:
            return False

        def put_and_look() -> bool:
            keyring.set_password(self._service, project_id, text)
            return keyring.get_password(self._service, project_id) == text

        try:
            return _in_time(put_and_look)
        except _NotUsableError:
            return False

    def _from_keyring(self, kept: _Kept) -> str | None:
        keyring = self._open_keyring() or system_keyring()
        text = None
        if keyring is not None:
            try:
                text = _in_time(lambda: keyring.get_password(self._service, kept.project_id))
            except _NotUsableError:
                text = None
        if text is None:
            raise Fatal(
                ErrorCode.SECRET_STORE_UNAVAILABLE,
                f"the connection string is in the keyring of {kept.account or 'another account'}, which this process "
                f"cannot open; set it again with --keep-in file, which writes to {self._path.parent}",
            )
        return text

    def _remove_from_keyring(self, project_id: str) -> None:
        keyring = self._open_keyring() or system_keyring()
        if keyring is not None:
            try:
                _in_time(lambda: keyring.delete_password(self._service, project_id))
            except _NotUsableError:
                return  # it is another account's, or gone: nothing here can read it


class _NotUsableError(Exception):
    """The keyring refuses, or does not answer."""


def system_keyring() -> Keyring | None:
    """Result: the operating system's keyring of this account, None where there is none."""
    try:
        import keyring
        from keyring.backends import fail, null

        backend = keyring.get_keyring()
    except Exception:  # noqa: BLE001 - whatever a backend raises on the way: it cannot be used
        return None
    if isinstance(backend, (fail.Keyring, null.Keyring)) or backend.priority <= 0:
        return None
    return backend


def _in_time(action: Callable[[], Found]) -> Found:
    """Result: of `action`, if it comes in time. Raises _NotUsableError."""
    found: list[Found] = []

    def act() -> None:
        try:
            found.append(action())
        except Exception:  # noqa: BLE001 - backends raise what they like
            return

    thread = threading.Thread(target=act, name="keyring", daemon=True)
    thread.start()
    thread.join(_KEYRING_SECONDS)
    if not found:
        raise _NotUsableError
    return found[0]


def _read(text: str) -> RockConnection:
    if len(text) > _MAX_CHARACTERS:
        raise Fatal(ErrorCode.SQL_CONNECTION_STRING_INVALID, f"it has more than {_MAX_CHARACTERS} characters")
    connection = read_connection_string(text)
    redactor.hide(connection.password)
    return connection


def _hide(text: str) -> None:
    redactor.hide(text)
    try:
        redactor.hide(read_connection_string(text).password)
    except Fatal:
        return  # whoever reads it says so


def _held(kept: _Kept) -> HeldConnection:
    return HeldConnection(project_id=kept.project_id, shown=kept.shown, kept_in=kept.kept_in.value)


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
