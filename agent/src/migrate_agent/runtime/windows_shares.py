"""Windows' sessions with file servers (WNetAddConnection2W). Not verified on Windows."""

from __future__ import annotations

import ctypes
from typing import Any

_DISK = 1
_TEMPORARY = 4
"""CONNECT_TEMPORARY: not remembered for the next sign-in of the account."""


class _NetResource(ctypes.Structure):
    _fields_ = (
        ("scope", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("display_type", ctypes.c_uint32),
        ("usage", ctypes.c_uint32),
        ("local_name", ctypes.c_wchar_p),
        ("remote_name", ctypes.c_wchar_p),
        ("comment", ctypes.c_wchar_p),
        ("provider", ctypes.c_wchar_p),
    )


class WindowsSessions:
    """See ShareSessions."""

    def __init__(self) -> None:
        self._network: Any = getattr(ctypes, "WinDLL")("mpr", use_last_error=True)  # noqa: B009 - Windows only

    def sign_in(self, share: str, user: str, password: str) -> int:
        """See ShareSessions."""
        resource = _NetResource(type=_DISK, remote_name=share)
        return int(self._network.WNetAddConnection2W(ctypes.byref(resource), password, user, _TEMPORARY))
