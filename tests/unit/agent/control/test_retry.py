from __future__ import annotations

import pytest

from migrate_agent.control.answers import Unreachable
from migrate_agent.control.retry import Backoff, call_with_retries
from migrate_contract.errors import ErrorCode, Fatal, Retryable

STEADY = Backoff(chance=lambda: 0.5)


def test_delays_double_from_one_second_to_the_ceiling() -> None:
    assert [STEADY.delay(failures) for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_the_jitter_stays_within_a_fifth() -> None:
    assert Backoff(chance=lambda: 0.0).delay(1) == pytest.approx(0.8)
    assert Backoff(chance=lambda: 1.0).delay(1) == pytest.approx(1.2)


def test_a_thousand_failures_do_not_overflow() -> None:
    assert STEADY.delay(1000) == 60


def test_what_the_server_asks_for_is_waited_for() -> None:
    assert STEADY.delay(1, retry_after_seconds=30) == 30
    assert STEADY.delay(7, retry_after_seconds=3) == 60


class Calls:
    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.waits: list[float] = []

    def __call__(self) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


def with_retries(calls: Calls, tries: int = 4) -> object:
    return call_with_retries(calls, tries=tries, wait=calls.wait, backoff=STEADY, on_retry=lambda error, seconds: None)


def test_connection_faults_are_tried_again() -> None:
    calls = Calls(Unreachable("gone"), Unreachable("gone"), "answer")
    assert with_retries(calls) == "answer"
    assert calls.waits == [1, 2]


def test_the_last_error_is_raised() -> None:
    calls = Calls(*[Unreachable(str(number)) for number in range(4)])
    with pytest.raises(Retryable, match="3"):
        with_retries(calls)
    assert len(calls.waits) == 3


def test_a_refusal_is_not_tried_again() -> None:
    calls = Calls(Fatal(ErrorCode.REGISTRATION_CODE_USED), "never asked for")
    with pytest.raises(Fatal):
        with_retries(calls)
    assert calls.answers == ["never asked for"]


def test_a_stop_ends_the_waiting() -> None:
    calls = Calls(Unreachable("gone"), "never asked for")
    with pytest.raises(Unreachable):
        call_with_retries(
            calls, tries=4, wait=lambda seconds: True, backoff=STEADY, on_retry=lambda error, seconds: None
        )
