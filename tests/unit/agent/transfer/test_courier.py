"""Requests through faults: what counts as a try, what stops that clock, when access is denied for good."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime

import pytest

from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_agent.store.entries import Counters
from migrate_agent.transfer.blob_answers import AccessRefused, BytesDamaged, ServiceBusy
from migrate_agent.transfer.blob_http import BlobClient
from migrate_agent.transfer.connection import Answer, ConnectionFault
from migrate_agent.transfer.connectivity import Connectivity
from migrate_agent.transfer.courier import Courier, RetryRules, Tries
from migrate_agent.transfer.meter import Meter
from migrate_agent.transfer.progress import Rates, WaitTeller
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.jobs import Grant, JobPhase, Tally, WaitReason
from migrate_contract.schedule import LimitInForce, LimitOwner


class InstantStop(StopSignal):
    """A signal whose waits take no time and are written down."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.on_wait = lambda: None

    def wait(self, seconds: float | None) -> bool:
        self.waits.append(seconds or 0.0)
        self.on_wait()
        return self.requested


class Access:
    def __init__(self) -> None:
        self.serial = 0
        self.reasons: list[str] = []

    def current(self) -> Grant:
        return Grant(container_url="https://h/c", sas_token=str(self.serial), seconds_left=9, renew_in_seconds=5)

    def renew(self, refused: Grant, reason: str) -> None:
        self.reasons.append(reason)
        self.serial += 1


class Wire:
    """The pool under the probe: `broken` probes fail, later ones are answered."""

    def __init__(self) -> None:
        self.broken = 0
        self.probes = 0

    def exchange(self, endpoint, request) -> Answer:
        self.probes += 1
        if self.probes <= self.broken:
            raise ConnectionFault(ErrorCode.TARGET_UNREACHABLE, "h", "refused")
        return Answer(403, {}, b"")


class Setting:
    def __init__(self, *, give_up_after: float | None = None, max_tries: int = 20) -> None:
        self.stop, self.access, self.wire = InstantStop(), Access(), Wire()
        self.meter, self.now, self.retries = Meter(), 0.0, 0
        self.connectivity = Connectivity(
            self.stop,
            self.meter,
            probe_seconds=30,
            give_up_after_seconds=give_up_after,
            clock=lambda: datetime(2026, 11, 23, 14, 2, tzinfo=UTC),
            monotonic=lambda: sum(self.stop.waits),
        )
        rules = RetryRules(max_tries, 1.0, 60.0, 900.0, chance=lambda: 1.0)
        self.courier = Courier(
            BlobClient(self.wire), self.access, self.connectivity, self.meter, self.stop, rules, on_retry=self._count
        )

    def _count(self) -> None:
        self.retries += 1

    def send(self, *outcomes: object, tries: Tries | None = None) -> object:
        left = list(outcomes)

        def call(grant: Grant) -> object:
            outcome = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return self.courier.send(call, tries or Tries(), waiting=WaitReason.NETWORK)


BUSY = ServiceBusy(ErrorCode.TARGET_BUSY, "busy")
BROKEN = ConnectionFault(ErrorCode.TARGET_UNREACHABLE, "h", "reset")
DENIED = AccessRefused("AuthenticationFailed", "denied")


def test_delays_double_to_a_minute_and_count():
    setting, tries = Setting(), Tries()
    assert setting.send(*[BUSY] * 9, "done", tries=tries) == "done"
    assert setting.stop.waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert (tries.answers, tries.total, setting.retries) == (9, 10, 9)


def test_jitter_is_full_and_retry_after_is_a_floor():
    rules = RetryRules(20, 1.0, 60.0, 900.0, chance=random.Random(1).random)
    delays = [rules.delay(4) for _ in range(200)]
    assert 0 <= min(delays) < 1
    assert 7 < max(delays) <= 8
    assert rules.delay(1, 33.0) == 33.0


def test_twenty_answers_are_the_end_of_a_files_pass():
    setting, tries = Setting(), Tries()
    with pytest.raises(ServiceBusy):
        setting.send(BUSY, tries=tries)
    assert (tries.answers, tries.total, len(setting.stop.waits)) == (20, 20, 19)


