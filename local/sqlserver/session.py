"""One client's connection after its login: batches, remote procedure calls, transactions."""

from __future__ import annotations

import logging
import re
import sqlite3
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.sqlserver import tokens
from local.sqlserver.execution import Attention, ConnectionCut, Execution
from local.sqlserver.faults import Faults
from local.sqlserver.framing import Channel, Disconnected, PacketType, Reply
from local.sqlserver.parameters import Reader, Value, read_value
from local.sqlserver.sql_error import NotUnderstood, SqlError
from local.sqlserver.sql_types import SqlType, UnknownType, declared
from local.sqlserver.tokens import Done, DoneToken

_log = logging.getLogger(__name__)
_RESET_BITS = 0x18
_MAX_PARAMETERS = 2100
_PROCEDURES = {10: "sp_executesql", 11: "sp_prepare", 12: "sp_execute", 13: "sp_prepexec", 15: "sp_unprepare"}
_SET = re.compile(
    r"\s*SET\s+(?:TRANSACTION\s+ISOLATION\s+LEVEL\s+(?P<level>READ\s+COMMITTED|READ\s+UNCOMMITTED|REPEATABLE\s+READ|"
    r"SNAPSHOT|SERIALIZABLE)|(?:NOCOUNT|QUOTED_IDENTIFIER|ANSI_NULLS|ANSI_WARNINGS|ANSI_PADDING|ANSI_NULL_DFLT_ON|"
    r"ANSI_DEFAULTS|ARITHABORT|CONCAT_NULL_YIELDS_NULL|CURSOR_CLOSE_ON_COMMIT|IMPLICIT_TRANSACTIONS|XACT_ABORT|"
    r"NUMERIC_ROUNDABORT|FMTONLY|NO_BROWSETABLE)\s+(?:ON|OFF)|"
    r"(?:TEXTSIZE|LOCK_TIMEOUT|ROWCOUNT|DEADLOCK_PRIORITY|DATEFORMAT|DATEFIRST|LANGUAGE)\s+[-\w']+)\s*(?:;|\n|$|(?=\bSET\b))",
    re.IGNORECASE,
)
_USE = re.compile(r"\s*USE\s+\[?([^\];]+?)\]?\s*;?\s*", re.IGNORECASE)
_TRANSACTION = re.compile(
    r"\s*(?:IF\s+@@TRANCOUNT\s*(?:>|<>|=)\s*0\s+)?(?P<word>BEGIN|COMMIT|ROLLBACK)(?:\s+(?:TRAN|TRANSACTION|WORK))?\s*;?"
    r"(?:\s*SET\s+IMPLICIT_TRANSACTIONS\s+(?:ON|OFF)\s*;?)?\s*",
    re.IGNORECASE,
)
_DECLARED = re.compile(r"@(\w+)\s+(?:AS\s+)?(\[?\w+]?\s*(?:\([^)]*\))?)", re.IGNORECASE)
_TRANSACTION_ID = 0x3200000001


@dataclass(frozen=True, slots=True)
class _Prepared:
    sql: str
    types: dict[str, SqlType]


