"""Commands that look at something: done once, on a thread of their own, answered with a report whatever they find."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.adapters.sealing import X25519Sealer
from local.mission.direct import DirectMission
from migrate_agent.identity import Credentials, KeyRing
from migrate_agent.rockrms.connection_store import ConnectionStore
from migrate_agent.rockrms.mission.port import MissionClient
from migrate_agent.runtime.check_handlers import CheckHandlers, names_of
from migrate_agent.runtime.checks import CHECKS, Checks
from migrate_agent.runtime.status import Status
from migrate_agent.sealing import SealingKeys
from migrate_agent.store.journal import Journal
from migrate_contract.commands import Command, CommandResult, CommandResultAnswer, CommandStatus
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.rockrms import Entity, MissionAccess, TraceArguments, TraceReport
from migrate_contract.sealing_format import associated_data
from tests.harness.mission_records import ENVELOPE, FUND, INSTALL

PROJECT = "prj_000000000001"
KEY = "acme.agt_000000000001.a-secret-of-some-length"
TEXT = "Server=rock.example;Database=RockRMS;User Id=reader;Password=a-long-password;"


def command(kind: str, number: int = 1, **arguments: Any) -> Command:
    """A command for the project."""
    return Command(
        command_id=f"cmd_{kind.replace('_', '')}{number:020d}",
        kind=kind,
        arguments={"project_id": PROJECT, **arguments},
        issued_at=datetime.now(UTC),
    )


class Bench:
    """Handlers over a Mission in memory."""

    def __init__(self, folder: Path) -> None:
        self.mission = DirectMission()
        self.mission.client().create_funds(ENVELOPE, [FUND], "fund")
        self.store = ConnectionStore(folder)
        self.sealing = SealingKeys.of(folder)
        self.refused: Fatal | None = None
        self.kept = 0
        self.traced: list[tuple[TraceArguments, bool]] = []
        self.handlers = CheckHandlers(
            self.access,
            lambda access: self.mission.client(),
            KeyRing(Credentials(agent_key=KEY), folder),
            self.sealing,
            self.store,
            self.trace,
            on_kept=self.count,
        )

    def access(self, command_id: str) -> MissionAccess:
        if self.refused is not None:
            raise self.refused
        return self.mission.access()

    def trace(self, arguments: TraceArguments, mission: MissionClient | None) -> TraceReport:
        self.traced.append((arguments, mission is not None))
        return TraceReport(entity=arguments.entity, source_id=arguments.source_id)

    def count(self) -> None:
        self.kept += 1

    def do(self, asked: Command) -> CommandResult:
        """What its handler gives."""
        return self.handlers.by_kind()[asked.kind](asked)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.mission.close()


def test_every_check_has_a_handler(bench: Bench) -> None:
    assert set(bench.handlers.by_kind()) == CHECKS


def test_mission_is_tested_with_its_name_its_version_and_its_funds(bench: Bench) -> None:
    result = bench.do(command("test_mission"))
    report = result.mission
    assert result.status is CommandStatus.ACCEPTED
    assert report is not None
    assert (report.code, report.organization_name, report.contract_version) == (None, "Grace Community Church", "1")
    assert report.can_read_back
    assert [fund.name for fund in report.funds] == ["General Fund"]
    assert bench.mission.key not in report.model_dump_json()


def test_a_mission_that_cannot_be_used_is_a_report_with_a_fix(bench: Bench) -> None:
    def code() -> str | None:
        report = bench.do(command("test_mission")).mission
        assert report is not None
        assert report.fix
        return report.code

    bench.mission.control.misbehave(contract_version="9")
    assert code() == ErrorCode.MISSION_CONTRACT_UNKNOWN.value
    bench.mission.control.misbehave(drop_before=1.0)
    assert code() == ErrorCode.MISSION_UNREACHABLE.value
    bench.mission.control.behave()
    bench.mission.key = bench.mission.control.issue_key(may_read=False)
    report = bench.do(command("test_mission")).mission
    assert report is not None
    assert (report.code, report.can_read_back) == (None, False)
    bench.mission.control.revoke_keys()
    assert code() == ErrorCode.MISSION_KEY_REVOKED.value
    bench.refused = Fatal(ErrorCode.NO_MISSION_CONNECTION)
    assert code() == ErrorCode.NO_MISSION_CONNECTION.value


def test_a_sealed_connection_string_is_kept_and_forgotten(bench: Bench) -> None:
    place = associated_data("acme", "agt_000000000001", PROJECT)
    sealed = X25519Sealer().seal(bench.sealing.public, TEXT, place)
    assert bench.do(command("keep_connection", sealed=sealed)).status is CommandStatus.ACCEPTED
    assert bench.store.connection_string(PROJECT) == TEXT
    assert bench.do(command("forget_connection")).status is CommandStatus.ACCEPTED
    assert bench.store.held() == []
    assert bench.kept == 2
    elsewhere = X25519Sealer().seal(bench.sealing.public, TEXT, associated_data("other", "agt_000000000001", PROJECT))
    with pytest.raises(Fatal) as refusal:
        bench.do(command("keep_connection", sealed=elsewhere))
    assert refusal.value.code is ErrorCode.SEALED_TEXT_UNREADABLE


def test_a_rockrms_test_without_a_connection_says_what_to_do(bench: Bench) -> None:
    report = bench.do(command("test_rockrms")).rock
    assert report is not None
    assert report.code == ErrorCode.NO_ROCKRMS_CONNECTION.value
    assert "set-connection" in report.fix


def test_a_trace_goes_on_without_mission_and_says_so(bench: Bench) -> None:
    asked = command("trace_record", entity=Entity.PEOPLE.value, source_id=7)
    report = bench.do(asked).trace
    assert report is not None
    assert report.code is None
    bench.refused = Fatal(ErrorCode.NO_MISSION_CONNECTION)
    report = bench.do(asked).trace
    assert report is not None
    assert report.code == ErrorCode.NO_MISSION_CONNECTION.value
    assert [(each.source_id, reached) for each, reached in bench.traced] == [(7, True), (7, False)]


def test_the_agents_names_come_from_its_key(tmp_path: Path) -> None:
    assert names_of(KeyRing(Credentials(agent_key=KEY), tmp_path)) == ("acme", "agt_000000000001")
    assert INSTALL  # of the records that the harness has


class Posts:
    """What the control plane was told."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.results: list[tuple[str, CommandResult]] = []
        self.lost = 0
        self.told = threading.Semaphore(0)

    def __call__(self, command_id: str, result: CommandResult) -> CommandResultAnswer:
        assert self.journal.handled(command_id) is not None
        if self.lost:
            self.lost -= 1
            self.told.release()
            raise Retryable(ErrorCode.CONTROL_PLANE_UNREACHABLE, "no answer")
        self.results.append((command_id, result))
        self.told.release()
        return CommandResultAnswer(proceed=True)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal")
    yield made
    made.close()


