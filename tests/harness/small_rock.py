"""A small database for the test SQL Server: every type once with values at its edges, some people, some gifts."""

# ruff: noqa: DTZ001 - church-local times
from __future__ import annotations

import datetime as dt
import sqlite3
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from local.sqlserver import to_cell

EVERY_TYPE = {
    "T": "tinyint",
    "S": "smallint",
    "I": "int",
    "B": "bigint",
    "Bt": "bit",
    "D": "decimal(18,2)",
    "DW": "decimal(38,10)",
    "M": "money",
    "SM": "smallmoney",
    "F": "float",
    "NV": "nvarchar(20)",
    "NVM": "nvarchar(max)",
    "VC": "varchar(20)",
    "VCM": "varchar(max)",
    "VB": "varbinary(20)",
    "VBM": "varbinary(max)",
    "DT": "datetime",
    "SDT": "smalldatetime",
    "D2": "datetime2(7)",
    "DA": "date",
    "TI": "time(7)",
    "G": "uniqueidentifier",
}
EDGES: dict[str, object] = {
    "T": 255,
    "S": -32768,
    "I": -(2**31),
    "B": 2**63 - 1,
    "Bt": True,
    "D": Decimal("-9999999999999999.99"),
    "DW": Decimal("1234567890123456789012345678.0123456789"),
    "M": Decimal("922337203685477.5807"),
    "SM": Decimal("-214748.3648"),
    "F": 0.1,
    "NV": "Zoë 日本😀",
    "NVM": "x" * 100_000,
    "VC": "café",
    "VCM": "v" * 9_000,
    "VB": b"\x00\xff\x10",
    "VBM": b"\x01" * 20_000,
    "DT": dt.datetime(2024, 2, 29, 23, 59, 59, 997000),
    "SDT": dt.datetime(2024, 2, 29, 23, 59),
    "D2": dt.datetime(1, 1, 1, 0, 0, 0, 1),
    "DA": dt.date(1, 12, 31),
    "TI": dt.time(23, 59, 59, 999999),
    "G": UUID("6F9619FF-8B86-D011-B42D-00C04FC964FF"),
}
FIRST_NAMES = ("Zoë", "zoë ", None, "ANNA", "anna", "Bob")
PEOPLE = 2_000


def gift(number: int) -> Decimal:
    """Result: the amount of a gift by its Id; every seventh is a correction."""
    return Decimal(number * 137 % 100_003).scaleb(-2) * (-1 if number % 7 == 0 else 1)


def small_rock(path: Path, *, people: int = PEOPLE) -> Path:
    """Result: the file, made anew."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=WAL")
        columns = ", ".join(f'"{name}" "{kind}" NULL' for name, kind in EVERY_TYPE.items())
        database.execute(f"CREATE TABLE EveryType (Id INTEGER PRIMARY KEY, {columns})")
        cells = [to_cell(kind, EDGES[name]) for name, kind in EVERY_TYPE.items()]
        database.execute(f"INSERT INTO EveryType VALUES (1, {', '.join('?' * len(cells))})", cells)
        database.execute("INSERT INTO EveryType (Id) VALUES (2)")
        database.execute(
            "CREATE TABLE Person (Id INTEGER PRIMARY KEY, Guid uniqueidentifier NOT NULL, FirstName nvarchar(50) NULL, "
            "IsDeceased bit NOT NULL, BirthDate date NULL, ModifiedDateTime datetime NULL, Shape geography NULL)"
        )
        database.execute(
            "CREATE TABLE Gift (Id INTEGER PRIMARY KEY, PersonId int NOT NULL, Amount decimal(18,2) NOT NULL, "
            "Fee decimal(8,4) NULL, GivenDateTime datetime NULL)"
        )
        day = dt.datetime(2023, 1, 1, 9, 30, 0, 123000)
        database.executemany(
            "INSERT INTO Person VALUES (?, ?, ?, ?, ?, ?, NULL)",
            [
                (
                    number,
                    to_cell("uniqueidentifier", UUID(int=number * 7919)),
                    FIRST_NAMES[number % len(FIRST_NAMES)],
                    number % 2,
                    to_cell("date", dt.date(1980, 1, 1 + number % 28)),
                    to_cell("datetime", day + dt.timedelta(hours=number)),
                )
                for number in range(1, people + 1)
            ],
        )
        database.executemany(
            "INSERT INTO Gift VALUES (?, ?, ?, ?, ?)",
            [
                (
                    number,
                    1 + number % people,
                    to_cell("decimal(18,2)", gift(number)),
                    to_cell("decimal(8,4)", Decimal(number % 10_000).scaleb(-4)),
                    to_cell("datetime", day + dt.timedelta(hours=5 * number)) if number % 11 else None,
                )
                for number in range(1, 5 * people + 1)
            ],
        )
    database.close()
    return path
