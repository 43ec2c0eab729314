"""The server: its address, its settings, and one thread for each connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum, unique
from pathlib import Path

from local.certificates import Certificates
from local.sqlserver.faults import Faults


@unique
class Encryption(StrEnum):
    """What the server offers; set by whoever starts it."""

    OPTIONAL = "optional"
    """The whole connection if the client asks for it, else the login alone."""
    NONE = "none"
    """Not even the login: a client that insists is refused."""
    REQUIRED = "required"
    """Every connection as a whole."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who may sign in."""

    user: str = "rock_reader"
    password: str = field(default="P@ss;w0rd}'\"", repr=False)


class SqlServer:
    """One server over one SQLite file, in threads of this process. Others may write to the file meanwhile."""

    def __init__(
        self,
        database: Path,
        *,
        certificates: Certificates | None = None,
        encryption: Encryption = Encryption.OPTIONAL,
        login: Login | None = None,
        name: str = "RockRMS",
        port: int = 0,
        prepared_answers: Path | None = None,
    ) -> None:
        """Describe it; nothing listens before `start`.

        `name` is the database's name on the wire. Without certificates nothing is encrypted. `prepared_answers` is a
        folder in which every answer is kept as it went over the wire, to be given again without work: for a benchmark,
        over a database that does not change.
        """
        self.faults = Faults()
        self.port = port
        """The port; after `start` the real one."""

    def start(self) -> None:
        """Listen on 127.0.0.1; returns when connections are accepted."""
        raise NotImplementedError

    def stop(self) -> None:
        """Close every connection and the port."""
        raise NotImplementedError

    def connection_string(self, **changes: str) -> str:
        """Result: an ADO.NET connection string for it (server, database, user, password, encryption)."""
        raise NotImplementedError

    @property
    def statements(self) -> Sequence[str]:
        """Result: every statement that was asked so far, as it came."""
        raise NotImplementedError
