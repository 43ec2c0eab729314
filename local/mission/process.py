"""The local Mission as a child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from local.loopback_server import LoopbackProcess
from local.mission.control import HttpMissionControl

ORGANIZATION = "Grace Community Church"


class Mission(LoopbackProcess):
    """One Mission, which comes back with what it holds on the same port after a restart."""

    def __init__(
        self,
        directory: Path,
        certificates_directory: Path,
        key: str,
        ports: tuple[int, int],
        organization: str = ORGANIZATION,
    ) -> None:
        """Describe it; nothing runs before `start`. `key`: the integration key that it takes at first."""
        folder = directory / "mission"
        self.control = HttpMissionControl(f"http://127.0.0.1:{ports[1]}")

        def config() -> dict[str, Any]:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return {
                "directory": str(folder),
                "certificates": str(certificates_directory),
                "key": key,
                "ports": list(ports),
                "organization": organization,
            }

        super().__init__("mission", "local.mission", directory, ports, config)

    @property
    def page_url(self) -> str:
        """Where a person sees what it holds."""
        return f"{self.control_url}/"
