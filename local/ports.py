"""Free loopback ports for servers that must come back on the same port after a restart."""

from __future__ import annotations

import secrets
import socket

# Below the range that operating systems use for outgoing connections (from 32768 on Linux): otherwise a
# client could be given a server's port while that server restarts.
_LOWEST, _HIGHEST = 10_000, 32_000


class NoFreePort(Exception):
    """No free port was found in many tries."""


def free_ports(count: int) -> list[int]:
    """That many different free TCP ports on 127.0.0.1; raises NoFreePort."""
    held: list[socket.socket] = []
    try:
        for _ in range(100 * count):
            probe = socket.socket()
            try:
                probe.bind(("127.0.0.1", _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)))
            except OSError:
                probe.close()
                continue
            held.append(probe)
            if len(held) == count:
                return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()
    raise NoFreePort(f"no {count} free ports between {_LOWEST} and {_HIGHEST}")


def is_listening(port: int) -> bool:
    """Whether something accepts connections on that port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
