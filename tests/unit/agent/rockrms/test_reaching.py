"""From a name to a connection, with addresses that refuse, swallow and answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from migrate_agent.rockrms.connection_string import RockConnection
from migrate_agent.rockrms.deadline import Deadline
from migrate_agent.rockrms.reaching import Hosts, reach
from migrate_contract.errors import ErrorCode, Fatal

SECONDS = 0.4


def loopback(*last: int) -> Hosts:
    return [(socket.AF_INET, f"127.0.0.{number}") for number in last]


def wanted(port: int) -> RockConnection:
    return RockConnection("sql1", "RockRMS", "reader", "secret", port=port)


@pytest.fixture
def port() -> Iterator[int]:
    """127.0.0.2 swallows what comes, 127.0.0.3 answers, and the others refuse."""
    with ExitStack() as opened:
        answering = opened.enter_context(closing(socket.create_server(("127.0.0.3", 0))))
        number = answering.getsockname()[1]
        swallowing = opened.enter_context(closing(socket.socket()))
        swallowing.bind(("127.0.0.2", number))
        swallowing.listen(0)
        for _ in range(4):
            filler = opened.enter_context(closing(socket.socket()))
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.2", number))
        yield number


def test_all_addresses_are_tried_at_once(port: int) -> None:
    started = time.monotonic()
    reached = reach(wanted(port), Deadline(10), addresses=lambda _: loopback(1, 2, 3, 4))
    assert reached.port == port
    assert reached.connection.getpeername()[0] == "127.0.0.3"
    assert time.monotonic() - started < 5
    reached.connection.close()


def test_one_address_that_swallows_is_a_timeout_and_not_a_refusal(port: int) -> None:
    with pytest.raises(Fatal, match="no answer from sql1") as caught:
        reach(wanted(port), Deadline(SECONDS), addresses=lambda _: loopback(1, 2))
    assert caught.value.code is ErrorCode.SQL_TIMEOUT


def test_addresses_that_all_refuse(port: int) -> None:
    with pytest.raises(Fatal) as caught:
        reach(wanted(port), Deadline(5), addresses=lambda _: loopback(1, 4))
    assert caught.value.code is ErrorCode.SQL_REFUSED


def test_a_name_server_that_never_answers_is_not_waited_for() -> None:
    released = threading.Event()

    def hang(host: str) -> Hosts:
        released.wait(60)
        return loopback(1)

    started = time.monotonic()
    with pytest.raises(Fatal, match="no name server answers") as caught:
        reach(wanted(1433), Deadline(SECONDS), addresses=hang)
    released.set()
    assert caught.value.code is ErrorCode.SQL_HOST_NOT_FOUND
    assert time.monotonic() - started < 5


def test_what_is_no_name_is_not_found() -> None:
    for host in ("a..b", "x" * 300, "no such host"):
        with pytest.raises(Fatal) as caught:
            reach(RockConnection(host, "R", "u", "p", port=1433), Deadline(5))
        assert caught.value.code is ErrorCode.SQL_HOST_NOT_FOUND


def test_the_clock_is_an_argument() -> None:
    now = [100.0]
    deadline = Deadline(10, lambda: now[0])
    part = deadline.at_most(4)
    now[0] += 3
    assert (deadline.left, part.left, deadline.passed) == (7, 1, 3)
    now[0] += 30
    assert (deadline.left, part.left) == (0, 0)
    with pytest.raises(TimeoutError):
        deadline.require()
