"""The agent as a launchd job: a daemon for root, a login agent otherwise.

launchd restarts a job that fails and leaves one that ended with 0 alone; it knows no list of exit codes. Under
launchd the agent therefore ends with 0 where it must not be restarted (`start --as-service launchd`).
"""

from __future__ import annotations

import os
import plistlib
from pathlib import Path
from typing import Any

from migrate_agent.config import Config
from migrate_agent.runtime.service import Run, keep_environment, must, run, service_command
from migrate_contract.errors import ErrorCode, Fatal

LABEL = "app.theonemigrate.agent"


class LaunchdService:
    """One job. `folder` and `run_command` are the machine's, or a test's."""

    name = LABEL
    kind = "launchd"

    def __init__(self, config: Config, *, as_root: bool, folder: Path | None = None, run_command: Run = run) -> None:
        self._config, self._run = config, run_command
        default = Path("/Library/LaunchDaemons") if as_root else Path.home() / "Library" / "LaunchAgents"
        self._plist = (folder or default) / f"{LABEL}.plist"
        self._domain = "system" if as_root else f"gui/{os.getuid()}"
        self.hint = f"launchctl print {self._domain}/{LABEL}"

    def installed(self) -> bool:
        """Result: True where the property list exists."""
        return self._plist.exists()

    def install(self) -> None:
        """Result: property list written, loaded and started. Raises Fatal(service-unsupported)."""
        keep_environment(self._config)
        try:
            self._plist.parent.mkdir(parents=True, exist_ok=True)
            self._plist.write_bytes(self.plist())
            self._plist.chmod(0o644)
        except OSError as error:
            raise Fatal(ErrorCode.SERVICE_UNSUPPORTED, f"cannot write {self._plist}: {error.strerror}") from error
        self._run(("launchctl", "bootout", f"{self._domain}/{LABEL}"))
        must(self._run, "launchctl", "bootstrap", self._domain, str(self._plist))
        must(self._run, "launchctl", "kickstart", f"{self._domain}/{LABEL}")

    def stop(self) -> None:
        """Result: ended and unloaded until the next boot or login."""
        must(self._run, "launchctl", "bootout", f"{self._domain}/{LABEL}")

    def remove(self) -> None:
        """Result: ended, unloaded and the property list gone."""
        if not self.installed():
            return
        self._run(("launchctl", "bootout", f"{self._domain}/{LABEL}"))
        self._plist.unlink(missing_ok=True)

    def plist(self) -> bytes:
        """Result: the property list."""
        job: dict[str, Any] = {
            "Label": LABEL,
            "ProgramArguments": service_command(self._config, self.kind),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "ExitTimeOut": 120,
            "ProcessType": "Background",
            "Umask": 0o077,
            "StandardErrorPath": str(self._config.state_dir / "logs" / "launchd.log"),
        }
        return plistlib.dumps(job)
