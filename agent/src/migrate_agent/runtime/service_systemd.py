"""The agent as a systemd unit: system-wide for root, a user unit otherwise.

It reads customers' files and writes only its own state: as root it keeps one capability, reading what it may not
otherwise read. It is always restarted, except after exit code 78 (superseded, revoked, configuration not valid).
"""

from __future__ import annotations

import os
from pathlib import Path

from migrate_agent.config import Config
from migrate_agent.runtime.service import EXIT_NO_RESTART, Run, keep_environment, must, run, service_command
from migrate_contract.errors import ErrorCode, Fatal

UNIT = "migrate-agent.service"
SYSTEM_FOLDER = Path("/etc/systemd/system")
BOOTED = Path("/run/systemd/system")
"""Exists exactly where systemd is the system's manager (sd_booted(3))."""
_STOP_SECONDS = 120

_HARDENING = """\
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={writable}
CapabilityBoundingSet={capabilities}
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
PrivateDevices=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
LockPersonality=yes
SystemCallArchitectures=native
"""

_UNIT = """\
# Written by `migrate-agent start --service`; `migrate-agent unregister` removes it.
[Unit]
Description=OneMigrate agent: copies files to Azure Blob Storage
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
Restart=always
RestartSec=5
RestartPreventExitStatus={no_restart}
KillMode=mixed
TimeoutStopSec={stop_seconds}
UMask=0077
{hardening}
[Install]
WantedBy={target}
"""


class SystemdService:
    """One unit. `folder`, `booted` and `run` are the machine's, or a test's."""

    name = UNIT
    kind = "systemd"

    def __init__(
        self,
        config: Config,
        *,
        as_root: bool,
        folder: Path | None = None,
        booted: Path = BOOTED,
        run_command: Run = run,
    ) -> None:
        self._config, self._as_root, self._booted, self._run = config, as_root, booted, run_command
        self._unit = (folder or (SYSTEM_FOLDER if as_root else _user_folder())) / UNIT
        self._systemctl = ("systemctl",) if as_root else ("systemctl", "--user")
        self.hint = f"{' '.join(self._systemctl)} status {UNIT}"

    def installed(self) -> bool:
        """Result: True where the unit file exists."""
        return self._unit.exists()

    def install(self) -> None:
        """Result: unit written, enabled and (re)started. Raises Fatal(service-unsupported)."""
        if not self._booted.is_dir():
            raise Fatal(ErrorCode.SERVICE_UNSUPPORTED, "systemd does not manage this system (a container?)")
        keep_environment(self._config)
        try:
            self._unit.parent.mkdir(parents=True, exist_ok=True)
            self._unit.write_text(self.unit_text(), encoding="utf-8")
        except OSError as error:
            raise Fatal(ErrorCode.SERVICE_UNSUPPORTED, f"cannot write {self._unit}: {error.strerror}") from error
        must(self._run, *self._systemctl, "daemon-reload")
        must(self._run, *self._systemctl, "enable", UNIT)
        must(self._run, *self._systemctl, "restart", UNIT)
        if not self._as_root:
            # Without lingering a user's units end with the last login; a refusal is no reason to fail.
            self._run(("loginctl", "enable-linger"))

    def stop(self) -> None:
        """Result: ended; SIGTERM to the process alone would be followed by a restart."""
        must(self._run, *self._systemctl, "stop", UNIT)

    def remove(self) -> None:
        """Result: ended, disabled and the unit file gone."""
        if not self.installed():
            return
        self._run((*self._systemctl, "disable", "--now", UNIT))
        self._unit.unlink(missing_ok=True)
        self._run((*self._systemctl, "daemon-reload"))

    def unit_text(self) -> str:
        """Result: the unit file."""
        return _UNIT.format(
            command=" ".join(_argument(part) for part in service_command(self._config, self.kind)),
            no_restart=EXIT_NO_RESTART,
            stop_seconds=_STOP_SECONDS,
            hardening=self._hardening() if self._as_root else "NoNewPrivileges=yes\n",
            target="multi-user.target" if self._as_root else "default.target",
        )

    def _hardening(self) -> str:
        state = self._config.state_dir
        ours = not state.exists() or state.stat().st_uid == 0
        # Root without CAP_DAC_OVERRIDE may not write into a folder that belongs to somebody else.
        return _HARDENING.format(
            writable=_quoted(str(state)),
            capabilities="CAP_DAC_READ_SEARCH" if ours else "CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE",
        )


def _user_folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "systemd" / "user"


def _quoted(text: str) -> str:
    """Result: one word of a unit file, where % would be expanded (systemd.unit(5), Specifiers)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if any(character in escaped for character in " \t\"'\\;") else escaped


def _argument(text: str) -> str:
    """Result: one word of a command, where $ would be expanded, too (systemd.service(5), Command lines)."""
    return _quoted(text.replace("$", "$$"))
