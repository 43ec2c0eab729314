"""The sender: every record answered once, whatever Mission does on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from local.mission.direct import DirectMission
from migrate_agent.control.retry import Backoff
from migrate_agent.rockrms.mission.patience import Patience, Waiting
from migrate_agent.rockrms.mission.port import ResultStatus
from migrate_agent.rockrms.mission.sender import Sender, Sent
from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import Entity
from tests.harness.mission_records import ENVELOPE, FUND, INSTALL, attendance, contribution, mapped, name_of, person

AT_ONCE = Backoff(first_seconds=0.0, ceiling_seconds=0.0)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def mission() -> Iterator[DirectMission]:
    """A Mission in memory, with a fund."""
    found = DirectMission()
    found.client().create_funds(ENVELOPE, [FUND], "fund")
    yield found
    found.close()


def sender(
    mission: DirectMission,
    *,
    stop: StopSignal | None = None,
    on_wait: Callable[[Waiting | None], None] = lambda waiting: None,
    scope: str = "job/1",
    **limits: int,
) -> Sender:
    """A sender that waits for nothing."""
    patience = Patience(stop or StopSignal(), backoff=AT_ONCE, on_wait=on_wait, now=lambda: NOON, tries=4)
    return Sender(mission.client(), ENVELOPE, patience, scope=scope, **limits)


def statuses(sent: list[Sent]) -> set[ResultStatus]:
    """Those that occur."""
    return {each.status for each in sent}


def test_records_are_answered_in_their_order_in_batches_of_at_most_500(mission: DirectMission) -> None:
    records = mapped(map(person, range(1, 1_202)))
    sent = sender(mission).send(Entity.PEOPLE, records)
    assert [each.source_id for each in sent] == list(range(1, 1_202))
    assert statuses(sent) == {ResultStatus.CREATED}
    batches = [seen["records"] for seen in mission.control.seen() if seen["path"] == "/api/import/people"]
    assert batches == [500, 500, 201]


def test_a_batch_stays_below_its_bytes(mission: DirectMission) -> None:
    records = mapped(map(person, range(1, 51)))
    sender(mission, batch_bytes=10 * len(records[-1].body)).send(Entity.PEOPLE, records)
    assert max(seen["records"] for seen in mission.control.seen()) <= 10


def test_too_large_halves_the_batch_and_is_learnt(mission: DirectMission) -> None:
    mission.control.misbehave(max_bytes=40_000)
    records = mapped(map(person, range(1, 1_001)))
    sent = sender(mission).send(Entity.PEOPLE, records)
    assert [each.source_id for each in sent] == list(range(1, 1_001))
    assert statuses(sent) == {ResultStatus.CREATED}
    mission.control.forget_seen()
    again = sender(mission, batch_bytes=40_000, scope="job/2").send(Entity.PEOPLE, records)
    assert statuses(again) == {ResultStatus.UNCHANGED}


def test_limits_that_mission_names_are_kept_without_asking(mission: DirectMission) -> None:
    mission.control.misbehave(max_records=200, max_bytes=60_000)
    client = mission.client()
    client.require_contract()
    mission.control.forget_seen()
    outgoing = Sender(client, ENVELOPE, Patience(StopSignal(), backoff=AT_ONCE), scope="job/1")
    sent = outgoing.send(Entity.PEOPLE, mapped(map(person, range(1, 1_001))))
    assert [each.source_id for each in sent] == list(range(1, 1_001))
    assert statuses(sent) == {ResultStatus.CREATED}
    assert {seen["status"] for seen in mission.control.seen()} == {200}


def test_one_record_that_is_too_large_is_errored_alone(mission: DirectMission) -> None:
    mission.control.misbehave(max_bytes=20_000)
    church = [person(1), person(2, notes=["x" * 50] * 500), person(3)]
    sent = sender(mission).send(Entity.PEOPLE, mapped(church))
    assert [each.status.value for each in sent] == ["created", "refused", "created"]
    assert sent[1].code is ErrorCode.MISSION_RECORD_REFUSED


def test_a_refused_batch_is_split_until_the_good_records_are_saved(mission: DirectMission) -> None:
    bad = {7, 8, 300, 500}
    mission.control.misbehave(refuse=[name_of("Person", each) for each in bad])
    sent = sender(mission).send(Entity.PEOPLE, mapped(map(person, range(1, 501))))
    assert {each.source_id for each in sent if each.status is ResultStatus.REFUSED} == bad
    assert len(sent) == 500
    assert mission.control.counts()["people"] == 496
    refused = next(each for each in sent if each.source_id == 300)
    assert refused.code is ErrorCode.MISSION_RECORD_REFUSED
    assert refused.request_id
    assert "record-refused" in (refused.answer or "")


def test_a_record_refused_in_a_taken_batch_has_missions_reason(mission: DirectMission) -> None:
    lines = [contribution(1), contribution(2, fund_external_id="nowhere")]
    sent = sender(mission).send(Entity.CONTRIBUTIONS, mapped(lines))
    assert [each.code for each in sent] == [None, ErrorCode.FUND_MISSING]
    assert "nowhere" in (sent[1].detail or "")
    (missing,) = sender(mission).send(Entity.ATTENDANCE, mapped([attendance(1, 5)]))
    assert missing.code is ErrorCode.PERSON_REFERENCE_MISSING


def test_faults_at_random_lose_and_double_nothing(mission: DirectMission) -> None:
    mission.control.misbehave(seed=5, busy=0.2, fail=0.1, drop_before=0.1, drop_after=0.15, fail_after=0.1)
    people = mapped(map(person, range(1, 401)))
    sent = sender(mission, batch_records=20).send(Entity.PEOPLE, people)
    assert [each.source_id for each in sent] == list(range(1, 401))
    assert statuses(sent) <= {ResultStatus.CREATED, ResultStatus.UNCHANGED}
    mission.control.behave()
    assert mission.control.counts()["people"] == 400


def test_a_record_at_which_mission_fails_does_not_hold_up_the_others(mission: DirectMission) -> None:
    mission.control.misbehave(poison=[name_of("Person", 3)])
    sent = sender(mission).send(Entity.PEOPLE, mapped(map(person, range(1, 9))))
    assert [each.source_id for each in sent if each.status is ResultStatus.REFUSED] == [3]
    assert mission.control.counts()["people"] == 7


def test_a_lost_route_is_told_once_with_its_beginning_and_its_end(mission: DirectMission) -> None:
    told: list[str | None] = []

    def tell(waiting: Waiting | None) -> None:
        told.append(waiting.sentence if waiting else None)
        if len(told) == 1:
            mission.control.misbehave(seed=1, busy=1.0, remaining=30)

    mission.control.misbehave(drop_before=1.0, remaining=30)
    sent = sender(mission, on_wait=tell).send(Entity.PEOPLE, mapped([person(1)]))
    assert statuses(sent) == {ResultStatus.CREATED}
    assert told[0] == "no connection to mission.test since 12:00 UTC: the connection broke"
    assert (told[1] or "").startswith("Mission is busy since 12:00 UTC")
    assert told[-1] is None


def test_a_stop_ends_the_wait(mission: DirectMission) -> None:
    stop = StopSignal()
    mission.control.misbehave(drop_before=1.0)
    outgoing = sender(mission, stop=stop, on_wait=lambda waiting: stop.request(StopKind.PAUSE))
    with pytest.raises(StopRequested):
        outgoing.send(Entity.PEOPLE, mapped([person(1)]))


def test_a_revoked_key_ends_the_import(mission: DirectMission) -> None:
    outgoing = sender(mission)
    mission.control.revoke_keys()
    with pytest.raises(Fatal) as refusal:
        outgoing.send(Entity.PEOPLE, mapped([person(1)]))
    assert refusal.value.code is ErrorCode.MISSION_KEY_REVOKED


def test_the_same_batch_after_a_crash_is_the_same_request_and_another_attempt_is_not(mission: DirectMission) -> None:
    before, after = mapped([contribution(1, "10.00")]), mapped([contribution(1, "12.00")])
    first = sender(mission).send(Entity.CONTRIBUTIONS, before)
    assert sender(mission).send(Entity.CONTRIBUTIONS, before) == first
    sender(mission, scope="job/2").send(Entity.CONTRIBUTIONS, after)
    (back,) = sender(mission, scope="job/3").send(Entity.CONTRIBUTIONS, before)
    assert back.status is ResultStatus.UPDATED
    assert mission.control.records("contributions")[0]["amount"] == "10.00"


def test_batches_in_flight_are_bounded_and_answered_in_order(mission: DirectMission) -> None:
    outgoing = sender(mission, in_flight=3)
    taken: list[int] = []

    def batches() -> Iterator[list[object]]:
        for number in range(12):
            taken.append(number)
            yield mapped([person(number * 2 + 1), person(number * 2 + 2)])  # type: ignore[misc]

    answered = 0
    for sent in outgoing.send_all(Entity.PEOPLE, batches()):  # type: ignore[arg-type]
        answered += 1
        assert len(taken) <= answered + 2
        assert sent[0].source_id == answered * 2 - 1
    assert answered == 12


def test_an_error_in_one_batch_comes_after_the_batches_before_it(mission: DirectMission) -> None:
    outgoing = sender(mission, in_flight=2)
    stream = outgoing.send_all(Entity.PEOPLE, ([record] for record in mapped(map(person, range(1, 10)))))
    next(stream)
    mission.control.revoke_keys()
    with pytest.raises(Fatal):
        list(stream)


def test_what_fails_twenty_times_at_reading_is_not_waited_for(mission: DirectMission) -> None:
    patience = Patience(StopSignal(), backoff=AT_ONCE, now=lambda: NOON, tries=4)
    client = mission.client(patience)
    mission.control.misbehave(seed=3, busy=0.4, drop_before=0.4)
    assert client.counts(INSTALL)[Entity.PEOPLE]["records"] == 0
    mission.control.misbehave(fail=1.0)
    with pytest.raises(Fatal) as reading:
        client.funds()
    assert reading.value.code is ErrorCode.MISSION_READBACK_MISSING
    with pytest.raises(Fatal) as writing:
        client.create_funds(ENVELOPE, [FUND], "again")
    assert writing.value.code is ErrorCode.MISSION_BATCH_REFUSED
    assert len([seen for seen in mission.control.seen() if seen["status"] == 500]) == 8
