"""`python -m local.sqlserver FILE`: the server as a process until SIGTERM or SIGINT; its first line says where."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local.certificates import certificates_in
from local.sqlserver.server import Encryption, SqlServer


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve one SQLite file."""
    given = _parser().parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    server = SqlServer(
        given.file,
        certificates=certificates_in(given.certificates) if given.certificates is not None else None,
        encryption=Encryption(given.encryption),
        port=given.port,
        prepared_answers=given.answers,
    )
    with server:
        sys.stdout.write(server.connection_string() + "\n")
        sys.stdout.flush()
        ended.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.sqlserver", description=__doc__)
    parser.add_argument("file", type=Path, help="the SQLite file, with the types of SQL Server in its CREATE TABLEs")
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; any that is free if absent")
    parser.add_argument("--certificates", type=Path, help="folder of the certificates; without it nothing is encrypted")
    parser.add_argument("--encryption", choices=[each.value for each in Encryption], default=Encryption.OPTIONAL.value)
    parser.add_argument("--answers", type=Path, help="folder of prepared answers: each is made once, then only copied")
    return parser


if __name__ == "__main__":
    main()
