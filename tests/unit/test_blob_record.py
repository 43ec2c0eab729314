"""The endpoint's record: which repetition of a block is a fault of the copy, and which it could not avoid."""

from __future__ import annotations

import pytest

from tests.harness.blob_record import BlobRecord, Break, Event
from tests.harness.blob_store import UNCOMMITTED_SECONDS


class Told:
    """A record that is written request by request; nothing overlaps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.record = BlobRecord(lambda: self.now)

    def request(
        self, kind: str, digest: str = "", *, acted: bool = True, sent: bool = True, status: int = 200
    ) -> Event:
        event = self.record.arrived(kind, "blob", f"id-{digest}")
        event.digest, event.status = digest, status
        if acted:
            event.acted = self.record.tick()
        if sent:
            event.sent_at, event.sent = 1000.0 + event.arrived, self.record.tick()
        event.over = self.record.tick()
        return event


@pytest.fixture
def told() -> Told:
    return Told()


def test_different_blocks_are_no_repetition(told):
    told.request("put_block", "a")
    told.request("put_block", "b")
    assert told.record.sent_twice() == []


def test_a_block_that_was_confirmed_is_not_sent_again(told):
    told.request("put_block", "a")
    told.request("put_block", "a")
    (said,) = told.record.sent_twice()
    assert "the client was told so" in said


def test_also_a_repetition_that_the_service_did_not_take_was_sent(told):
    told.request("put_block", "a")
    told.request("put_block", "a", acted=False)
    assert len(told.record.sent_twice()) == 1


def test_a_block_whose_answer_was_lost_may_come_again(told):
    told.request("put_block", "a", sent=False)
    told.request("put_block", "a")
    assert told.record.sent_twice() == []


def test_a_block_that_was_refused_may_come_again(told):
    told.request("put_block", "a", acted=False)
    told.request("put_block", "a")
    assert told.record.sent_twice() == []


def test_who_has_asked_knows(told):
    told.request("put_block", "a", sent=False)
    told.request("block_list")
    told.request("put_block", "a")
    (said,) = told.record.sent_twice()
    assert "its list of staged blocks had it" in said


def test_a_question_before_the_block_says_nothing_about_it(told):
    told.request("block_list")
    told.request("put_block", "a", sent=False)
    told.request("put_block", "a")
    assert told.record.sent_twice() == []


def test_who_was_killed_has_to_ask(told):
    told.request("put_block", "a", sent=False)
    told.record.broke()
    told.request("put_block", "a")
    (said,) = told.record.sent_twice()
    assert "has to ask" in said


def test_what_was_still_on_its_way_at_the_kill_could_not_be_known(told):
    event = told.record.arrived("put_block", "blob", "id")
    event.digest = "a"
    event.acted = told.record.tick()
    told.record.broke()
    event.sent = event.over = told.record.tick()
    told.request("put_block", "a")
    assert told.record.sent_twice() == []


def test_an_answer_just_before_a_cut_may_be_lost(told):
    event = told.request("put_block", "a")
    told.record.cuts.append(event.sent_at + 0.1)
    told.request("put_block", "a")
    assert told.record.sent_twice() == []


def test_a_commit_begins_anew(told):
    told.request("put_block", "a")
    told.request("put_block_list")
    told.request("put_block", "a")
    assert told.record.sent_twice() == []


def test_blocks_that_are_a_week_old_have_to_come_again(told):
    told.request("put_block", "a")
    told.now += UNCOMMITTED_SECONDS
    told.request("put_block", "a")
    assert told.record.sent_twice() == []


def test_a_later_block_keeps_the_others_alive(told):
    told.request("put_block", "a")
    told.now += UNCOMMITTED_SECONDS - 1
    told.request("put_block", "b")
    told.now += UNCOMMITTED_SECONDS - 1
    told.request("put_block", "a")
    assert len(told.record.sent_twice()) == 1


def test_what_the_service_forgot_has_to_come_again(told):
    told.request("put_block", "a")
    told.record.forgotten.append(told.record.tick())
    told.request("put_block", "a")
    assert told.record.sent_twice() == []


def test_a_whole_blob_is_not_sent_again_either(told):
    told.request("put_blob", "a")
    told.record.broke()
    told.request("put_blob", "a", acted=False, status=409)
    assert len(told.record.sent_twice()) == 1
    assert told.record.committed_twice() == []


def test_a_whole_blob_whose_answer_was_lost_may_come_again(told):
    told.request("put_blob", "a", sent=False)
    told.request("put_blob", "a", acted=False, status=409)
    assert told.record.sent_twice() == []


def test_two_commits_of_one_blob_are_said(told):
    told.request("put_blob", "a")
    told.request("put_block_list")
    assert told.record.committed_twice() == ["blob was committed 2 times"]


def test_blocks_that_are_all_alike_are_told_apart_by_their_ids(told):
    first, second = told.request("put_block", "zeros"), told.request("put_block", "zeros")
    first.block_id, second.block_id = "1", "2"
    assert len(told.record.sent_twice()) == 1
    assert told.record.sent_twice(lambda event: event.block_id) == []


def test_what_a_killed_worker_had_sent_may_arrive_after_it(told):
    told.record.breaks.append(Break(told.record.tick(), 1 << 62))
    told.request("put_block", "a")
    told.record.breaks[0].until = told.record.tick()
    told.request("put_block", "a")
    assert told.record.sent_twice() == []
    told.request("put_block", "a")
    assert len(told.record.sent_twice()) == 1
