"""What is kept of Mission's answers: no key, no confidential text, at most 2 KB."""

from __future__ import annotations

import orjson
import pytest

from migrate_agent.redaction import redactor
from migrate_agent.rockrms.mission.scrub import scrubbed, scrubbed_detail
from migrate_contract.rockrms import Entity
from tests.harness.mission_records import bodies, group, person, prayer

TEXT = 'Please pray for my mother\nwho is very ill, and her "old" friend'


@pytest.mark.parametrize(
    "said",
    [
        f"text is too long: {TEXT}",
        f"text is too long: '{TEXT[:18]}'",
        f"text is too long: {TEXT[12:40]}...",
        f"text is too long: {TEXT.upper()}",
        'text is too long: "mother"',
    ],
)
def test_a_prayer_is_not_quoted_however_it_was_cut(said: str) -> None:
    answer = orjson.dumps({"results": [{"status": "refused", "detail": said}], "request_id": "req_7"})
    for kept in (
        scrubbed(Entity.PRAYER_REQUESTS, answer, bodies([prayer(1, TEXT)])),
        scrubbed_detail(Entity.PRAYER_REQUESTS, said, bodies([prayer(1, TEXT)])),
    ):
        assert "text is too" in kept
        assert not {"mother", "pray", "ill", "friend"} & set(kept.casefold().replace('"', " ").split())
    assert "req_7" in scrubbed(Entity.PRAYER_REQUESTS, answer, bodies([prayer(1, TEXT)]))


def test_a_page_that_is_not_json_is_not_kept_where_it_may_quote() -> None:
    page = b"<html>Please pray for my mother</html>"
    assert "mother" not in scrubbed(Entity.PRAYER_REQUESTS, page, bodies([prayer(1, TEXT)]))
    assert "mother" in scrubbed(Entity.PEOPLE, page, bodies([person(1)]))


def test_a_groups_description_is_confidential_too() -> None:
    answer = orjson.dumps({"detail": "bad description meets at the widow's house"})
    kept = scrubbed(Entity.GROUPS, answer, bodies([group(1, description="Meets at the widow's house")]))
    assert "widow" not in kept


def test_the_key_and_more_than_two_kilobytes_are_not_kept() -> None:
    redactor.hide("mk_a_key_that_must_not_show")
    kept = scrubbed(Entity.PEOPLE, b"mk_a_key_that_must_not_show " + b"x" * 5_000, [])
    assert "mk_a_key" not in kept
    assert len(kept) == 2048
