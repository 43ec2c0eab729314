"""The command line of the mail service: `python -m local.mail CONFIG.json`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from local.certificates import certificates_in
from local.loopback_server import LoopbackServer, read_config
from local.mail.control import control_application
from local.mail.reports import ReportQueue
from local.mail.server import MailApi
from local.mail.store import MailStore


def main() -> None:
    """Serve until told to stop."""
    config = read_config(sys.argv)
    port, control_port = config["ports"]
    certificates = certificates_in(Path(config["certificates"]))
    store = MailStore(Path(config["directory"]))
    queue = ReportQueue(config["queue"], str(certificates.ca_file)) if config["queue"] else None
    api = MailApi(store, config["key"], f"https://127.0.0.1:{port}", queue)
    sides = LoopbackServer((port, control_port), certificates, api.application, control_application(store))
    asyncio.run(sides.run())


if __name__ == "__main__":
    main()