def test_a_check_that_comes_again_while_it_is_at_work_is_done_once(journal: Journal, tmp_path: Path) -> None:
    begun, go_on, done = threading.Event(), threading.Event(), []

    def slow(asked: Command) -> CommandResult:
        begun.set()
        assert go_on.wait(30)
        done.append(asked.command_id)
        return CommandResult(status=CommandStatus.ACCEPTED)

    posts = Posts(journal)
    checks = Checks(journal, posts, {"test_mission": slow}, Status(tmp_path, {}))
    thread = threading.Thread(target=checks.run)
    thread.start()
    checks.take(command("test_mission"))
    assert begun.wait(30)
    checks.take(command("test_mission"))
    posts.lost = 1
    go_on.set()
    assert posts.told.acquire(timeout=30)
    # Its result was lost on the way: the command comes again, and is answered from the journal.
    while not posts.results:
        checks.take(command("test_mission"))
        posts.told.acquire(timeout=0.05)
    checks.end()
    thread.join(30)
    assert len(done) == 1


@pytest.mark.parametrize("kind", ["raises", "breaks", "misread"])
def test_a_check_that_fails_is_answered_with_its_reason(journal: Journal, tmp_path: Path, kind: str) -> None:
    def handler(asked: Command) -> CommandResult:
        if kind == "raises":
            raise Fatal(ErrorCode.SEALED_TEXT_UNREADABLE, "of another agent")
        if kind == "misread":
            TraceArguments.model_validate({"project_id": "secret-value"})
        raise KeyError("secret-value")

    posts = Posts(journal)
    checks = Checks(journal, posts, {"keep_connection": handler}, Status(tmp_path, {}))
    checks.take(command("keep_connection"))
    checks.end()
    checks.run()
    ((_, result),) = posts.results
    assert result.status is CommandStatus.FAILED
    codes = {"raises": "sealed-text-unreadable", "breaks": "internal-error", "misread": "request-invalid"}
    assert result.code == codes[kind]
    assert "secret-value" not in (result.detail or "")
