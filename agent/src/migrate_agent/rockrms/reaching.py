"""From a server's name to an open TCP connection: names, addresses, named instances; within a deadline.

All addresses of a name are tried at once, since any of them may be a black hole. A name server that does not answer
blocks only a thread that nobody waits for.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from migrate_agent.rockrms.connection_string import DEFAULT_PORT, RockConnection
from migrate_agent.rockrms.deadline import Deadline
from migrate_contract.errors import ErrorCode, Fatal

BROWSER_PORT = 1434
_NAME_SECONDS = 4.0
_BROWSER_SECONDS = 2.0
_BROWSER_TRY_SECONDS = 0.6
_CONNECT_SECONDS = 5.0
_ASK_FOR_INSTANCE = b"\x04"
_BROWSER_ANSWER = 0x05
_BROWSER_HEADER_BYTES = 3
_PENDING = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK)})
_REFUSED = frozenset({errno.ECONNREFUSED, getattr(errno, "WSAECONNREFUSED", errno.ECONNREFUSED)})

Hosts = list[tuple[socket.AddressFamily, str]]
"""A name's addresses, each with its family."""


@dataclass(frozen=True, slots=True)
class Reached:
    """An open connection, and the port that it goes to."""

    connection: socket.socket
    port: int


def system_addresses(host: str) -> Hosts:
    """Result: a name's addresses, from the hosts file or the DNS. Raises OSError, after any time at all."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"not a host name ({error})") from error
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def reach(
    wanted: RockConnection,
    deadline: Deadline,
    *,
    browser_port: int = BROWSER_PORT,
    addresses: Callable[[str], Hosts] = system_addresses,
) -> Reached:
    """Result: a connection to the server's port.

    Raises Fatal: sql-host-not-found, sql-instance-not-found, sql-refused, sql-timeout.
    """
    hosts = _resolved(wanted.host, deadline, addresses)
    port = wanted.port
    if port is None:
        port = DEFAULT_PORT if wanted.instance is None else _port_of(wanted, hosts, deadline, browser_port)
    return Reached(_connected(wanted.host, port, hosts, deadline.at_most(_CONNECT_SECONDS)), port)


def _resolved(host: str, deadline: Deadline, addresses: Callable[[str], Hosts]) -> Hosts:
    answers: SimpleQueue[Hosts | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(addresses(host))
        except OSError as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.001, deadline.at_most(_NAME_SECONDS).left))
    except Empty:
        raise Fatal(ErrorCode.SQL_HOST_NOT_FOUND, f"no name server answers for {host!r}") from None
    if isinstance(answer, OSError) or not answer:
        reason = getattr(answer, "strerror", None) or "no address"
        raise Fatal(ErrorCode.SQL_HOST_NOT_FOUND, f"{host!r}: {reason}")
    return answer


# Named instances (MC-SQLR)


def _port_of(wanted: RockConnection, hosts: Hosts, deadline: Deadline, browser_port: int) -> int:
    """The TCP port that SQL Server Browser names for the instance."""
    assert wanted.instance is not None
    asked = deadline.at_most(_BROWSER_SECONDS)
    while asked.left > 0:
        for family, host in hosts:
            answer = _browser_answer(family, (host, browser_port), wanted.instance, asked)
            if answer is not None:
                return _port_in(answer, wanted)
    raise Fatal(
        ErrorCode.SQL_INSTANCE_NOT_FOUND,
        f"nothing answers on {wanted.host}, UDP port {browser_port}, for the instance {wanted.instance}",
    )


def _browser_answer(
    family: socket.AddressFamily, address: tuple[str, int], instance: str, deadline: Deadline
) -> str | None:
    with socket.socket(family, socket.SOCK_DGRAM) as browser:
        browser.settimeout(max(0.01, min(_BROWSER_TRY_SECONDS, deadline.left)))
        try:
            browser.connect(address)
            browser.send(_ASK_FOR_INSTANCE + instance.encode() + b"\0")
            raw = browser.recv(65_535)
        except TimeoutError:
            return None
        except OSError:
            # Nothing listens there, or no way leads there: no reason to ask again and again.
            _wait_a_little(deadline)
            return None
    if len(raw) <= _BROWSER_HEADER_BYTES or raw[0] != _BROWSER_ANSWER:
        return None
    return raw[_BROWSER_HEADER_BYTES:].decode("utf-8", "replace")


def _wait_a_little(deadline: Deadline) -> None:
    threading.Event().wait(min(0.2, deadline.left))


def _port_in(answer: str, wanted: RockConnection) -> int:
    for entry in answer.split(";;"):
        words = entry.split(";")
        facts = {name.lower(): value for name, value in zip(words[::2], words[1::2], strict=False)}
        if facts.get("instancename", "").lower() == (wanted.instance or "").lower():
            with contextlib.suppress(KeyError, ValueError):
                return int(facts["tcp"])
            raise Fatal(ErrorCode.SQL_REFUSED, f"the instance {wanted.instance} on {wanted.host} has TCP/IP turned off")
    raise Fatal(ErrorCode.SQL_INSTANCE_NOT_FOUND, f"{wanted.host} has no instance {wanted.instance}")


# Connecting


def _connected(host: str, port: int, hosts: Hosts, deadline: Deadline) -> socket.socket:
    """The first connection that opens; the others are dropped."""
    waiting = selectors.DefaultSelector()
    failures: list[OSError] = []
    try:
        for family, address in hosts:
            one = socket.socket(family, socket.SOCK_STREAM)
            one.setblocking(False)
            begun = one.connect_ex((address, port))
            if begun == 0 or begun in _PENDING:
                waiting.register(one, selectors.EVENT_WRITE)
            else:
                one.close()
                failures.append(OSError(begun, errno.errorcode.get(begun, str(begun))))
        while waiting.get_map() and deadline.left > 0:
            for key, _ in waiting.select(deadline.left):
                found = key.fileobj
                assert isinstance(found, socket.socket)
                waiting.unregister(found)
                code = found.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == 0:
                    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    return found
                found.close()
                failures.append(OSError(code, errno.errorcode.get(code, str(code))))
        unanswered = len(waiting.get_map())
    finally:
        for key in list(waiting.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            waiting.unregister(key.fileobj)
            key.fileobj.close()
        waiting.close()
    raise _not_connected(host, port, hosts, failures, unanswered)


def _not_connected(
    host: str,
    port: int,
    hosts: Hosts,
    failures: list[OSError],
    unanswered: int,
) -> Fatal:
    where = f"{host}, port {port}"
    if not unanswered and failures and all(failure.errno in _REFUSED for failure in failures):
        return Fatal(ErrorCode.SQL_REFUSED, f"nothing listens on {where}")
    here = own_address(hosts, port)
    from_here = f", asked from this agent at {here}" if here else ""
    if unanswered:
        return Fatal(ErrorCode.SQL_TIMEOUT, f"no answer from {where}{from_here}")
    reasons = ", ".join(sorted({str(failure.strerror) for failure in failures}))
    return Fatal(ErrorCode.SQL_TIMEOUT, f"no way leads to {where} ({reasons}){from_here}")


def own_address(hosts: Hosts, port: int) -> str | None:
    """Result: the address of this machine that the server's firewall sees, None where no route exists."""
    for family, address in hosts:
        with socket.socket(family, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            probe.connect((address, port))
            return str(probe.getsockname()[0])
    return None
