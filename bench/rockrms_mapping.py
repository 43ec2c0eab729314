"""How many records a second the mapping alone makes of rows, on one core: `python -m bench.rockrms_mapping [--json]`.

Rows are the driver's own, made beforehand; what is measured is the CPU time of mapping pages of 5,000 of them, so that
other work on the machine counts as little as it can. The aim is 150,000 contributions a second.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from mssql_python.row import Row as DriverRow

from migrate_agent.rockrms.mapping import Mapper
from migrate_agent.rockrms.records import AccountRow, AttendanceLayout, CampusRow, LookupRow, Page, RockFacts, Row
from migrate_contract.rockrms import Entity, ImportSettings

AIM_RECORDS_PER_SECOND = 150_000
PAGE_ROWS = 5_000
INSTALL = "0f0f0f0f-0000-4000-8000-000000000001"
_BEGIN = datetime(2015, 1, 4, 9, 30)  # noqa: DTZ001 - church-local


def facts() -> RockFacts:
    """Result: a church with five campuses, some lookups and twenty funds."""
    return RockFacts(
        install=INSTALL,
        sql_version="",
        rock_version=None,
        server="",
        database="",
        columns=frozenset(),
        attendance=AttendanceLayout.CURRENT,
        campuses={id_: CampusRow(id_, INSTALL, f"Campus {id_}", True) for id_ in range(1, 6)},
        lookups={id_: LookupRow(id_, INSTALL, INSTALL, f"Label {id_}") for id_ in range(1, 40)},
        accounts={id_: AccountRow(id_, INSTALL, "Fund", None, None, id_ % 6 or None, True) for id_ in range(1, 21)},
        anonymous=frozenset({7}),
    )


def _contribution(id_: int, draw: random.Random) -> list[Any]:
    refund = 900_000 if id_ % 80 == 0 else None
    amount = Decimal(draw.randrange(100, 100_000)).scaleb(-2) * (-1 if refund else 1)
    batch = id_ // 60 + 1
    given = _BEGIN + timedelta(minutes=id_ * 3)
    donor = draw.randrange(10, 40_000)
    head = [
        id_,
        id_ - id_ % 2,
        amount,
        draw.randrange(1, 21),
        given,
        given,
        given,
        donor,
        donor,
        f"G{donor // 2}",
        donor // 2,
    ]
    return [*head, batch, f"Sunday {batch}", 1, 3, 4, draw.randrange(5, 9), refund, None, None, False]


def _attendance(id_: int, draw: random.Random) -> list[Any]:
    started = _BEGIN + timedelta(weeks=id_ // 900)
    doubled = int(id_ % 200 == 0)
    head = [id_, draw.randrange(10, 40_000), doubled, id_ // 45 + 2, started.date(), started, draw.randrange(1, 300)]
    return [*head, 3, 4, 1, draw.randrange(1, 6), None, f"Room {id_ % 40}", f"Sunday {id_ % 4}", None]


def measure(entity: Entity, rows: int, make: Callable[[int, random.Random], list[Any]], runs: int) -> float:
    """Result: records per second of CPU time, the best of some runs."""
    draw = random.Random(5)
    mapper = Mapper(facts(), ImportSettings(time_zone="UTC"))
    row: Any = DriverRow
    made: list[Row] = [row(make(id_, draw), {}) for id_ in range(1, rows + 1)]
    pages = [Page(made[start : start + PAGE_ROWS], start) for start in range(0, rows, PAGE_ROWS)]
    best = 0.0
    for _ in range(runs):
        begun = time.process_time()
        mapped = sum(len(mapper.map(entity, page)) for page in pages)
        best = max(best, mapped / (time.process_time() - begun))
    return best


def main() -> int:
    """The exit code: 0 when the aim was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = {
        entity.value: round(measure(entity, given.rows, make, given.runs))
        for entity, make in ((Entity.CONTRIBUTIONS, _contribution), (Entity.ATTENDANCE, _attendance))
    }
    if given.json:
        print(json.dumps(found))
    else:
        for name, speed in found.items():
            print(f"{name}: {speed:,} records/s (aim: {AIM_RECORDS_PER_SECOND:,})")
    return 0 if found[Entity.CONTRIBUTIONS.value] >= AIM_RECORDS_PER_SECOND else 1


if __name__ == "__main__":
    sys.exit(main())
