"""One record on its way: what Rock has, which rules acted, what was sent, what Mission holds now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from local.mission.direct import DirectMission
from migrate_agent.rockrms.mission.scrub import NOT_SHOWN
from migrate_agent.rockrms.records import AttendanceLayout, Mapped, Note, Page, RockFacts, Skipped
from migrate_agent.rockrms.source.statements import EntityStatement
from migrate_agent.rockrms.trace import trace
from migrate_contract.errors import ErrorCode
from migrate_contract.rockrms import Entity, ImportLogRow, ImportSettings, LogKind, TraceReport
from tests.harness.mission_records import ENVELOPE, FUND, INSTALL, bodies, contribution, prayer

FACTS = RockFacts(INSTALL, "SQL", "17.0", "rock", "RockRMS", frozenset(), AttendanceLayout.CURRENT, {}, {}, {})
STATEMENT = EntityStatement(
    "FinancialTransactionDetail",
    "d.Id",
    ("d.Id", "d.Amount", "t.TransactionDateTime", "CASE WHEN p.Id IS NULL THEN 0 ELSE 1 END"),
    "FinancialTransactionDetail d JOIN FinancialTransaction t ON t.Id = d.TransactionId",
    "",
    "",
    10,
)
PRAYERS = EntityStatement("PrayerRequest", "r.Id", ("r.Id", "r.Text", "r.IsPublic"), "PrayerRequest r", "", "", 10)


class Source:
    """One row."""

    def __init__(self, statement: EntityStatement, *row: object) -> None:
        self._statement, self._row = statement, row

    def facts(self) -> RockFacts:
        return FACTS

    def reread(self, entity: Entity, ids: list[int]) -> Page:
        return Page([self._row] if self._row else [], ids[0])

    def statement(self, entity: Entity) -> EntityStatement:
        return self._statement


class Maps:
    """Always the same answer."""

    def __init__(self, answer: Mapped | Skipped) -> None:
        self._answer = answer

    def __call__(self, facts: RockFacts, settings: ImportSettings | None = None) -> Any:
        return self

    def map(self, entity: Entity, page: Page) -> list[Mapped | Skipped]:
        return [self._answer]


class Remembers:
    """A journal with one record."""

    def status_of(self, entity: Entity, source_id: int) -> tuple[str, str, str] | None:
        return "errored", "the-batch", "req_1"

    def log_of(self, entity: Entity, source_id: int) -> list[ImportLogRow]:
        return [
            ImportLogRow(
                row=1,
                kind=LogKind.ERRORED,
                entity=entity,
                source_table="FinancialTransactionDetail",
                source_id=source_id,
                code=ErrorCode.FUND_MISSING.value,
                detail="there is no fund",
                request_id="req_2",
                answer="what Mission said",
                batch_key="another-batch",
                at=datetime.now(UTC),
            )
        ]


def mapped(record: dict[str, Any], *notes: Note) -> Mapped:
    """As the mapping gives it."""
    body = orjson.dumps(record)
    return Mapped(1, record["external_id"], body, hashlib.blake2b(body, digest_size=16).digest(), notes)


@pytest.fixture
def mission() -> Iterator[DirectMission]:
    found = DirectMission()
    found.client().create_funds(ENVELOPE, [FUND], "fund")
    yield found
    found.close()


def gift(mission: DirectMission | None, record: dict[str, Any], journal: Remembers | None = None) -> TraceReport:
    """The trace of a gift that is mapped to `record`."""
    source = Source(STATEMENT, 1, "12.30", "2024-12-31", 1)
    note = Note(ErrorCode.GIFT_NOT_POSITIVE, "it is a correction")
    client = mission.client() if mission is not None else None
    return trace(Entity.CONTRIBUTIONS, 1, source, Maps(mapped(record, note)), journal, client)


def test_a_record_that_is_the_same_on_both_sides(mission: DirectMission) -> None:
    record = contribution(1)
    mission.client().send(Entity.CONTRIBUTIONS, ENVELOPE, bodies([record]), "its-batch")
    found = gift(mission, record)
    assert (found.code, found.copies, found.batch_key) == (None, 1, "its-batch")
    values = {each.name: each.value for each in found.source}
    assert values == {
        "FinancialTransactionDetail.Id": "1",
        "FinancialTransactionDetail.Amount": "12.30",
        "FinancialTransaction.TransactionDateTime": "2024-12-31",
    }
    assert [step.code for step in found.rules] == ["gift-not-positive"]
    assert [each.value for each in found.sent] == [each.value for each in found.mission]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda control, name: control.delete("contributions", name), ErrorCode.COPY_MISSING),
        (lambda control, name: control.double("contributions", name), ErrorCode.COPY_DOUBLED),
        (lambda control, name: control.change("contributions", name, amount="12.31"), ErrorCode.COPY_DIFFERS),
    ],
)
def test_what_is_wrong_in_mission_is_named(mission: DirectMission, spoil: Any, code: ErrorCode) -> None:
    record = contribution(1)
    mission.client().send(Entity.CONTRIBUTIONS, ENVELOPE, bodies([record]), "its-batch")
    spoil(mission.control, record["external_id"])
    found = gift(mission, record)
    assert found.code == code.value
    assert found.fix
    if code is ErrorCode.COPY_DIFFERS:
        assert "amount" in found.detail


def test_the_journal_tells_batch_answer_and_reason() -> None:
    found = gift(None, contribution(1), Remembers())
    assert (found.status, found.batch_key, found.request_id) == ("errored", "another-batch", "req_2")
    assert found.answer == "what Mission said"
    assert [step.code for step in found.rules] == ["gift-not-positive", "fund-missing"]


def test_a_skipped_record_and_one_that_is_not_there(mission: DirectMission) -> None:
    skipped = Maps(Skipped(1, "x", ErrorCode.RECORD_TYPE_NOT_MOVED, "a text sender without name"))
    found = trace(Entity.PEOPLE, 1, Source(STATEMENT, 1, 2, 3, 4), skipped, None, mission.client())
    assert (found.code, found.copies) == (ErrorCode.RECORD_TYPE_NOT_MOVED.value, 0)
    missing = trace(Entity.PEOPLE, 9, Source(STATEMENT), skipped, None, mission.client())
    assert missing.code == ErrorCode.RECORD_NOT_IN_SCOPE.value


def test_confidential_text_is_named_and_not_shown(mission: DirectMission) -> None:
    record = prayer(1, "my mother is ill", answer="she is well")
    mission.client().send(Entity.PRAYER_REQUESTS, ENVELOPE, bodies([record]), "p")
    source = Source(PRAYERS, 1, "my mother is ill", False)
    found = trace(Entity.PRAYER_REQUESTS, 1, source, Maps(mapped(record)), None, mission.client())
    text = found.model_dump_json()
    assert "mother" not in text
    assert "well" not in text
    assert text.count(NOT_SHOWN) == 5
