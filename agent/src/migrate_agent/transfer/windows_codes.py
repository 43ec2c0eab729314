"""What Windows' numbers mean for a copy: file attributes, reparse tags and error numbers. Pure.

Nouns: a *placeholder* is a file whose content is somewhere else (OneDrive, Azure File Sync, tape): reading it would
bring all of it onto the disk. A *reparse point* is a file or folder that something in the system stands behind; its
*tag* says what. Sources: [MS-FSCC] 2.1.2.1 and 2.6, System Error Codes.
"""

from __future__ import annotations

from enum import StrEnum, unique

from migrate_contract.errors import ErrorCode

OFFLINE = 0x1000
RECALL_ON_OPEN = 0x40000
RECALL_ON_DATA_ACCESS = 0x400000
_NOT_HERE = OFFLINE | RECALL_ON_OPEN | RECALL_ON_DATA_ACCESS

_NAME_SURROGATE = 0x20000000
"""The bit of every tag whose file is another one's second name."""
_SPECIAL_TAGS = {
    0x80000023: "a socket",
    0x80000024: "a named pipe",
    0x80000025: "a character device",
    0x80000026: "a block device",
    0x8000001B: "a link to a store app",
}
_SHARING = {32, 33}
"""ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION."""
_NETWORK = {51, 53, 54, 55, 59, 64, 67, 121, 240, 1222, 1231, 1232, 1236}
"""The share's machine does not answer or has dropped the session. Python calls some of them 'no such file'."""
_CLOUD = {*range(362, 367), *range(374, 384), *range(389, 402), 404, 426, 4350, 4351}
"""ERROR_CLOUD_FILE_..., ERROR_FILE_OFFLINE, ERROR_REMOTE_STORAGE_NOT_ACTIVE."""


@unique
class ReparseKind(StrEnum):
    """What the walk does with a reparse point."""

    NONE = "none"
    LINK = "link"
    """A symbolic link, a junction, or what else is another name for something: the job's link policy decides."""
    SPECIAL = "special"
    """Without content of its own."""
    CONTENT = "content"
    """Read like any file (deduplicated, compressed, cloud); whether it is on the disk, its attributes say."""


def reparse_kind(tag: int) -> ReparseKind:
    """Result: what a file with this reparse tag is; 0 is no reparse point. An unknown tag is read like a file."""
    if tag == 0:
        return ReparseKind.NONE
    if tag in _SPECIAL_TAGS:
        return ReparseKind.SPECIAL
    return ReparseKind.LINK if tag & _NAME_SURROGATE else ReparseKind.CONTENT


def special_words(tag: int) -> str:
    """Result: what a special reparse point is, for people."""
    return _SPECIAL_TAGS[tag]


def is_placeholder(attributes: int) -> bool:
    """Result: whether reading the file would first fetch it from somewhere else."""
    return bool(attributes & _NOT_HERE)


def windows_fault(number: int | None) -> ErrorCode | None:
    """Result: what a system error number means where Python's errno says less or something else, None otherwise."""
    if number in _SHARING:
        return ErrorCode.SOURCE_LOCKED
    if number in _NETWORK:
        return ErrorCode.SOURCE_READ_FAILED
    return ErrorCode.SOURCE_OFFLINE if number in _CLOUD else None
