"""Reads two binary records that Windows gives for an open file: its streams, and its access list. Pure.

Layouts: [MS-FSCC] 2.4.44 FileStreamInformation, [MS-DTYP] 2.4.5 ACL and 2.4.6 SECURITY_DESCRIPTOR (self-relative).
Every function raises ValueError for a record that is cut off or leads nowhere.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_STREAM = struct.Struct("<IIqq")
_DESCRIPTOR = struct.Struct("<BBHIIII")
_ACL = struct.Struct("<BBHHH")
_ACE = struct.Struct("<BBH")
_DACL_PRESENT = 0x0004
_DACL_PROTECTED = 0x1000
_INHERITED = 0x10
_DATA = ":$DATA"


@dataclass(frozen=True, slots=True)
class Stream:
    """An alternate data stream: content beside a file's own, under a name of its own."""

    name: str
    size_bytes: int

    @property
    def is_mark_of_the_web(self) -> bool:
        """Result: whether the system wrote it, to say that the file was downloaded."""
        return self.name.casefold() == "zone.identifier"


def parse_streams(record: bytes) -> tuple[Stream, ...]:
    """Result: the alternate data streams; the file's own content, which has no name, is not among them."""
    found: list[Stream] = []
    at = 0
    while record:
        step, length, size, _ = _unpack(_STREAM, record, at)
        begin = at + _STREAM.size
        raw = record[begin : begin + length]
        if len(raw) != length or length % 2:
            raise ValueError("the record of a file's streams is cut off")
        name = raw.decode("utf-16-le", "surrogatepass").removesuffix(_DATA).removeprefix(":")
        if name:
            found.append(Stream(name, size))
        if not step:
            break
        if step < _STREAM.size:
            raise ValueError("the record of a file's streams leads back into itself")
        at += step
    return tuple(found)


def own_entries(descriptor: bytes) -> int:
    """Result: how many access entries are the file's own, not handed down by its folder.

    Where the inheritance is cut off, every entry is the file's own.
    """
    _, _, control, _, _, _, offset = _unpack(_DESCRIPTOR, descriptor, 0)
    if not control & _DACL_PRESENT or not offset:
        return 0
    _, _, _, count, _ = _unpack(_ACL, descriptor, offset)
    at, own = offset + _ACL.size, 0
    for _ in range(count):
        _, flags, size = _unpack(_ACE, descriptor, at)
        if size < _ACE.size or at + size > len(descriptor):
            raise ValueError("the access list is cut off")
        own += control & _DACL_PROTECTED != 0 or not flags & _INHERITED
        at += size
    return own


def _unpack(layout: struct.Struct, record: bytes, at: int) -> tuple[int, ...]:
    try:
        return layout.unpack_from(record, at)
    except struct.error as error:
        raise ValueError("the record is cut off") from error
