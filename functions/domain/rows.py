"""Reading and writing columns: typed access, and long texts that are split over several columns.

A string column holds at most 32,768 UTF-16 units. A *long text* is cut into parts: the first under its own name, more
under `<name>_2` and so on, their number under `<name>_parts`, which also tells a merge's leftovers from the text.
"""

from __future__ import annotations

from datetime import UTC, datetime

from functions.domain.ports import Row, Value

_PART = 15_000
"""Characters per column: at most 30,000 UTF-16 units, even if each lies outside the basic plane."""


def text(row: Row, name: str, default: str = "") -> str:
    """Result: the column as text; `default` if it is absent or of another type."""
    value = row.values.get(name)
    return value if isinstance(value, str) else default


def text_or_none(row: Row, name: str) -> str | None:
    """Result: the column as text; None if it is absent or empty."""
    return text(row, name) or None


def number(row: Row, name: str, default: int = 0) -> int:
    """Result: the column as a whole number."""
    value = row.values.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def real(row: Row, name: str, default: float = 0.0) -> float:
    """Result: the column as a float."""
    value = row.values.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def seconds(row: Row, name: str, default: float = 0.0) -> float:
    """Result: the column as a span of time."""
    return real(row, name, default)


def flag(row: Row, name: str) -> bool:
    """Result: the column as a truth value; False if it is absent."""
    return row.values.get(name) is True


def moment(row: Row, name: str) -> datetime | None:
    """Result: the column as an aware UTC time, or None."""
    value = row.values.get(name)
    return value.astimezone(UTC) if isinstance(value, datetime) else None


def need_moment(row: Row, name: str) -> datetime:
    """Result: the column as an aware UTC time. A row without it was not written by us: ValueError."""
    value = moment(row, name)
    if value is None:
        raise ValueError(f"row without {name}")
    return value


def long_text(name: str, content: str) -> dict[str, Value]:
    """Result: the columns that hold `content`, however long."""
    parts = [content[start : start + _PART] for start in range(0, len(content), _PART)] or [""]
    columns: dict[str, Value] = {name: parts[0], f"{name}_parts": len(parts)}
    columns.update({f"{name}_{index}": part for index, part in enumerate(parts[1:], start=2)})
    return columns


def joined_text(row: Row, name: str) -> str:
    """Result: what `long_text` wrote."""
    parts = number(row, f"{name}_parts", 1)
    return text(row, name) + "".join(text(row, f"{name}_{index}") for index in range(2, parts + 1))
