"""Speaks the Windows service manager's protocol for a process that it started: running, stop pending, stopped.

Only what a service must say; Windows' own library is called directly, so that nothing has to be installed for it.
Sources: StartServiceCtrlDispatcherW, RegisterServiceCtrlHandlerExW, SetServiceStatus (Win32 services reference).
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from typing import Any, Protocol

from migrate_agent.runtime.service import EXIT_NO_RESTART
from migrate_agent.runtime.service_windows import SERVICE
from migrate_agent.stop import StopKind, StopSignal

log = logging.getLogger(__name__)

_OWN_PROCESS = 0x10
_START_PENDING, _STOP_PENDING, _RUNNING, _STOPPED = 2, 3, 4, 1
_ACCEPT_STOP, _ACCEPT_SHUTDOWN = 0x1, 0x4
_CONTROL_STOP, _CONTROL_INTERROGATE, _CONTROL_SHUTDOWN = 1, 4, 5
_STOP_PATIENCE_MS = 150_000
_SPECIFIC_ERROR = 1066
"""ERROR_SERVICE_SPECIFIC_ERROR: the reason is in the service's own code."""
_NOT_IMPLEMENTED = 120


class _ServiceStatus(ctypes.Structure):
    _fields_ = (
        ("service_type", ctypes.c_uint32),
        ("current_state", ctypes.c_uint32),
        ("controls_accepted", ctypes.c_uint32),
        ("win32_exit_code", ctypes.c_uint32),
        ("service_specific_exit_code", ctypes.c_uint32),
        ("check_point", ctypes.c_uint32),
        ("wait_hint", ctypes.c_uint32),
    )


class ServiceApi(Protocol):
    """The three calls of advapi32 that are used; a test's or Windows' own."""

    def dispatch(self, name: str, main: Callable[[], None]) -> bool:
        """Hands this thread to the manager, which calls `main` on another; False where no manager started us."""
        ...

    def register(self, name: str, handler: Callable[[int], int]) -> int:
        """Result: the handle under which states are told; `handler` hears the manager's controls."""
        ...

    def tell(self, handle: int, state: int, accepted: int, exit_code: int, wait_ms: int) -> None:
        """Tells the manager a state."""
        ...


class WindowsApi:
    """Windows' own service calls."""

    def __init__(self) -> None:
        self._library: Any = getattr(ctypes, "WinDLL")("advapi32", use_last_error=True)  # noqa: B009 - Windows only
        self._callbacks: list[Any] = []
        """Kept alive: Windows calls them later."""

    def dispatch(self, name: str, main: Callable[[], None]) -> bool:
        """See ServiceApi."""
        prototype = getattr(ctypes, "WINFUNCTYPE")(None, ctypes.c_uint32, ctypes.c_void_p)  # noqa: B009

        class Entry(ctypes.Structure):
            _fields_ = (("name", ctypes.c_wchar_p), ("main", prototype))

        entry = prototype(lambda count, arguments: main())
        self._callbacks.append(entry)
        table = (Entry * 2)(Entry(name, entry), Entry(None, prototype()))
        return bool(self._library.StartServiceCtrlDispatcherW(table))

    def register(self, name: str, handler: Callable[[int], int]) -> int:
        """See ServiceApi."""
        prototype = getattr(ctypes, "WINFUNCTYPE")(  # noqa: B009
            ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p
        )
        callback = prototype(lambda control, kind, data, context: handler(control))
        self._callbacks.append(callback)
        self._library.RegisterServiceCtrlHandlerExW.restype = ctypes.c_void_p
        return int(self._library.RegisterServiceCtrlHandlerExW(ctypes.c_wchar_p(name), callback, None) or 0)

    def tell(self, handle: int, state: int, accepted: int, exit_code: int, wait_ms: int) -> None:
        """See ServiceApi."""
        status = _ServiceStatus(
            _OWN_PROCESS, state, accepted, _SPECIFIC_ERROR if exit_code else 0, exit_code, 0, wait_ms
        )
        self._library.SetServiceStatus(ctypes.c_void_p(handle), ctypes.byref(status))


def run_under_manager(work: Callable[[StopSignal], int], api: ServiceApi | None = None) -> int:
    """Result: the exit code of `work`, which ran while the manager was told so; its stop feeds the signal."""
    calls = api or WindowsApi()
    stop = StopSignal()
    ended: list[int] = []

    def main() -> None:
        handles: list[int] = []

        def heard(control: int) -> int:
            if control in (_CONTROL_STOP, _CONTROL_SHUTDOWN):
                calls.tell(handles[0], _STOP_PENDING, 0, 0, _STOP_PATIENCE_MS)
                stop.request(StopKind.STOP)
                return 0
            return 0 if control == _CONTROL_INTERROGATE else _NOT_IMPLEMENTED

        handles.append(calls.register(SERVICE, heard))
        calls.tell(handles[0], _RUNNING, _ACCEPT_STOP | _ACCEPT_SHUTDOWN, 0, 0)
        code = 1
        try:
            code = work(stop)
        except Exception:
            log.exception("the agent broke")
        ended.append(code)
        calls.tell(handles[0], _STOPPED, 0, 0 if code == EXIT_NO_RESTART else code, 0)

    if not calls.dispatch(SERVICE, main):
        log.error("the Windows service manager did not start this process; use: migrate-agent start")
        return 1
    return ended[0] if ended else 1
