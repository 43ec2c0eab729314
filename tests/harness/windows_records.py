"""Binary records as Windows lays them out, for tests of what reads them."""

from __future__ import annotations

import struct


def stream_record(*streams: tuple[str, int]) -> bytes:
    """FileStreamInformation as Windows lays it out: each entry padded to 8 bytes, the last one's step 0."""
    record = b""
    for index, (name, size) in enumerate(streams):
        raw = name.encode("utf-16-le")
        length = 24 + len(raw)
        padded = -(-length // 8) * 8
        step = 0 if index == len(streams) - 1 else padded
        record += (struct.pack("<IIqq", step, len(raw), size, size) + raw).ljust(padded, b"\0")
    return record


def descriptor(*flags: int, control: int = 0x8004) -> bytes:
    """A self-relative security descriptor with one allowing entry for Everyone per flag."""
    sid = bytes([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
    entries = b"".join(struct.pack("<BBHI", 0, flag, 8 + len(sid), 0x1200A9) + sid for flag in flags)
    access = struct.pack("<BBHHH", 2, 0, 8 + len(entries), len(flags), 0) + entries
    return struct.pack("<BBHIIII", 1, 0, control, 0, 0, 0, 20) + access
