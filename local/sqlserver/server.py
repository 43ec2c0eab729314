"""The server: its address, its settings, and one thread for each connection."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import socket
import sqlite3
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, unique
from pathlib import Path

from local.certificates import Certificates
from local.sqlserver import handshake, tokens
from local.sqlserver.catalog import Catalog
from local.sqlserver.cells import Cell, moment_text
from local.sqlserver.execution import Execution, Translations, open_connection
from local.sqlserver.faults import Faults
from local.sqlserver.framing import Channel, Disconnected
from local.sqlserver.prepared_answers import PreparedAnswers
from local.sqlserver.session import Session
from local.sqlserver.sql_error import SqlError

_log = logging.getLogger(__name__)
_JOIN_SECONDS = 10.0
_NOT_TDS = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_VERSION = f"Microsoft SQL Server 2022 (RTM-CU15) - {tokens.PRODUCT_VERSION} (X64), a server for tests"


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
        self.host = "127.0.0.1"
        self.login = login or Login()
        self.name = name
        self.encryption = encryption if certificates is not None else Encryption.NONE
        self.certificates = certificates
        self._path = database
        self._terms = _terms(certificates, self.encryption)
        self.tls = self._terms.tls
        """What clients of TDS 7.4 meet; a test may narrow it."""
        self._prepared = PreparedAnswers(prepared_answers) if prepared_answers is not None else None
        self._translations = Translations()
        self._statements: list[str] = []
        self._listener: socket.socket | None = None
        self._open: dict[socket.socket, sqlite3.Connection | None] = {}
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Listen on 127.0.0.1; returns when connections are accepted."""
        self._stopped.clear()
        self._listener = socket.create_server((self.host, self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._run(self._accept, self._listener)

    def stop(self) -> None:
        """Close every connection and the port."""
        self._stopped.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        with self._lock:
            for connection, database in self._open.items():
                if database is not None:
                    database.interrupt()
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(_JOIN_SECONDS)

    def __enter__(self) -> SqlServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def connection_string(self, **changes: str) -> str:
        """Result: an ADO.NET connection string for it; `changes` replace or add keywords (`Database="Other"`)."""
        parts = {
            "Server": f"{self.host},{self.port}",
            "Database": self.name,
            "User Id": self.login.user,
            "Password": self.login.password,
            "Encrypt": "false" if self.encryption is Encryption.NONE else "true",
            "TrustServerCertificate": "true",
            **{name.replace("_", " "): value for name, value in changes.items()},
        }
        return ";".join(f"{name}={_ado_value(value)}" for name, value in parts.items())

    @property
    def statements(self) -> Sequence[str]:
        """Result: every statement that was asked so far, as it came."""
        return tuple(self._statements)

    # Connections

    def _run(self, target: Callable[[socket.socket], None], connection: socket.socket) -> None:
        def body() -> None:
            try:
                target(connection)
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=body, name=f"sqlserver-{self.port}", daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open[connection] = None
        try:
            self._converse(connection)
        except (Disconnected, OSError) as error:
            _log.info("a connection ended: %s", error)
        finally:
            with self._lock:
                database = self._open.pop(connection, None)
            if database is not None:
                database.close()
            connection.close()

    def _converse(self, connection: socket.socket) -> None:
        if self.faults.silent:
            self._stopped.wait()
            return
        if self.faults.speaks_http:
            connection.recv(4096)
            connection.sendall(_NOT_TDS)
            return
        channel = Channel(connection)
        asked = handshake.agree(channel, self._terms, connection.recv(1, socket.MSG_PEEK))
        if asked is None or self._refused(channel, asked):
            return
        handshake.accept(channel, asked, self.name)
        session_functions, facts = self._session_functions(asked.user)
        plain = open_connection(self._path, None, {})
        catalog = Catalog(plain, self.name)
        plain.close()
        facts.catalog = catalog
        database = open_connection(self._path, catalog, session_functions)
        with self._lock:
            self._open[connection] = database
        execution = Execution(database, catalog, self._translations, self.faults, self._prepared)
        facts.session = Session(channel, execution, database, self.faults, self.name)
        facts.session.serve(self._statements, self._stopped.wait)

    def _refused(self, channel: Channel, asked: handshake.LoginAsked) -> bool:
        failed = SqlError(18456, f"Login failed for user '{asked.user}'.", severity=14)
        if asked.user.lower() != self.login.user.lower() or asked.password != self.login.password:
            handshake.refuse(channel, failed)
            return True
        if asked.database.lower() not in ("", self.name.lower(), "master"):
            message = f'Cannot open database "{asked.database}" requested by the login. The login failed.'
            handshake.refuse(channel, SqlError(4060, message, severity=11), failed)
            return True
        return False

    def _session_functions(self, user: str) -> tuple[dict[str, tuple[int, Callable[..., Cell]]], _Facts]:
        facts = _Facts(self.faults)
        return {
            "session_serverproperty": (1, lambda name: _PROPERTIES.get(str(name).lower())),
            "session_db_name": (-1, lambda *_: self.name),
            "session_user": (-1, lambda *_: user),
            "session_variable": (1, facts.variable),
            "session_has_perms": (-1, facts.has_permission),
            "session_object_id": (-1, facts.object_id),
            "session_col_length": (2, facts.column_length),
            "session_now": (0, lambda: moment_text(dt.datetime.now(), 3)),  # noqa: DTZ005 - church-local
        }, facts


_PROPERTIES: dict[str, Cell] = {
    "productversion": tokens.PRODUCT_VERSION,
    "productlevel": "RTM",
    "edition": "Developer Edition (64-bit)",
    "engineedition": "3",
    "servername": tokens.SERVER_NAME,
    "collation": "SQL_Latin1_General_CP1_CI_AS",
}


class _Facts:
    """What functions of a statement may ask about the session and the catalog."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.catalog: Catalog | None = None
        self.session: Session | None = None

    def variable(self, name: str) -> Cell:
        count = self.session.transaction_count if self.session is not None else 0
        known: dict[str, Cell] = {
            "VERSION": _VERSION,
            "SERVERNAME": tokens.SERVER_NAME,
            "SPID": 51,
            "TRANCOUNT": count,
            "SNAPSHOT": int(self._faults.snapshot_allowed),
        }
        return known.get(name)

    def _table(self, name: object) -> str | None:
        table = str(name).rsplit(".", maxsplit=1)[-1].strip("[]").lower()
        return table if self.catalog is not None and table in self.catalog.tables else None

    def has_permission(self, securable: object, kind: object, permission: object, *_: object) -> int | None:
        if str(kind).upper() != "OBJECT" or str(permission).upper() != "SELECT":
            return None
        table = self._table(securable)
        return None if table is None else int(table not in self._faults.denied)

    def object_id(self, name: object, *_: object) -> int | None:
        table = self._table(name)
        return None if table is None or self.catalog is None else list(self.catalog.tables).index(table) + 1000

    def column_length(self, name: object, column: object) -> int | None:
        table = self._table(name)
        if table is None or self.catalog is None or str(column).lower() not in self.catalog.tables[table].columns:
            return None
        return 8


def _terms(certificates: Certificates | None, encryption: Encryption) -> handshake.Terms:
    if certificates is None or encryption is Encryption.NONE:
        return handshake.Terms(None, None, required=False)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates.chain_file, certificates.key_file)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    strict.load_cert_chain(certificates.chain_file, certificates.key_file)
    strict.set_alpn_protocols(["tds/8.0"])
    return handshake.Terms(tls, strict, required=encryption is Encryption.REQUIRED)


def _ado_value(value: str) -> str:
    if any(character in value for character in ";'\"= {}"):
        return '"' + value.replace('"', '""') + '"'
    return value
