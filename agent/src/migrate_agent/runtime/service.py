"""The agent as a service of the operating system: what the three service managers have in common.

Nouns: the *service command* is what the manager runs; the *service environment* is a private file beside the state,
because a unit file is readable by everybody and a proxy's address may hold a password.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from migrate_agent.config import ENV_KEY, ENV_URL, Config
from migrate_agent.private_file import private_folder, read_private, write_private
from migrate_contract.errors import ErrorCode, Fatal

EXIT_NO_RESTART = 78
"""EX_CONFIG of sysexits.h: starting again cannot help; service managers are told not to."""

CARRIED = (
    ENV_URL,
    ENV_KEY,
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""Variables that the registration worked with and a service would not have."""
ENVIRONMENT_FILE = "service-environment.json"

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


class ServiceManager(Protocol):
    """One of systemd, launchd, Windows services."""

    name: str
    """What to look for in the manager."""
    kind: str
    """`systemd`, `launchd` or `windows`: what `start --as-service` is told."""
    hint: str
    """The manager's own command that shows the service."""

    def installed(self) -> bool:
        """Result: True where the service exists."""
        ...

    def install(self) -> None:
        """Result: it exists, starts with the machine and runs now. Raises Fatal(service-unsupported)."""
        ...

    def stop(self) -> None:
        """Result: it has ended and is not restarted before the next boot. Raises Fatal(service-unsupported)."""
        ...

    def remove(self) -> None:
        """Result: it has ended and no longer exists."""
        ...


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Result: the ended command; one that does not exist ends with 127, as in a shell."""
    try:
        return subprocess.run(list(command), capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    except FileNotFoundError:
        return subprocess.CompletedProcess(list(command), 127, "", f"{command[0]}: not found")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(list(command), 124, "", f"{command[0]}: no answer in 120 s")


def must(run_command: Run, *command: str) -> None:
    """Result: `command` ended with 0. Raises Fatal(service-unsupported) with its own words."""
    done = run_command(command)
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise Fatal(
            ErrorCode.SERVICE_UNSUPPORTED,
            f"`{' '.join(command)}` ended with {done.returncode}: {words[-1] if words else 'no reason given'}",
        )


def service_command(config: Config, kind: str) -> list[str]:
    """Result: what the manager runs: this very Python, whose modules are not looked for in the current folder."""
    command = [sys.executable, "-P", "-m", "migrate_agent", "--home", str(config.home)]
    if config.config_path.parent != config.home:
        command += ["--config", str(config.config_path)]
    return [*command, "--state-dir", str(config.state_dir), "start", "--as-service", kind]


def keep_environment(config: Config, environment: Mapping[str, str] | None = None) -> Path:
    """Result: the private file with the variables that the service needs from this environment."""
    env = os.environ if environment is None else environment
    kept = {name: env[name] for name in CARRIED if env.get(name)}
    path = private_folder(config.state_dir) / ENVIRONMENT_FILE
    write_private(path, json.dumps(kept, indent=2) + "\n")
    return path


def restore_environment(state_dir: Path) -> None:
    """Result: this process has the kept variables that its manager did not set. Raises Fatal(config-invalid)."""
    path = state_dir / ENVIRONMENT_FILE
    text = read_private(path)
    if text is None:
        return
    try:
        kept = json.loads(text)
    except ValueError as error:
        raise Fatal(ErrorCode.CONFIG_INVALID, f"{path} is damaged: run migrate-agent start --service again") from error
    for name in CARRIED:
        if isinstance(kept, dict) and isinstance(kept.get(name), str):
            os.environ.setdefault(name, kept[name])