class Session:
    """Answers one client until it leaves. `statements` gets every statement's text."""

    def __init__(
        self, channel: Channel, execution: Execution, connection: sqlite3.Connection, faults: Faults, database: str
    ) -> None:
        self._channel = channel
        self._execution = execution
        self._connection = connection
        self._faults = faults
        self._database = database
        self._prepared: dict[int, _Prepared] = {}
        self._last_handle = 0
        self._in_transaction = False
        self._snapshot = False
        self.statements: list[str] = []
        self._wait: Callable[[float], bool] = lambda _: False

    @property
    def transaction_count(self) -> int:
        """Result: @@TRANCOUNT."""
        return int(self._in_transaction)

    def serve(self, heard: list[str], wait: Callable[[float], bool]) -> None:
        """Answer until the client leaves (Disconnected) or a fault cuts it off.

        `heard` gets the statements; `wait` waits so many seconds and says whether the server stops.
        """
        self.statements, self._wait = heard, wait
        while True:
            kind, status, data = self._channel.read_message()
            if status & _RESET_BITS:
                self._prepared.clear()
            reply = Reply(self._channel)
            try:
                self._answer(kind, data, reply)
            except ConnectionCut:
                self._channel.cut()
                raise Disconnected("cut by a fault") from None
            except Attention:
                reply.write(tokens.done(Done.ATTENTION, command=0))
            except SqlError as error:
                _log.info("%s", error)
                reply.write(tokens.error(error) + tokens.done(Done.ERROR))
            reply.finish()

    def _answer(self, kind: int, data: bytes, reply: Reply) -> None:
        if kind == PacketType.ATTENTION:
            reply.write(tokens.done(Done.ATTENTION, command=0))
        elif kind == PacketType.TRANSACTION:
            self._transaction_request(data, reply)
        elif kind == PacketType.SQL_BATCH:
            (headers,) = struct.unpack_from("<I", data)
            self._batch(data[headers:].decode("utf-16-le"), reply)
        elif kind == PacketType.RPC:
            (headers,) = struct.unpack_from("<I", data)
            self._call(Reader(data, headers), reply)
        else:
            raise SqlError(4002, f"The request type 0x{kind:02x} is not known.")

    # Batches

    def _batch(self, sql: str, reply: Reply) -> None:
        self.statements.append(sql)
        rest = sql.strip()
        while (setting := _SET.match(rest)) is not None:
            if setting["level"]:
                self._snapshot = "SNAPSHOT" in setting["level"].upper()
            rest = rest[setting.end() :].strip()
        if not rest:
            reply.write(tokens.done(command=0xBE))
        elif (use := _USE.fullmatch(rest)) is not None:
            self._use(use[1], reply)
        elif (transaction := _TRANSACTION.fullmatch(rest)) is not None:
            self._transaction(begins=transaction["word"].upper() == "BEGIN")
            reply.write(tokens.done(command=0))
        else:
            rows = self._select(rest.rstrip(";"), {}, {}, reply)
            reply.write(tokens.done(Done.COUNT, rows))

    def _use(self, name: str, reply: Reply) -> None:
        if name.lower() not in (self._database.lower(), "master"):
            raise SqlError(911, f"Database '{name}' does not exist. Make sure that the name is entered correctly.")
        change = tokens.environment_change(1, tokens.short_text(name), tokens.short_text(self._database))
        reply.write(change + tokens.info(5701, f"Changed database context to '{name}'.") + tokens.done(command=0))

    def _select(self, sql: str, types: Mapping[str, SqlType], values: Mapping[str, Value], reply: Reply) -> int:
        if (delay := self._faults.delay_of(sql)) and self._wait(delay):
            raise Disconnected("the server stops")
        if self._snapshot and not self._faults.snapshot_allowed:
            raise SqlError(
                3952,
                f"Snapshot isolation transaction failed accessing database '{self._database}' because snapshot "
                "isolation is not allowed in this database.",
            )
        if self._snapshot and self._in_transaction and not self._connection.in_transaction:
            self._connection.execute("BEGIN")
        return self._execution.select(sql, types, values, reply, self._attention)

    def _attention(self) -> bool:
        if not self._channel.has_input(0):
            return False
        kind, _, _ = self._channel.read_message()
        if kind != PacketType.ATTENTION:
            raise Disconnected("a request in the middle of an answer")
        return True

    # Transactions

    def _transaction(self, *, begins: bool) -> None:
        if not begins and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._in_transaction = begins

    def _transaction_request(self, data: bytes, reply: Reply) -> None:
        (headers,) = struct.unpack_from("<I", data)
        (kind,) = struct.unpack_from("<H", data, headers)
        number = b"\x08" + struct.pack("<Q", _TRANSACTION_ID)
        if kind == 5:
            self._transaction(begins=True)
            reply.write(tokens.environment_change(8, number, b"\0"))
        elif kind in (7, 8):
            self._transaction(begins=False)
            reply.write(tokens.environment_change(9 if kind == 7 else 10, b"\0", number))
        else:
            raise SqlError(4002, f"The transaction request {kind} is not known.")
        reply.write(tokens.done(command=0))

    # Remote procedure calls

    def _call(self, reader: Reader, reply: Reply) -> None:
        length = reader.number(2)
        if length == 0xFFFF:
            number = reader.number(2)
            name = _PROCEDURES.get(number, f"procedure {number}")
        else:
            name = reader.take(2 * length).decode("utf-16-le").lower()
        reader.take(2)
        given: list[tuple[str, Value]] = []
        while reader.more:
            if reader.peek() in (0x80, 0xFE, 0xFF):
                raise NotUnderstood("several calls in one message")
            parameter = reader.short_text()
            reader.take(1)
            given.append((parameter, read_value(reader)))
        if len(given) > _MAX_PARAMETERS:
            raise SqlError(
                8003, f"Too many parameters were provided in this RPC request. The maximum is {_MAX_PARAMETERS}."
            )
        rows, extra = self._procedure(name, given, reply)
        if rows is not None:
            reply.write(tokens.done(Done.MORE | Done.COUNT, rows, token=DoneToken.IN_PROCEDURE))
        reply.write(tokens.RETURN_STATUS + extra + tokens.done(command=0xE0, token=DoneToken.PROCEDURE))

    def _procedure(self, name: str, given: list[tuple[str, Value]], reply: Reply) -> tuple[int | None, bytes]:
        values = [value for _, value in given]
        if name == "sp_executesql":
            found = _Prepared(_text(values[0]), _types(_text(values[1]) if len(values) > 1 else ""))
            return self._execute(found, given[2:], reply), b""
        if name in ("sp_prepexec", "sp_prepare"):
            found = _Prepared(_text(values[2]), _types(_text(values[1] or "")))
            self._last_handle += 1
            self._prepared[self._last_handle] = found
            rows = self._execute(found, given[3:], reply) if name == "sp_prepexec" else None
            return rows, tokens.return_handle(self._last_handle)
        if name == "sp_execute":
            known = self._prepared.get(values[0] if isinstance(values[0], int) else -1)
            if known is None:
                raise SqlError(8179, f"Could not find prepared statement with handle {values[0]!r}.")
            return self._execute(known, given[1:], reply), b""
        if name == "sp_unprepare":
            self._prepared.pop(values[0] if isinstance(values[0], int) else -1, None)
            return None, b""
        raise SqlError(2812, f"Could not find stored procedure '{name}'.")

    def _execute(self, prepared: _Prepared, given: list[tuple[str, Value]], reply: Reply) -> int:
        self.statements.append(prepared.sql)
        names = list(prepared.types)
        values = {
            (name.lstrip("@").lower() or names[place]): value
            for place, (name, value) in enumerate(given)
            if name or place < len(names)
        }
        missing = [name for name in names if name not in values]
        if missing:
            raise SqlError(
                8178, f"The parameterized query expects the parameter '@{missing[0]}', which was not supplied."
            )
        return self._select(prepared.sql.strip().rstrip(";"), prepared.types, values, reply)


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise SqlError(214, "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'.")
    return value


def _types(declarations: str) -> dict[str, SqlType]:
    types = {}
    for name, written in _DECLARED.findall(declarations):
        try:
            types[name.lower()] = declared(written)
        except UnknownType:
            raise SqlError(2715, f"Cannot find data type {written}.") from None
    return types
