"""The command line of the storage front: `python -m local.storage_front CONFIG.json`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from local.certificates import certificates_in
from local.loopback_server import LoopbackServer, read_config
from local.storage_front.accounts import Accounts
from local.storage_front.bearer import BearerTokens
from local.storage_front.control import control_application
from local.storage_front.front import Front
from local.storage_front.request_log import RequestLog


def main() -> None:
    """Serve until told to stop."""
    config = read_config(sys.argv)
    folder = Path(config["directory"])
    certificates = certificates_in(Path(config["certificates"]))
    accounts = Accounts(folder / "storage-accounts.json", config["accounts"])
    log = RequestLog(folder / "logs" / "storage-requests.jsonl")
    front = Front(
        accounts, BearerTokens(config["keys_url"]), log, config["upstream"], config["authority"], certificates.ca_file
    )
    port, control_port = config["ports"]
    control = control_application(accounts, log)
    asyncio.run(LoopbackServer((port, control_port), certificates, front.application, control).run())


if __name__ == "__main__":
    main()
