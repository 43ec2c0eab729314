"""The command line of the identity server: `python -m local.entra CONFIG.json`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from local.certificates import certificates_in
from local.entra.control import control_application
from local.entra.directory import directory_from
from local.entra.server import Server
from local.entra.state import State
from local.entra.tokens import Keys
from local.loopback_server import LoopbackServer, read_config


def main() -> None:
    """Serve until told to stop."""
    config = read_config(sys.argv)
    folder = Path(config["directory"])
    port, control_port = config["ports"]
    state, keys = State(folder / "entra-state.json"), Keys(folder)
    server = Server(directory_from(config), state, keys, f"https://127.0.0.1:{port}")
    certificates = certificates_in(Path(config["certificates"]))
    sides = LoopbackServer((port, control_port), certificates, server.application, control_application(state, keys))
    asyncio.run(sides.run())


if __name__ == "__main__":
    main()
