"""docs/mapping.md: every core column of RockRMS, and where it goes; from mapping/columns.py and the schema's list."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from migrate_agent.rockrms.mapping.columns import COLUMNS, OLD_ATTENDANCE, Fate, Left, Moved

SCHEMA = Path(__file__).resolve().parent.parent / "local" / "church" / "schema"


def _columns(name: str) -> dict[tuple[str, str], str]:
    with (SCHEMA / name).open(encoding="utf-8", newline="") as file:
        return {(row["table"], row["column"]): row["note"] for row in csv.DictReader(file)}


def _is_core(note: str) -> bool:
    return "CORE" in {part.strip() for part in note.split(";")}


def problems(columns: Mapping[tuple[str, str], str]) -> list[str]:
    """Result: sentences on core columns that nobody decided about, and on others that Rock does not have."""
    decided = {(table, column) for table, fates in COLUMNS.items() for column in fates}
    core = {key for key, note in columns.items() if _is_core(note)}
    return [f"{table}.{column} is core and not in mapping/columns.py" for table, column in sorted(core - decided)] + [
        f"{table}.{column} is not a column of RockRMS" for table, column in sorted(decided - columns.keys())
    ]


def _line(table: str, column: str, fate: Fate, *, core: bool) -> str:
    name = f"`{table}.{column}`{' *' if core else ''}"
    if isinstance(fate, Moved):
        return f"| {name} | {fate.field} | {fate.rule} |"
    if isinstance(fate, Left):
        return f"| {name} | not moved. {fate.why} | |"
    return f"| {name} | used: {fate.what} | {fate.rule} |"


def mapping_page() -> str:
    """Result: docs/mapping.md. Raises SystemExit where a column was forgotten."""
    columns = _columns("rock_tables.csv")
    if found := problems(columns):
        raise SystemExit("\n".join(found))
    lines = [
        "# RockRMS to Mission: the columns",
        "",
        "Generated from `agent/src/migrate_agent/rockrms/mapping/columns.py` and the list of Rock's columns by",
        "`make docs`. The rules by their numbers: [rockrms-rules.md](rockrms-rules.md). A star marks the columns that",
        "a migration needs; each of them is here. The import reads no column that is not here.",
    ]
    for table, fates in COLUMNS.items():
        lines += ["", f"## {table}", "", "| column | becomes | rule |", "|---|---|---|"]
        lines += [_line(table, column, fate, core=_is_core(columns[table, column])) for column, fate in fates.items()]
    lines += ["", "## Attendance before v8", "", "| column | becomes | rule |", "|---|---|---|"]
    lines += [_line("Attendance", column, fate, core=True) for column, fate in OLD_ATTENDANCE.items()]
    return "\n".join(lines) + "\n"
