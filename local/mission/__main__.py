"""The command line of the local Mission: `python -m local.mission CONFIG.json`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from local.certificates import certificates_in
from local.loopback_server import LoopbackServer, read_config
from local.mission.server import MissionServer
from local.mission.service import MissionService
from local.mission.store import MissionStore


async def _serve() -> None:
    config = read_config(sys.argv)
    store = MissionStore(Path(config["directory"]) / "mission.sqlite")
    service = MissionService(store, config["organization"])
    if not store.keys():
        store.set_keys({config["key"]: True})
    server = MissionServer(service)
    certificates = certificates_in(Path(config["certificates"]))
    await LoopbackServer(tuple(config["ports"]), certificates, server.application, server.control()).run()
    store.close()


if __name__ == "__main__":
    asyncio.run(_serve())
