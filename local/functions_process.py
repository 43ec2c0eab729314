"""The functions host as a child process of the stack."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.certificates import Certificates
from local.processes import ChildProcess

_REPOSITORY = Path(__file__).resolve().parent.parent
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "SystemRoot")


@dataclass(frozen=True)
class FunctionsHostOptions:
    """Which app to serve, where, and with what."""

    app_directory: Path
    directory: Path
    port: int
    certificates: Certificates
    sign_in_file: Path
    settings: Mapping[str, str]
    https: bool = False
    message_lease_seconds: int = 600


class FunctionsHost:
    """One functions host process, which comes back on the same port after a restart."""

    def __init__(self, options: FunctionsHostOptions) -> None:
        """Describe it; nothing runs before `start`."""
        self._options = options
        scheme = "https" if options.https else "http"
        self.url = f"{scheme}://127.0.0.1:{options.port}"
        certificates = options.certificates
        command: list[str | Path] = [sys.executable, "-m", "local.functions_host", "--app", options.app_directory]
        command += ["--port", str(options.port), "--state", options.directory / "host"]
        command += ["--sign-in", options.sign_in_file, "--ca-file", certificates.ca_file]
        command += ["--message-lease-seconds", str(options.message_lease_seconds)]
        if options.https:
            command += ["--certificate", certificates.chain_file, "--key", certificates.key_file]
        self.process = ChildProcess(
            "functions host",
            command,
            directory=options.app_directory,
            log_file=options.directory / "logs" / "functions-host.log",
            environment={
                **{name: os.environ[name] for name in _INHERITED if name in os.environ},
                "PYTHONPATH": str(_REPOSITORY),
                "PYTHONUNBUFFERED": "1",
                **options.settings,
            },
        )

    def start(self) -> None:
        """Start it and wait until it serves; raises ProcessFailed with the end of its log."""
        self.process.start()
        self.process.wait_ready(self._is_serving)

    def stop(self) -> None:
        """End it in order: what runs may finish."""
        self.process.stop()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()

    def _is_serving(self) -> bool:
        trusted = ssl.create_default_context(cafile=self._options.certificates.ca_file)
        try:
            answer = httpx.get(f"{self.url}/admin/host/status", verify=trusted, trust_env=False, timeout=2)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK
