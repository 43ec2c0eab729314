r"""A mapped drive letter is no source for a service: the rule, and the port to ask Windows for its drives.

A letter like `Z:` is mapped in the session of the person who mapped it. A service does not see it, or sees it until the
machine is started again; an elevated prompt does not see it either. The UNC path behind it works for all of them.
"""

from __future__ import annotations

import sys
from enum import StrEnum, unique
from typing import Protocol

from migrate_agent.transfer.windows_paths import behind_drive, drive_letter
from migrate_contract.errors import ErrorCode, Fatal


@unique
class DriveKind(StrEnum):
    """What this process sees at a drive letter."""

    ABSENT = "absent"
    LOCAL = "local"
    MAPPED = "mapped"


class Drives(Protocol):
    """Windows' drives as this process sees them, and as others on this machine have mapped them."""

    def kind(self, letter: str) -> DriveKind:
        """Result: what is at the letter for this process."""
        ...

    def remote(self, letter: str) -> str | None:
        r"""Result: the `\\server\share` that this process or anybody who is signed in has mapped to it, if known."""
        ...

    def in_service(self) -> bool:
        """Result: whether this process runs where services do, and no person's mappings are."""
        ...


def refuse_mapped_drive(root: str, drives: Drives) -> None:
    """Returns where the source may be read by its drive letter, or has none. Raises Fatal(source-mapped-drive)."""
    letter = drive_letter(root)
    if letter is None:
        return
    kind = drives.kind(letter)
    if kind is DriveKind.LOCAL or (kind is DriveKind.MAPPED and not drives.in_service()):
        return
    remote = drives.remote(letter)
    if remote is not None:
        raise Fatal(ErrorCode.SOURCE_MAPPED_DRIVE, f"{root} is {behind_drive(root, remote)}: use that path")
    if kind is DriveKind.MAPPED:
        raise Fatal(
            ErrorCode.SOURCE_MAPPED_DRIVE,
            f"{root} is on a mapped drive, and what it stands for is not known here: `net use {letter}:` says it",
        )


def system_drives() -> Drives | None:
    """Result: this system's drives, None where there are no drive letters."""
    if sys.platform == "win32":
        from migrate_agent.transfer.windows_drives import WindowsDrives

        return WindowsDrives()
    return None
