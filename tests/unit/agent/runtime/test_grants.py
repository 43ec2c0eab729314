"""Access that renews itself: what the engine's threads get, and when the control plane is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from migrate_agent.control.answers import Unreachable
from migrate_agent.control.retry import Backoff
from migrate_agent.redaction import redactor
from migrate_agent.runtime.grants import RenewingAccess
from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import Grant
from tests.harness.conditions import eventually


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class ControlPlane:
    """Answers with the next of `answers`, else with a grant."""

    def __init__(self) -> None:
        self.answers: list[Exception] = []
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self) -> Grant:
        self.may_answer.wait(5)
        self.asked += 1
        if self.answers:
            raise self.answers.pop(0)
        return Grant(
            container_url="https://a.example/c",
            sas_token=f"sig=signature-number-{self.asked}",
            seconds_left=3600.0,
            renew_in_seconds=1800.0,
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plane() -> ControlPlane:
    return ControlPlane()


@pytest.fixture
def stop() -> StopSignal:
    return StopSignal()


@pytest.fixture
def access(plane: ControlPlane, stop: StopSignal, clock: Clock) -> RenewingAccess:
    return RenewingAccess(
        plane, stop, job_id="job_1", clock=clock, backoff=Backoff(first_seconds=0.01, ceiling_seconds=0.01)
    )


def until(condition: Callable[[], object]) -> None:
    eventually(condition, seconds=5, what="the renewal", every=0.005)


def test_one_grant_serves_until_half_its_life(access: RenewingAccess, plane: ControlPlane, clock: Clock) -> None:
    first = access.current()
    clock.now += 1799
    assert access.current() is first
    assert plane.asked == 1


def test_renewal_makes_nobody_wait(access: RenewingAccess, plane: ControlPlane, clock: Clock) -> None:
    first = access.current()
    clock.now += 1801
    plane.may_answer.clear()
    assert access.current() is first
    plane.may_answer.set()
    until(lambda: access.current() is not first)
    assert plane.asked == 2


def test_an_outage_uses_the_grant_to_its_end_and_waits_after_it(
    access: RenewingAccess, plane: ControlPlane, clock: Clock
) -> None:
    first = access.current()
    plane.answers = [Unreachable("down") for _ in range(20)]
    clock.now += 3599
    assert access.current() is first
    clock.now += 2
    assert access.current().sas_token == "sig=signature-number-22"


def test_a_refused_grant_is_replaced_once_however_many_report_it(access: RenewingAccess, plane: ControlPlane) -> None:
    first = access.current()
    plane.may_answer.clear()
    for _ in range(8):
        access.renew(first, "AuthenticationFailed")
    plane.may_answer.set()
    assert access.current() is not first
    access.renew(first, "AuthenticationFailed")
    access.current()
    assert plane.asked == 2


def test_a_stop_ends_the_waiting(access: RenewingAccess, plane: ControlPlane, stop: StopSignal) -> None:
    plane.answers = [Unreachable("down") for _ in range(10_000)]
    threading.Timer(0.05, stop.request, [StopKind.STOP]).start()
    with pytest.raises(StopRequested):
        access.current()


def test_a_superseded_attempt_gets_none(access: RenewingAccess, plane: ControlPlane) -> None:
    plane.answers = [Fatal(ErrorCode.ATTEMPT_SUPERSEDED, "attempt 2 has begun")]
    with pytest.raises(Fatal) as caught:
        access.current()
    assert caught.value.code is ErrorCode.ATTEMPT_SUPERSEDED


def test_an_expired_connection_is_said_at_once_although_the_old_grant_still_lives(
    access: RenewingAccess, plane: ControlPlane, clock: Clock
) -> None:
    access.current()
    plane.answers = [Fatal(ErrorCode.AZURE_CREDENTIALS_EXPIRED, "AADSTS50173: the grant was revoked")]
    clock.now += 1801
    access.current()
    until(lambda: not plane.answers)

    def said() -> bool:
        try:
            access.current()
        except Fatal as refused:
            return refused.code is ErrorCode.AZURE_CREDENTIALS_EXPIRED and "AADSTS50173" in refused.detail
        return False

    until(said)
    assert plane.asked == 2


def test_a_refusal_waits_for_the_command_that_explains_it(
    access: RenewingAccess, plane: ControlPlane, stop: StopSignal
) -> None:
    """A cancel that an operator has just asked for must not end as `failed`."""
    plane.answers = [Fatal(ErrorCode.GRANT_REFUSED, "cancel was asked") for _ in range(10_000)]
    threading.Timer(0.05, stop.request, [StopKind.CANCEL]).start()
    with pytest.raises(StopRequested) as caught:
        access.current()
    assert caught.value.kind is StopKind.CANCEL


def test_a_refusal_that_lasts_fails_the_job(plane: ControlPlane, stop: StopSignal) -> None:
    access = RenewingAccess(
        plane,
        stop,
        job_id="job_1",
        backoff=Backoff(first_seconds=0.01, ceiling_seconds=0.01),
        refusal_patience_seconds=0.05,
    )
    plane.answers = [Fatal(ErrorCode.GRANT_REFUSED, "the project was deleted") for _ in range(10_000)]
    with pytest.raises(Fatal) as caught:
        access.current()
    assert caught.value.code is ErrorCode.GRANT_REFUSED


def test_trying_now_does_not_wait_out_a_delay(plane: ControlPlane, stop: StopSignal) -> None:
    access = RenewingAccess(plane, stop, job_id="job_1", backoff=Backoff(first_seconds=60.0))
    plane.answers = [Unreachable("down")]
    waiting = threading.Thread(target=access.current, daemon=True)
    waiting.start()
    until(lambda: not plane.answers)

    def served() -> bool:
        access.try_now()
        return not waiting.is_alive()

    until(served)


def test_the_signature_is_hidden_from_logs(access: RenewingAccess) -> None:
    grant = access.current()
    assert grant.sas_token not in redactor.clean(f"what is {grant.sas_token}?")
