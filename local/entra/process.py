"""The identity server as a child process of the stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from local.entra.control import EntraControl
from local.entra.directory import Directory
from local.loopback_server import LoopbackProcess


class Entra(LoopbackProcess):
    """One identity server, which comes back on the same port, with its keys and consents, after a restart."""

    def __init__(
        self, directory: Path, certificates_directory: Path, registered: Directory, ports: tuple[int, int]
    ) -> None:
        """Describe it; nothing runs before `start`. `ports` are those of the server and of its control API."""
        self.registered = registered
        self.control = EntraControl(f"http://127.0.0.1:{ports[1]}")

        def config() -> dict[str, Any]:
            return {
                "directory": str(directory),
                "certificates": str(certificates_directory),
                "ports": list(ports),
                **registered.as_json(),
            }

        super().__init__("identity server", "local.entra", directory, ports, config)

    @property
    def authority(self) -> str:
        """What stands for https://login.microsoftonline.com."""
        return self.url
