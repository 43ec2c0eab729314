"""When heartbeats are sent: the server's interval, and what becomes of it while nobody answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from migrate_agent.control.answers import Unreachable
from migrate_agent.control.retry import Backoff
from migrate_agent.control.session import Session
from migrate_agent.runtime.heartbeat import Heartbeat, Vitals
from migrate_agent.runtime.status import Status
from migrate_contract.agents import HeartbeatRequest, HeartbeatResponse, MachineFacts, ProcessMode
from migrate_contract.errors import ErrorCode, Fatal

MACHINE = MachineFacts(machine_id="a" * 32, hostname="server", os="Linux", agent_version="0")


class Plane:
    """The one method of the client that heartbeats use; answers or raises the next of `script`."""

    host = "control.example"

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.heard: list[HeartbeatRequest] = []

    def heartbeat(self, request: HeartbeatRequest) -> HeartbeatResponse:
        self.heard.append(request)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return HeartbeatResponse(server_time=datetime.now(UTC), session_epoch=7, next_heartbeat_seconds=answer)


@pytest.fixture
def plane() -> Plane:
    return Plane()


@pytest.fixture
def answered() -> list[bool]:
    return []


@pytest.fixture
def beat(plane: Plane, tmp_path: Path, answered: list[bool]) -> Callable[[], float]:
    vitals = Vitals(MACHINE, jobs=list, buffered=lambda: 0, disk_free=lambda: None, max_jobs=2)
    heartbeat = Heartbeat(
        plane,  # type: ignore[arg-type]
        Session(),
        Status(tmp_path, {}),
        vitals,
        instance_id="instance-of-the-test",
        mode=ProcessMode.FOREGROUND,
        on_answer=lambda answer, returned: answered.append(returned),
        backoff=Backoff(chance=lambda: 0.5),
    )
    return lambda: heartbeat._beat(ProcessMode.FOREGROUND)


def test_the_server_sets_the_interval_and_we_add_no_jitter(plane: Plane, beat: Callable[[], float]) -> None:
    plane.script = [27.5, 63.0]
    assert [beat(), beat()] == [27.5, 63.0]


def test_the_epoch_is_asked_for_once_and_carried_after_that(plane: Plane, beat: Callable[[], float]) -> None:
    plane.script = [Unreachable("lost"), 30.0, 30.0]
    beat(), beat(), beat()
    assert [request.session_epoch for request in plane.heard] == [None, None, 7]
    assert len({request.instance_id for request in plane.heard}) == 1
    assert [request.sequence for request in plane.heard] == [1, 2, 3]


def test_silence_doubles_the_wait_up_to_a_minute(plane: Plane, beat: Callable[[], float]) -> None:
    plane.script = [Unreachable("down")] * 9
    assert [beat() for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_silence_waits_no_longer_than_the_server_would_have(plane: Plane, beat: Callable[[], float]) -> None:
    plane.script = [5.0, *[Unreachable("down")] * 5]
    assert [beat() for _ in range(6)] == [5.0, 1, 2, 4, 5, 5]


def test_without_a_network_of_our_own_we_look_every_five_seconds(plane: Plane, beat: Callable[[], float]) -> None:
    plane.script = [60.0, *[Unreachable("no route", local=True)] * 6]
    assert [beat() for _ in range(7)][1:] == [5.0] * 6


def test_only_the_first_answer_after_silence_is_a_return(
    plane: Plane, beat: Callable[[], float], answered: list[bool]
) -> None:
    plane.script = [30.0, 30.0, Unreachable("down"), Unreachable("down"), 30.0, 30.0]
    for _ in range(6):
        beat()
    assert answered == [True, False, True, False], "the very first answer counts as one"


def test_a_fault_of_our_own_does_not_end_the_heartbeats(plane: Plane, beat: Callable[[], float]) -> None:
    plane.script = [ZeroDivisionError("a bug"), 30.0]
    assert [beat(), beat()] == [1, 30.0]


def test_an_error_that_lasts_is_one_fault_on_the_page(plane: Plane, beat: Callable[[], float]) -> None:
    plane.script = [30.0, *[Fatal(ErrorCode.TLS_NOT_TRUSTED, "expired")] * 3, 30.0]
    for _ in range(5):
        beat()
    assert [fault.code for fault in plane.heard[-1].faults] == [ErrorCode.TLS_NOT_TRUSTED]
