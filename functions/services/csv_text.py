"""CSV for people: pieces of UTF-8 with a header, in which no cell is run by a spreadsheet as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by spreadsheets."""
_FLUSH_CHARACTERS = 64 * 1024


def pieces(header: Sequence[str], lines: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """Result: the lines as CSV, piece by piece. Negative numbers stay numbers."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    for line in lines:
        writer.writerow([_cell(value) for value in line])
        if buffer.tell() >= _FLUSH_CHARACTERS:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _cell(value: object) -> str:
    content = "" if value is None else str(value)
    if not content.startswith(FORMULA) or _is_number(content):
        return content
    return "'" + content


def _is_number(content: str) -> bool:
    """Result: whether it is a negative amount or count, which a spreadsheet may read as such."""
    return content[0] == "-" and content[1:].replace(".", "", 1).isdigit() and content[1:].isascii()
