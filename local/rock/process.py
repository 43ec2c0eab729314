"""The church's database as a child process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from local.church.church import TIME_ZONE
from local.ports import is_listening
from local.processes import ChildProcess

DATABASE = "RockRMS"
USER = "rock_reader"
_REPOSITORY = Path(__file__).resolve().parents[2]
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "SystemRoot")


class Rock:
    """One SQL Server with a generated church; the file stays, so that it comes back the same after a restart."""

    def __init__(
        self, directory: Path, certificates_directory: Path, password: str, port: int, *, people: int, seed: int
    ) -> None:
        """Describe it; nothing is generated and nothing runs before `launch`."""
        self.time_zone = TIME_ZONE
        self.port, self._password = port, password
        self.database = directory / f"church-{seed}-{people}.sqlite"
        self._config_file = directory / "church.json"
        self._config: dict[str, Any] = {
            "database": str(self.database),
            "certificates": str(certificates_directory),
            "seed": seed,
            "people": people,
            "user": USER,
            "password": password,
            "name": DATABASE,
            "port": port,
        }
        self.process = ChildProcess(
            "sql server",
            [sys.executable, "-m", "local.rock", self._config_file],
            directory=directory,
            log_file=directory / "logs" / "sql-server.log",
            environment={
                **{each: os.environ[each] for each in _INHERITED if each in os.environ},
                "PYTHONPATH": str(_REPOSITORY),
                "PYTHONUNBUFFERED": "1",
            },
        )

    @property
    def connection_string(self) -> str:
        """As an administrator of the church would have it."""
        return (
            f"Server=127.0.0.1,{self.port};Database={DATABASE};User Id={USER};Password={self._password};"
            "Encrypt=true;TrustServerCertificate=true;"
        )

    def launch(self) -> None:
        """Start it, without waiting; `wait_ready` follows."""
        self._config_file.touch(mode=0o600)
        self._config_file.write_text(json.dumps(self._config, indent=2), "utf-8")
        self.process.start()

    def wait_ready(self) -> None:
        """Return when it accepts connections; raises ProcessFailed."""
        self.process.wait_ready(lambda: is_listening(self.port))

    def start(self) -> None:
        """Start it and wait until it serves; raises ProcessFailed."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """End it in order."""
        self.process.stop()