def test_damage_on_the_way_counts_like_a_busy_service():
    setting, tries = Setting(max_tries=2), Tries()
    with pytest.raises(BytesDamaged):
        setting.send(BytesDamaged(ErrorCode.TRANSIT_CORRUPTED, "x"), tries=tries)


def test_requests_for_the_whole_job_are_only_delayed():
    assert Setting().send(*[BUSY] * 100, "done", tries=Tries(limited=False)) == "done"


def test_a_lost_connection_counts_no_try_however_long_it_lasts():
    setting, tries = Setting(), Tries()
    setting.wire.broken = 500
    assert setting.send(BROKEN, "done", tries=tries) == "done"
    assert tries.answers == 0
    assert setting.wire.probes == 501
    assert setting.stop.waits[:6] == [1, 2, 4, 8, 16, 30]
    assert set(setting.stop.waits[6:]) == {30}
    assert setting.connectivity.outage is None


def test_an_outage_is_said_while_it_lasts():
    setting = Setting()
    setting.wire.broken = 3
    said = []
    teller = WaitTeller(setting.meter, lambda: setting.connectivity.outage, clock=lambda: datetime.now(UTC))
    setting.stop.on_wait = lambda: said.append(teller.now(JobPhase.RUNNING, None))
    setting.send(BROKEN, "done")
    assert {waiting.detail for waiting in said} == {"no connection to h since 14:02 UTC (refused)"}
    assert said[0].reason is WaitReason.NO_CONNECTION
    assert teller.now(JobPhase.RUNNING, None).reason is WaitReason.NONE


def test_one_broken_connection_is_no_outage():
    setting = Setting()
    assert setting.send(BROKEN, "done") == "done"
    assert setting.stop.waits == []


def test_a_request_that_breaks_every_connection_ends_although_the_service_answers():
    setting = Setting(max_tries=5)
    with pytest.raises(Retryable) as raised:
        setting.send(BROKEN)
    assert raised.value.code is ErrorCode.TARGET_UNREACHABLE
    assert setting.wire.probes == 5


def test_a_refused_grant_is_renewed_and_counts_no_try():
    setting, tries = Setting(), Tries()
    assert setting.send(DENIED, "done", tries=tries) == "done"
    assert (setting.access.reasons, tries.answers) == (["AuthenticationFailed"], 0)


def test_fresh_grants_refused_for_a_quarter_of_an_hour_are_a_denial():
    setting = Setting()
    with pytest.raises(Fatal) as raised:
        setting.send(DENIED)
    assert raised.value.code is ErrorCode.TARGET_ACCESS_DENIED
    assert 900 <= sum(setting.stop.waits) < 1000


def test_patience_ends_with_the_last_probes_reason():
    setting = Setting(give_up_after=100)
    setting.wire.broken = 10_000
    with pytest.raises(Fatal) as raised:
        setting.send(BROKEN)
    assert raised.value.detail == "h: refused"


@pytest.mark.parametrize("outcome", [BUSY, BROKEN, DENIED])
def test_a_stop_ends_every_wait(outcome):
    setting = Setting()
    setting.wire.broken = 10_000
    setting.stop.on_wait = lambda: setting.stop.request(StopKind.PAUSE)
    with pytest.raises(StopRequested):
        setting.send(outcome)


def test_a_cancel_sends_nothing_more():
    setting = Setting()
    setting.stop.request(StopKind.CANCEL)
    with pytest.raises(StopRequested):
        setting.send("done")


