"""What a file system says of a file beyond size and time: the port, what is found, and which of it this system needs.

Nouns: *marks* come with the folder's listing and cost nothing; a *look* opens the file (never its content) and tells
what the copy does not carry. Where nothing of that kind is known or wanted there are no facts, and nothing is spent.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Protocol

from migrate_agent.transfer.windows_records import Stream

_ACL_NAMES = {"system.posix_acl_access", "system.posix_acl_default", "system.nfs4_acl", "security.NTACL"}


@dataclass(frozen=True, slots=True)
class Marks:
    """Windows' file attributes and reparse tag; 0 where there are none."""

    attributes: int = 0
    reparse_tag: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found."""

    links: int = 1
    """Names of the same file."""
    streams: tuple[Stream, ...] = ()
    own_permissions: bool = False
    """Access entries of its own, which are not carried."""


class FileFacts(Protocol):
    """Asked by the walk, from one thread."""

    def marks(self, name: str, found: os.stat_result) -> Marks:
        """Result: the marks of the entry `name`, whose stat `found` is. No I/O."""
        ...

    def look(self, where: str | bytes) -> Look:
        """Result: what the file or folder at `where` has. Raises OSError."""
        ...


class PosixFacts:
    """Access lists beyond owner, group and mode, where a job carries those."""

    def marks(self, name: str, found: os.stat_result) -> Marks:
        """See FileFacts: POSIX has none."""
        return Marks()

    def look(self, where: str | bytes) -> Look:
        """See FileFacts. Links come with the listing."""
        names = getattr(os, "listxattr")(where, follow_symlinks=False)  # noqa: B009 - Linux only
        return Look(own_permissions=not _ACL_NAMES.isdisjoint(names))


def system_facts(*, posix_properties: bool) -> FileFacts | None:
    """Result: this system's facts, None where there is nothing to ask for."""
    if sys.platform == "win32":
        from migrate_agent.transfer.windows_files import WindowsFacts

        return WindowsFacts()
    return PosixFacts() if posix_properties and sys.platform == "linux" else None
