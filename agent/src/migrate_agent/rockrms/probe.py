"""Test Connection: one look at RockRMS's SQL Server that says exactly which step failed, and what to do.

The steps are name, port, protocol, encryption, certificate, login, database, permissions, RockRMS. All of it takes at
most ten seconds, whatever the network does. Nothing is written, and nothing of the church's people is read.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import replace

from migrate_agent.redaction import redactor
from migrate_agent.rockrms.connection_string import DEFAULT_PORT, RockConnection
from migrate_agent.rockrms.deadline import Deadline
from migrate_agent.rockrms.reaching import BROWSER_PORT, reach
from migrate_agent.rockrms.rock_look import Findings, look
from migrate_agent.rockrms.tds_answers import NotTds
from migrate_agent.rockrms.tds_client import EncryptionRefused, ServerError, TdsClient
from migrate_contract.errors import CATALOGUE, ErrorCode, Fatal
from migrate_contract.rockrms import RockTestReport

PROBE_SECONDS = 9.5
"""A little less than the ten that are promised: the rest is for starting and for closing."""
_MAX_ROUTES = 2
_DATABASE_NOT_OPENED = frozenset({4060, 4063, 4064, 911, 916, 40532})
_DETAIL_CHARACTERS = 1_500

Say = Callable[[str], None]
"""Hears which step begins."""


def _silence(step: str) -> None:
    """Nobody listens."""


def probe_rock(
    connection: RockConnection,
    *,
    seconds: float = PROBE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    browser_port: int = BROWSER_PORT,
    say: Say = _silence,
) -> RockTestReport:
    """Result: what was found within `seconds`; `code`, `detail` and `fix` are set where something is wrong."""
    redactor.hide(connection.password)
    deadline = Deadline(seconds, clock)
    found = Findings(connection.shown())
    try:
        _look_at(connection, deadline, found, browser_port, say)
    except Fatal as error:
        return found.report(deadline.passed, error)
    return found.report(deadline.passed, None)


def _look_at(connection: RockConnection, deadline: Deadline, found: Findings, browser_port: int, say: Say) -> None:
    client = None
    try:
        client, port = _signed_in(connection, deadline, browser_port, say)
        found.shown = found.shown.model_copy(update={"port": port})
        found.sql_version, found.encrypted = client.version, client.encrypted
        say("reading what is in the database")
        look(client, connection, deadline, found)
    except TimeoutError:
        step = "it signs us in, and then answers too slowly" if client is not None else "it does not answer"
        raise Fatal(ErrorCode.SQL_TIMEOUT, f"{_where(connection)}: {step}") from None
    except ServerError as error:
        raise Fatal(ErrorCode.SQL_QUERY_REFUSED, f"{_where(connection)}: {_words(error)}") from error
    except (NotTds, OSError) as error:
        raise Fatal(ErrorCode.SQL_CONNECTION_LOST, f"{_where(connection)}: {error}") from error
    finally:
        if client is not None:
            client.close()


def _signed_in(wanted: RockConnection, deadline: Deadline, browser_port: int, say: Say) -> tuple[TdsClient, int]:
    """A client that is signed in, and the port it is connected to. Raises Fatal."""
    for _ in range(_MAX_ROUTES):
        say(f"connecting to {_where(wanted)}")
        reached = reach(wanted, deadline, browser_port=browser_port)
        client = TdsClient(reached.connection, wanted, deadline)
        try:
            say(f"signing in as {wanted.user}")
            elsewhere = client.sign_in()
        except BaseException as error:
            client.close()
            if isinstance(error, (TimeoutError, ServerError, NotTds, EncryptionRefused, OSError)):
                raise _refused(wanted, reached.port, error) from error
            raise
        if elsewhere is None:
            return client, reached.port
        client.close()
        host, port = elsewhere
        wanted = replace(wanted, host=host, port=port, instance=None)
    raise Fatal(ErrorCode.SQL_CONNECTION_LOST, f"{_where(wanted)}: each server sends us to another one")


def _refused(wanted: RockConnection, port: int, error: Exception) -> Fatal:
    where = f"{wanted.host}, port {port}"
    if isinstance(error, ServerError):
        return _login_refused(wanted, error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Fatal(ErrorCode.SQL_CERTIFICATE_UNTRUSTED, f"{where}: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return Fatal(ErrorCode.SQL_ENCRYPTION_REFUSED, f"{where}: TLS fails ({error.reason or 'handshake'})")
    if isinstance(error, EncryptionRefused):
        return Fatal(ErrorCode.SQL_ENCRYPTION_REFUSED, f"{where}: {error}")
    if isinstance(error, TimeoutError):
        return Fatal(
            ErrorCode.SQL_TIMEOUT,
            f"{where} accepts the connection and then says nothing: a firewall in between, a server that hangs, or no "
            "SQL Server at all",
        )
    if isinstance(error, NotTds):
        return Fatal(ErrorCode.NOT_A_SQL_SERVER, f"{where}: {error}")
    if isinstance(error, FileNotFoundError):
        return Fatal(ErrorCode.SQL_CONNECTION_STRING_INVALID, "the file that ServerCertificate names is not there")
    return Fatal(ErrorCode.SQL_CONNECTION_LOST, f"{where}: the connection breaks while signing in ({error})")


def _login_refused(wanted: RockConnection, error: ServerError) -> Fatal:
    if error.numbers & _DATABASE_NOT_OPENED:
        return Fatal(ErrorCode.SQL_DATABASE_NOT_FOUND, f"{wanted.database!r} on {_where(wanted)}: {_words(error)}")
    return Fatal(ErrorCode.SQL_LOGIN_FAILED, f"{wanted.user!r} at {_where(wanted)}: {_words(error)}")


def _words(error: ServerError) -> str:
    number, message = error.errors[0]
    return f"{message} (error {number})"


def _where(wanted: RockConnection) -> str:
    if wanted.port is None and wanted.instance is not None:
        return f"{wanted.host}\\{wanted.instance}"
    return f"{wanted.host}, port {wanted.port or DEFAULT_PORT}"


def failed(code: ErrorCode, detail: str) -> RockTestReport:
    """Result: a report of a test that could not even begin (no connection string, or one that cannot be read)."""
    return RockTestReport(code=code.value, detail=detail[:_DETAIL_CHARACTERS], fix=CATALOGUE[code].fix)