def test_only_one_worker_probes_and_all_go_on():
    setting = Setting()
    setting.stop = InstantStop()
    setting.wire.broken = 20
    finished = []
    threads = [threading.Thread(target=lambda: finished.append(setting.send(BROKEN, "done"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert finished == ["done"] * 8


def test_the_time_left_is_the_later_of_files_and_bytes():
    clock = {"now": 0.0}
    rates = Rates(monotonic=lambda: clock["now"])

    def counters(done: int) -> Counters:
        return Counters(
            Tally(scanned=100, transferred=done, pending=100 - done),
            Tally(scanned=1000, transferred=done, pending=1000 - done),
        )

    assert rates.eta_seconds(counters(0), 0, 5.0) is None
    for second in range(11):
        clock["now"] = float(second)
        rates.sample(counters(second))
    assert rates.eta_seconds(counters(10), 0, 0.0) == pytest.approx(990)
    assert rates.eta_seconds(counters(10), 500, 100.0) == pytest.approx(90)
    assert rates.eta_seconds(Counters(), 0, 0.0) == 0


def test_busy_answers_and_the_shortest_answer_are_noted():
    setting = Setting()
    setting.send(BUSY, BUSY, BytesDamaged(ErrorCode.TRANSIT_CORRUPTED, "x"), "done")
    assert (setting.meter.busy_answers, setting.retries) == (2, 3)
    shortest = setting.meter.shortest_answer_seconds
    assert shortest is not None
    assert 0 <= shortest < 1


def test_only_the_answer_itself_is_timed_and_the_shortest_one_is_kept():
    setting, clock = Setting(), {"now": 0.0}
    courier = Courier(
        BlobClient(setting.wire),
        setting.access,
        setting.connectivity,
        setting.meter,
        setting.stop,
        RetryRules(20, 1.0, 60.0, 900.0),
        monotonic=lambda: clock["now"],
    )

    def answered_after(seconds: float) -> None:
        def call(grant: Grant) -> None:
            clock["now"] += seconds

        courier.send(call, Tries(), waiting=WaitReason.NETWORK)

    for seconds in (0.5, 0.03, 2.0):
        answered_after(seconds)
    assert setting.meter.shortest_answer_seconds == pytest.approx(0.03)


def test_a_busy_service_outlasts_the_pauses_between_its_answers():
    setting = Setting()
    teller = WaitTeller(setting.meter, lambda: None, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    with setting.meter.during(WaitReason.NETWORK):
        assert teller.now(JobPhase.RUNNING, None, service_busy=True).reason is WaitReason.SERVICE_BUSY
        assert teller.now(JobPhase.RUNNING, None).reason is WaitReason.NETWORK
        assert teller.now(JobPhase.COMPLETED, None, service_busy=True).reason is WaitReason.NONE


def test_a_full_disk_and_an_approval_are_said():
    setting = Setting()
    teller = WaitTeller(
        setting.meter, lambda: setting.connectivity.outage, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert teller.now(JobPhase.RUNNING, "no space on /x").detail == "no space on /x"
    assert teller.now(JobPhase.READY, None).reason is WaitReason.APPROVAL
    assert teller.now(JobPhase.COMPLETED, None).reason is WaitReason.NONE
    with setting.meter.during(WaitReason.DISK):
        assert teller.now(JobPhase.RUNNING, None).reason is WaitReason.DISK


def test_a_limit_is_said_with_its_owner_and_its_end():
    setting, now = Setting(), datetime(2026, 6, 1, 12, tzinfo=UTC)
    teller = WaitTeller(setting.meter, lambda: setting.connectivity.outage, clock=lambda: now)
    teller.limit = LimitInForce(mbps=20.0, owner=LimitOwner.JOB)
    assert teller.now(JobPhase.RUNNING, None).reason is WaitReason.NONE
    with setting.meter.during(WaitReason.THROTTLE):
        assert teller.now(JobPhase.RUNNING, None).detail == "the job's bandwidth limit: 20 Mbps"
        teller.limit = None
        assert teller.now(JobPhase.RUNNING, None).detail == "the bandwidth limit"
    until = datetime(2026, 6, 1, 16, tzinfo=UTC)
    teller.limit = LimitInForce(mbps=0.0, owner=LimitOwner.SCHEDULE, until=until, zone="Europe/Berlin")
    with setting.meter.during(WaitReason.DISK):
        paused = teller.now(JobPhase.RUNNING, None)
    assert (paused.reason, paused.detail) == (
        WaitReason.THROTTLE,
        "the project's bandwidth schedule: paused until 18:00 (Europe/Berlin)",
    )
    assert teller.now(JobPhase.PAUSED, None).reason is WaitReason.NONE
