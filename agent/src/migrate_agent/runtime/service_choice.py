"""Which service manager this system has."""

from __future__ import annotations

import os
import platform

from migrate_agent.config import Config
from migrate_agent.runtime.service import ServiceManager
from migrate_agent.runtime.service_launchd import LaunchdService
from migrate_agent.runtime.service_systemd import SystemdService
from migrate_agent.runtime.service_windows import WindowsService
from migrate_contract.errors import ErrorCode, Fatal


def service_manager(config: Config) -> ServiceManager:
    """Result: this system's manager. Raises Fatal(service-unsupported) on a system that has none we know."""
    system = platform.system()
    if system == "Linux":
        return SystemdService(config, as_root=os.geteuid() == 0)
    if system == "Darwin":
        return LaunchdService(config, as_root=os.geteuid() == 0)
    if system == "Windows":
        return WindowsService(config)
    raise Fatal(ErrorCode.SERVICE_UNSUPPORTED, f"no service manager of {system} is known")


def service_name_of(config: Config) -> str:
    """Result: the name to look for in this system's service manager, installed or not; empty where there is none."""
    try:
        return service_manager(config).name
    except Fatal:
        return ""
