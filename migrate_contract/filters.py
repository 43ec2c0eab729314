"""Which files a job copies: the filters on the wire, and how a person writes sizes and times for them. Pure.

A file is copied if every filter that is set lets it through. One that is left out is counted as excluded, and its
ledger row names the rule.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum, unique
from typing import Annotated, Self

from pydantic import Field, model_validator

from migrate_contract.paths import AbsolutePath
from migrate_contract.wire import INTEGRAL, Count, Label, Timestamp, WireModel

MOST_PATTERNS = 200

DEFAULT_EXCLUDES = (
    "~$*",
    ".~lock.*",
    "Thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    ".DS_Store",
    "$RECYCLE.BIN/",
    "RECYCLER/",
    "System Volume Information/",
    "pagefile.sys",
    "hiberfil.sys",
    "swapfile.sys",
    ".Trash-*/",
    ".Trashes/",
    ".Spotlight-V100/",
    ".fseventsd/",
    ".TemporaryItems/",
    "#recycle/",
    "@eaDir/",
    ".snapshot/",
    "~snapshot/",
)
"""What systems and programs leave on shares and no one migrates, matched without regard to case.

Lock files of Office and LibreOffice, thumbnails and folder settings of Windows and macOS, recycle bins, what Windows
keeps on every volume, indexes of macOS, and the snapshot folders and indexes that NAS systems show inside a share.
"""

_UNITS = {
    "": 1,
    "b": 1,
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgtp", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgtp", 1)},
}
_SHOWN = ("PiB", "PB", "TiB", "TB", "GiB", "GB", "MiB", "MB", "KiB", "KB")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", re.ASCII)
_MOST_BYTES = 2**53


@unique
class Inclusion(StrEnum):
    """Set by the operator: what to do with one kind of files."""

    INCLUDE = "include"
    EXCLUDE = "exclude"


class FileFilters(WireModel):
    """Which files are copied. A rule that leaves out a folder leaves out everything in it.

    Patterns are globs on the path relative to the source, '/' as separator, case-sensitive; exclude wins.
    """

    include: list[Label] = Field(default_factory=list, max_length=MOST_PATTERNS)
    exclude: list[Label] = Field(default_factory=list, max_length=MOST_PATTERNS)
    default_excludes: bool = True
    """Leave out what `DEFAULT_EXCLUDES` lists."""
    min_size_bytes: Count | None = None
    """A file of this size is copied, a smaller one is not."""
    max_size_bytes: Count | None = None
    """A file of this size is copied, a larger one is not."""
    modified_after: Timestamp | None = None
    """A file changed at this moment is copied, one last changed before it is not."""
    modified_before: Timestamp | None = None
    """A file changed at this moment is not copied: two jobs that share a moment copy each file once."""
    hidden: Inclusion = Inclusion.INCLUDE
    """Files and folders whose name begins with a dot; on Windows, those with the hidden attribute."""
    system: Inclusion = Inclusion.INCLUDE
    """Files and folders with Windows' system attribute; no other system has it."""
    max_depth: Annotated[int, Field(ge=1, le=1000), INTEGRAL] | None = None
    """1: only the files of the source folder itself; 2: those of its folders, too."""
    manifest: AbsolutePath | None = None
    """A CSV file on the agent's machine that lists paths relative to the source: only these are looked at."""

    @model_validator(mode="after")
    def _something_can_pass(self) -> Self:
        least, most = self.min_size_bytes, self.max_size_bytes
        if least is not None and most is not None and least > most:
            raise ValueError(
                f"the smallest size ({size_text(least)}) is above the largest ({size_text(most)}): no file can pass"
            )
        after, before = self.modified_after, self.modified_before
        if after is not None and before is not None and after >= before:
            raise ValueError(
                f"'modified after' ({moment_text(after)}) is not earlier than 'modified before' "
                f"({moment_text(before)}): no file can pass"
            )
        return self


def parse_size(text: str) -> int:
    """Result: the bytes of '500', '10KiB' (1,024) or '5 MB' (1,000,000). Raises ValueError with what to write."""
    found = _SIZE.fullmatch(text.strip())
    unit = _UNITS.get(found[2].lower()) if found else None
    if found is None or unit is None:
        raise ValueError(f"'{text}' is no size: write a number with KB, MB, GB (1,000) or KiB, MiB, GiB (1,024)")
    size = Decimal(found[1]) * unit
    if size != int(size):
        raise ValueError(f"'{text}' is not a whole number of bytes")
    if size > _MOST_BYTES:
        raise ValueError(f"'{text}' is larger than any file: at most 8 PiB")
    return int(size)


def size_text(size_bytes: int) -> str:
    """Result: what `parse_size` reads as exactly these bytes, in the largest unit that divides them."""
    for unit in _SHOWN:
        factor = _UNITS[unit.lower()]
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor} {unit}"
    return f"{size_bytes} B"


def parse_moment(text: str, zone: tzinfo | None) -> datetime:
    """Result: the moment of '2026-01-31', '2026-01-31 18:00' or '2026-01-31T18:00:00+01:00', aware.

    A day alone is its beginning. Without an offset it is `zone`'s time; None: this machine's. Raises ValueError with
    what to write.
    """
    try:
        found = datetime.fromisoformat(text.strip())
        if found.tzinfo is not None:
            return found
        return found.astimezone() if zone is None else found.replace(tzinfo=zone)
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"'{text}' is no date: write 2026-01-31, '2026-01-31 18:00' or 2026-01-31T18:00:00+01:00"
        ) from None


def moment_text(moment: datetime) -> str:
    """Result: what `parse_moment` reads as exactly this moment, in UTC."""
    try:
        found = moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # the calendar's first and last day, elsewhere on the earth
        return moment.isoformat()
    whole = not (found.second or found.microsecond)
    return found.isoformat(sep=" ", timespec="minutes" if whole else "auto") + "Z"
