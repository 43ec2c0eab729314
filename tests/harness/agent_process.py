"""A real `migrate-agent` in its own process and state directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

_QUIET = (
    "MIGRATE_API_URL",
    "MIGRATE_AGENT_KEY",
    "MIGRATE_AGENT_HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
)


class AgentProcess:
    """One install. `home` holds its configuration, key, journal and logs; `environment` adds or replaces variables."""

    def __init__(self, home: Path, api_url: str, ca_file: str, **environment: str) -> None:
        self.home, self.api_url = home, api_url
        home.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name not in _QUIET}
        self.environment = kept | {"MIGRATE_AGENT_HOME": str(home), "SSL_CERT_FILE": ca_file} | environment
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Result: the ended command `migrate-agent ARGUMENTS`."""
        return subprocess.run(
            [sys.executable, "-m", "migrate_agent", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def register(self, code: str, name: str = "agent under test") -> None:
        """The agent of this install is registered; AssertionError with its output otherwise."""
        ended = self.command("--register", code, "--api-url", self.api_url, "--name", name)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def start(self) -> None:
        """The process runs in the foreground of its own process group; its output goes to `agent.out`."""
        with (self.home / "agent.out").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "migrate_agent", "start"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self, seconds: float = 30) -> int:
        """Result: the exit code after an orderly stop (SIGTERM)."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def status(self) -> dict[str, Any]:
        """Result: `migrate-agent status --json`."""
        parsed: dict[str, Any] = json.loads(self.command("status", "--json").stdout)
        return parsed

    def output(self) -> str:
        """Result: what the process printed so far."""
        path = self.home / "agent.out"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Whatever still runs is ended by its own pid."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
