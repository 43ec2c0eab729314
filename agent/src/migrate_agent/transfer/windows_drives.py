r"""Windows' implementation of the drives. Not verified on Windows.

A mapping that was made to last is in the registry of its owner (`HKEY_USERS\<sid>\Network\<letter>`), whose part is
loaded while the owner is signed in. Sources: GetDriveTypeW, WNetGetConnectionW, ProcessIdToSessionId.
"""

from __future__ import annotations

import ctypes
import importlib
import os
from typing import Any

from migrate_agent.transfer.mapped_drives import DriveKind

_NO_ROOT, _REMOTE = 1, 4
_MOST_CHARACTERS = 2048


class WindowsDrives:
    """See Drives."""

    def __init__(self) -> None:
        load = getattr(ctypes, "WinDLL")  # noqa: B009 - Windows only
        self._kernel: Any = load("kernel32", use_last_error=True)
        self._network: Any = load("mpr", use_last_error=True)

    def kind(self, letter: str) -> DriveKind:
        """See Drives."""
        found = self._kernel.GetDriveTypeW(f"{letter}:\\")
        if found == _NO_ROOT:
            # A mapping whose server is away has no root either, but a connection.
            return DriveKind.MAPPED if self._connection(letter) else DriveKind.ABSENT
        return DriveKind.MAPPED if found == _REMOTE else DriveKind.LOCAL

    def remote(self, letter: str) -> str | None:
        """See Drives."""
        return self._connection(letter) or _registered(letter)

    def in_service(self) -> bool:
        """See Drives: since Windows Vista services have session 0 for themselves."""
        session = ctypes.c_uint32(1)
        known = self._kernel.ProcessIdToSessionId(os.getpid(), ctypes.byref(session))
        return bool(known) and session.value == 0

    def _connection(self, letter: str) -> str | None:
        size = ctypes.c_uint32(_MOST_CHARACTERS)
        buffer = ctypes.create_unicode_buffer(_MOST_CHARACTERS)
        failed = self._network.WNetGetConnectionW(f"{letter}:", buffer, ctypes.byref(size))
        return None if failed else buffer.value or None


def _registered(letter: str) -> str | None:
    registry: Any = importlib.import_module("winreg")
    at = 0
    while True:
        try:
            owner = registry.EnumKey(registry.HKEY_USERS, at)
        except OSError:
            return None
        at += 1
        try:
            with registry.OpenKey(registry.HKEY_USERS, f"{owner}\\Network\\{letter}") as key:
                return str(registry.QueryValueEx(key, "RemotePath")[0])
        except OSError:
            continue  # this account has not mapped it
