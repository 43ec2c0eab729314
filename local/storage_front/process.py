"""The storage front as a child process of the stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local.azurite import Azurite
from local.entra.process import Entra
from local.loopback_server import LoopbackProcess
from local.storage_front.accounts import Account
from local.storage_front.control import StorageControl


class StorageFront(LoopbackProcess):
    """One front before an emulator; an account of it is at `account_url`."""

    def __init__(
        self,
        directory: Path,
        certificates_directory: Path,
        azurite: Azurite,
        entra: Entra,
        accounts: Sequence[Account],
        ports: tuple[int, int],
    ) -> None:
        """Describe it; nothing runs before `start`. `ports` are those of the front and of its control API."""
        self.control = StorageControl(f"http://127.0.0.1:{ports[1]}")

        def config() -> dict[str, Any]:
            return {
                "directory": str(directory),
                "certificates": str(certificates_directory),
                "ports": list(ports),
                "upstream": f"https://127.0.0.1:{azurite.ports[0]}",
                "authority": entra.authority,
                "keys_url": f"{entra.control_url}/keys",
                "accounts": [asdict(account) for account in accounts],
            }

        super().__init__("storage front", "local.storage_front", directory, ports, config)

    def account_url(self, account: str) -> str:
        """The Blob endpoint of an account, as the product reaches it."""
        return f"{self.url}/{account}"
