"""The limits of an agent's jobs as rows of its mailbox: `lim|<job id>` holds those of one job, as JSON. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from functions.domain import rows
from functions.domain.agent import LIMITS_PREFIX
from functions.domain.ports import Row, Value
from migrate_contract.schedule import JobLimits, LimitSet


def limits_columns(limits: JobLimits, entries: int) -> dict[str, Value]:
    """Result: the whole row. `entries`: of the job's history, so that an older view of the job replaces no newer."""
    return {"job_entries": entries, **rows.long_text("limits", limits.model_dump_json())}


def stands(row: Row, columns: dict[str, Value]) -> bool:
    """Result: whether the row needs no write: it says the same, or was made from a newer version of the job."""
    older = rows.number(columns_row(columns), "job_entries") < rows.number(row, "job_entries")
    return older or content_of(row) == content_of(columns_row(columns))


def columns_row(columns: dict[str, Value]) -> Row:
    """Result: columns that are about to be written, to be read like a row."""
    return Row("", "", columns, "")


def content_of(row: Row) -> str:
    """Result: what the row says."""
    return rows.joined_text(row, "limits")


def version_of(found: Iterable[Row]) -> str:
    """Result: names the content of an agent's limits; '' where there are none."""
    contents = sorted(content_of(row) for row in found if row.rk.startswith(LIMITS_PREFIX))
    return hashlib.sha256("\n".join(contents).encode()).hexdigest()[:32] if contents else ""


def limit_set(found: Iterable[Row]) -> LimitSet:
    """Result: the limits as the agent is given them."""
    mine = [row for row in found if row.rk.startswith(LIMITS_PREFIX)]
    return LimitSet(version=version_of(mine), jobs=[JobLimits.model_validate_json(content_of(row)) for row in mine])
