"""Connection strings to RockRMS's SQL Server, as people have them, and as the driver wants them.

Read: ADO.NET's and ODBC's keywords with all of their synonyms and quotes, and Rock's own web.ConnectionStrings.config,
pasted as it is. Nothing here ever shows a password.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, unique

from migrate_contract.rockrms import RockShown


@unique
class Encrypt(StrEnum):
    """How the connection is encrypted; set by the connection string."""

    NO = "no"
    """The login alone, as far as the server is able to."""
    YES = "yes"
    STRICT = "strict"
    """TLS before anything else (TDS 8.0)."""


@dataclass(frozen=True, slots=True)
class RockConnection:
    """What a connection string says."""

    host: str
    database: str
    user: str
    password: str = field(repr=False)
    port: int | None = None
    """None: 1433, or for an instance the one that SQL Server Browser names."""
    instance: str | None = None
    encrypt: Encrypt = Encrypt.YES
    trust_server_certificate: bool = False
    host_name_in_certificate: str | None = None
    server_certificate: str | None = None
    """A file with the only certificate that is accepted."""

    def odbc(self, *, port: int | None = None) -> str:
        """Result: the driver's connection string (it holds the password); `port` stands for the instance if given."""
        raise NotImplementedError

    def shown(self) -> RockShown:
        """Result: what may be shown: server, port, instance, database, user, encryption."""
        raise NotImplementedError


def read_connection_string(text: str) -> RockConnection:
    """Result: what `text` says. Raises Fatal(sql-connection-string-invalid) with what is wrong, never with a value."""
    raise NotImplementedError
