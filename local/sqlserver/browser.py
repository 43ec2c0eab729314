"""SQL Server Browser (MC-SQLR): says over UDP which port a named instance listens on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping

_ASKED = 0x04
_ANSWER = 0x05
_JOIN_SECONDS = 5.0


class SqlBrowser:
    """Answers for instances given by name; a port of None is an instance whose TCP/IP is turned off."""

    def __init__(self, instances: Mapping[str, int | None], port: int = 0) -> None:
        """Describe it; nothing listens before `start`. After it, `port` is the real one."""
        self._instances = {name.lower(): (name, number) for name, number in instances.items()}
        self.port = port
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen on 127.0.0.1."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(self._socket,), name="sql-browser", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        if self._socket is not None and self._thread is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._thread.join(_JOIN_SECONDS)

    def __enter__(self) -> SqlBrowser:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                asked, sender = listening.recvfrom(4096)
            except OSError:
                return
            if not sender or not asked or asked[0] != _ASKED:
                # A shutdown wakes the call with nothing.
                if not asked:
                    return
                continue
            found = self._instances.get(asked[1:].rstrip(b"\0").decode("utf-8", "replace").lower())
            if found is not None:
                listening.sendto(_entry(*found), sender)


def _entry(name: str, port: int | None) -> bytes:
    text = f"ServerName;ROCKSQL;InstanceName;{name};IsClustered;No;Version;16.0.4135.4;"
    raw = (text + (f"tcp;{port};;" if port is not None else "np;\\\\ROCKSQL\\pipe\\sql;;")).encode()
    return bytes([_ANSWER]) + len(raw).to_bytes(2, "little") + raw
