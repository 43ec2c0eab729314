"""The list of a retry, asked of the control plane page by page and over its outages."""

from __future__ import annotations

import pytest

from migrate_agent.control.retry import Backoff
from migrate_agent.runtime.failed_files import failed_paths
from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable
from migrate_contract.jobs import FailedFilesAnswer, FailedFilesRequest

QUICK = Backoff(ceiling_seconds=0.001)


class ControlPlane:
    def __init__(self, *answers: FailedFilesAnswer | MigrateError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[int, int]] = []

    def __call__(self, request: FailedFilesRequest) -> FailedFilesAnswer:
        self.asked.append((request.attempt, request.after_row))
        answer = self.answers.pop(0)
        if isinstance(answer, MigrateError):
            raise answer
        return answer


def test_pages_are_joined_and_outages_waited_out() -> None:
    away = Retryable(ErrorCode.CONTROL_PLANE_UNREACHABLE, "away")
    plane = ControlPlane(
        away, away, FailedFilesAnswer(paths=["a"], next_row=7), away, FailedFilesAnswer(paths=["b", "c/"])
    )
    assert list(failed_paths(plane, 3, StopSignal(), backoff=QUICK)) == ["a", "b", "c/"]
    assert plane.asked == [(3, 0), (3, 0), (3, 0), (3, 7), (3, 7)]


def test_an_attempt_that_is_over_gets_no_list() -> None:
    plane = ControlPlane(Fatal(ErrorCode.ATTEMPT_SUPERSEDED, "over"))
    with pytest.raises(Fatal):
        list(failed_paths(plane, 1, StopSignal(), backoff=QUICK))


def test_a_stop_ends_the_asking() -> None:
    stop = StopSignal()
    stop.request(StopKind.STOP)
    with pytest.raises(StopRequested):
        list(failed_paths(ControlPlane(), 1, stop, backoff=QUICK))
