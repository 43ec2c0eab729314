"""The sides of the import's benchmark: `python -m local.rock_bench build|serve|driver|mapping ...` (bench/rockrms.py).

`build` makes a database of many gifts and attendances: a small generated church, whose gifts and attendances are
repeated under other ids. `serve` is the test SQL Server over it, which keeps every answer as it went over the wire.
`driver` and `mapping` measure one stage each, and write one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from local.church import generate
from local.sqlserver import SqlServer
from migrate_agent.rockrms.connection_string import read_connection_string
from migrate_agent.rockrms.mapping import Mapper
from migrate_agent.rockrms.source.connection import driver_connect
from migrate_agent.rockrms.source.reader import RockReader
from migrate_contract.rockrms import Entity, ImportSettings

_PEOPLE = 2_000
_STEP = 10_000_000
"""Between the ids of two repetitions."""
_REPEATED = {
    "gifts": {
        "FinancialTransaction": ("Id",),
        "FinancialTransactionDetail": ("Id", "TransactionId"),
        "FinancialTransactionRefund": ("Id", "OriginalTransactionId"),
    },
    "attendances": {"AttendanceOccurrence": ("Id",), "Attendance": ("Id", "OccurrenceId")},
}
_COUNTED = {"gifts": "FinancialTransactionDetail", "attendances": "Attendance"}


def build(path: Path, gifts: int, attendances: int) -> None:
    """Write the file: at least so many of both."""
    generate(path, seed=1, people=_PEOPLE)
    with sqlite3.connect(path, isolation_level=None) as database:
        database.execute("PRAGMA synchronous = OFF")
        indexes = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''").fetchall()
        for name, _ in indexes:
            database.execute(f"DROP INDEX [{name}]")
        database.execute("BEGIN")
        for kind, wanted in (("gifts", gifts), ("attendances", attendances)):
            _repeat(database, kind, wanted)
        database.execute("COMMIT")
        for _, sql in indexes:
            database.execute(sql)
        database.execute("ANALYZE")
    database.close()


def _repeat(database: sqlite3.Connection, kind: str, wanted: int) -> None:
    (there,) = database.execute(f"SELECT count(*) FROM [{_COUNTED[kind]}]").fetchone()  # noqa: S608 - our own names
    for number in range(1, -(-wanted // there)):
        for table, shifted in _REPEATED[kind].items():
            names = [row[1] for row in database.execute(f"PRAGMA table_info([{table}])")]
            values = ", ".join(f"[{name}] + {number * _STEP}" if name in shifted else f"[{name}]" for name in names)
            listed = ", ".join(f"[{name}]" for name in names)
            database.execute(
                f"INSERT INTO [{table}] ({listed}) SELECT {values} FROM [{table}] WHERE Id < {_STEP}"  # noqa: S608
            )


def serve(path: Path, answers: Path) -> None:
    """Serve until the input ends; the first line of output is the connection string."""
    with SqlServer(path, prepared_answers=answers) as server:
        print(server.connection_string(), flush=True)
        sys.stdin.read()


class _Stage:
    """One entity's pages, as the import reads them."""

    def __init__(self, connection_string: str) -> None:
        connection = read_connection_string(connection_string)
        shown = connection.shown()
        self.settings = ImportSettings(time_zone="America/Phoenix")
        connect = driver_connect(connection.odbc())
        self.reader = RockReader(connect, self.settings, server=shown.server, database=shown.database)

    def driver(self, entities: Sequence[Entity]) -> dict[str, float]:
        """Result: what reading alone costs."""
        rows = 0
        began, cpu = time.monotonic(), time.process_time()
        for entity in entities:
            for page in self.reader.pages(entity, 0, self.reader.high_water(entity)):
                rows += len(page.rows)
        return {"records": rows, "seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu}

    def mapping(self, entities: Sequence[Entity], pages: int) -> dict[str, float]:
        """Result: what mapping alone costs, on pages that are in memory."""
        mapper = Mapper(self.reader.facts(), self.settings)
        records, seconds, cpu = 0, 0.0, 0.0
        for entity in entities:
            held = []
            for page in self.reader.pages(entity, 0, self.reader.high_water(entity)):
                held.append(page)
                if len(held) >= pages:
                    break
            began, cpu_began = time.monotonic(), time.process_time()
            for page in held:
                records += len(mapper.map(entity, page))
            seconds += time.monotonic() - began
            cpu += time.process_time() - cpu_began
        return {"records": records, "seconds": seconds, "cpu_seconds": cpu}


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m local.rock_bench")
    commands = parser.add_subparsers(dest="what", required=True)
    built = commands.add_parser("build")
    built.add_argument("path", type=Path)
    built.add_argument("gifts", type=int)
    built.add_argument("attendances", type=int)
    served = commands.add_parser("serve")
    served.add_argument("path", type=Path)
    served.add_argument("answers", type=Path)
    for name in ("driver", "mapping"):
        measured = commands.add_parser(name)
        measured.add_argument("connection_string")
        measured.add_argument("--entity", action="append", type=Entity, choices=list(Entity))
        measured.add_argument("--pages", type=int, default=20)
    given = parser.parse_args(arguments)
    if given.what == "build":
        build(given.path, given.gifts, given.attendances)
    elif given.what == "serve":
        serve(given.path, given.answers)
    else:
        stage = _Stage(given.connection_string)
        entities = given.entity or [Entity.CONTRIBUTIONS, Entity.ATTENDANCE]
        found = stage.driver(entities) if given.what == "driver" else stage.mapping(entities, given.pages)
        print(json.dumps(found))


if __name__ == "__main__":
    main()
