"""The agent as a Windows service: made with sc.exe, which is a part of Windows.

The service manager talks to the process by its own protocol (runtime/windows_dispatcher.py). A service that breaks or
reports a failure is started again; one that must not go on (superseded, revoked) reports an end without failure.
"""

from __future__ import annotations

import subprocess

from migrate_agent.config import Config
from migrate_agent.runtime.service import Run, keep_environment, must, run, service_command

SERVICE = "OneMigrateAgent"
DISPLAY_NAME = "OneMigrate Agent"
_RESTART_AFTER = "restart/5000/restart/30000/restart/60000"
_MISSING = 1060
"""ERROR_SERVICE_DOES_NOT_EXIST."""


class WindowsService:
    """One service, run as LocalSystem; docs/agent-service.md says how to give it another account."""

    name = SERVICE
    kind = "windows"
    hint = f"sc.exe query {SERVICE}"

    def __init__(self, config: Config, *, run_command: Run = run) -> None:
        self._config, self._run = config, run_command

    def installed(self) -> bool:
        """Result: True where the service manager knows it."""
        return self._run(("sc.exe", "query", SERVICE)).returncode != _MISSING

    def install(self) -> None:
        """Result: made or changed, started now and at each boot. Raises Fatal(service-unsupported)."""
        keep_environment(self._config)
        if self.installed():
            self._run(("sc.exe", "stop", SERVICE))
        for command in self.commands(exists=self.installed()):
            must(self._run, *command)

    def stop(self) -> None:
        """Result: asked to end; the manager waits for it."""
        must(self._run, "sc.exe", "stop", SERVICE)

    def remove(self) -> None:
        """Result: ended and unknown to the manager."""
        if not self.installed():
            return
        self._run(("sc.exe", "stop", SERVICE))
        must(self._run, "sc.exe", "delete", SERVICE)

    def commands(self, *, exists: bool) -> list[tuple[str, ...]]:
        """Result: what is run, in order; sc.exe wants each option and its value as two words."""
        program = subprocess.list2cmdline(service_command(self._config, self.kind))
        made = ("sc.exe", "config" if exists else "create", SERVICE, "binPath=", program, "start=", "delayed-auto")
        return [
            (*made, "DisplayName=", DISPLAY_NAME),
            ("sc.exe", "description", SERVICE, "Copies files to Azure Blob Storage, steered by OneMigrate."),
            ("sc.exe", "failure", SERVICE, "reset=", "86400", "actions=", _RESTART_AFTER),
            ("sc.exe", "failureflag", SERVICE, "1"),
            ("sc.exe", "start", SERVICE),
        ]
