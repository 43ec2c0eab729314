"""The command line of the church's database: `python -m local.rock CONFIG.json`."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from local.certificates import certificates_in
from local.church.church import generate
from local.loopback_server import read_config
from local.sqlserver.server import Login, SqlServer


def main() -> None:
    """Generate the church if its file is not there, and serve it until told to stop."""
    config = read_config(sys.argv)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    path = Path(config["database"])
    if not path.exists():
        fresh = path.with_suffix(".new")
        generate(fresh, seed=config["seed"], people=config["people"])
        fresh.rename(path)
    server = SqlServer(
        path,
        certificates=certificates_in(Path(config["certificates"])),
        login=Login(config["user"], config["password"]),
        name=config["name"],
        port=config["port"],
    )
    server.start()
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
