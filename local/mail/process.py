"""The mail service as a child process of the stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from local.azurite import StorageAccount
from local.loopback_server import LoopbackProcess
from local.mail.control import MailControl


class MailServer(LoopbackProcess):
    """One mail service, which comes back with its mails on the same port after a restart."""

    def __init__(
        self,
        directory: Path,
        certificates_directory: Path,
        key: str,
        ports: tuple[int, int],
        reports_to: StorageAccount | None = None,
    ) -> None:
        """Describe it; nothing runs before `start`. `ports` are those of the service and of its control side.

        Delivery reports go to a queue of `reports_to`; without one there are none.
        """
        self.control = MailControl(f"http://127.0.0.1:{ports[1]}")

        def config() -> dict[str, Any]:
            return {
                "directory": str(directory / "sent-mail"),
                "certificates": str(certificates_directory),
                "key": key,
                "ports": list(ports),
                "queue": reports_to.connection_string if reports_to else None,
            }

        super().__init__("mail server", "local.mail", directory, ports, config)

    @property
    def page_url(self) -> str:
        """Where a person reads the mails."""
        return f"{self.control_url}/"
