"""A real `migrate-agent` as a child process: registered with a code, then started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from local.processes import ChildProcess, ProcessFailed

REGISTER_SECONDS = 60
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SystemRoot")


class AgentProcess:
    """One installed agent with its own home folder, trusting the stack's authority."""

    def __init__(self, home: Path, api_url: str, ca_file: Path) -> None:
        """Use `home` for the agent's configuration, key and journal; nothing runs yet."""
        home.mkdir(parents=True, exist_ok=True)
        self._api_url = api_url
        self._home = home
        self._environment = {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "MIGRATE_AGENT_HOME": str(home),
            "SSL_CERT_FILE": str(ca_file),
            # The demonstration copies Python's own library: running must not add files to it.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.process = ChildProcess(
            "agent",
            [sys.executable, "-m", "migrate_agent", "start"],
            directory=home,
            log_file=home / "output.log",
            environment=self._environment,
        )

    def register(self, code: str, name: str) -> None:
        """Redeem a registration code; raises ProcessFailed with what the agent printed."""
        command = [sys.executable, "-m", "migrate_agent", "--register", code]
        command += ["--api-url", self._api_url, "--name", name]
        try:
            ended = subprocess.run(
                command,
                cwd=self._home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=REGISTER_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as fault:
            raise ProcessFailed(f"the agent did not register within {REGISTER_SECONDS} s") from fault
        if ended.returncode != 0:
            said = (ended.stdout + ended.stderr).strip()
            raise ProcessFailed(f"the agent could not register (exit code {ended.returncode})\n{said}")

    def start(self) -> None:
        """Start it in the background."""
        self.process.start()

    def stop(self) -> None:
        """End it in order: staged blocks are finished and reported."""
        self.process.stop()
