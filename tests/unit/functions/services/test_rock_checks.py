"""Mission's key, the sealed connection string, and checks that agents make for operators."""

from __future__ import annotations

import json

import pytest
from cryptography.exceptions import InvalidTag

from functions.domain.caller import OperatorCaller
from functions.domain.mission_address import need_mission_url
from functions.domain.rockrms_views import AgentChoiceBody, CheckState, RockConnectionBody, TraceBody
from functions.domain.views import ListQuery
from migrate_contract.commands import CommandStatus
from migrate_contract.errors import CATALOGUE, ErrorCode, Retryable
from migrate_contract.jobs import JobPhase
from migrate_contract.rockrms import (
    CheckArguments,
    Entity,
    KeepArguments,
    MissionAccessRequest,
    MissionFund,
    MissionTestReport,
    RockShown,
    RockTestReport,
    TraceArguments,
    TraceReport,
)
from migrate_contract.sealing_format import associated_data
from tests.memory.imports import (
    MISSION_KEY,
    MISSION_URL,
    SEALING_KEY,
    connect_mission,
    held,
    new_import,
    running_import,
    taken_import,
    unsealed,
)
from tests.memory.world import ADMIN, OPERATOR, ORGANIZATION, READER, AgentHand, World, refused, running_job

ANYONE = AgentChoiceBody()
STRING = "Server=sql01;Database=Rock;User Id=reader;Password=hunter2"


class Connected:
    """A project with Mission and an agent that keeps its RockRMS connection."""

    def __init__(self) -> None:
        self.world = World()
        self.client_id = self.world.client()
        self.agent: AgentHand = self.world.online_agent(self.client_id)
        self.project_id = self.world.project(self.client_id, connected=False)
        connect_mission(self.world, self.project_id)
        self.beat()

    def beat(self) -> None:
        self.agent.beat(rock_connections=[held(self.project_id)], sealing_key=SEALING_KEY)

    @property
    def rock(self):
        return self.world.services.rock

    def overview(self, caller: OperatorCaller = READER):
        return self.rock.overview(caller, self.project_id)

    def command(self):
        (command,) = self.agent.beat(rock_connections=[held(self.project_id)]).commands
        return command


def everything(world: World) -> str:
    """All that is stored, as one text; a mailbox holds no more than what is sealed."""
    blobs = [world.blobs.get("imports", item.name) for item in world.blobs.list("imports", "")]
    return repr(world.tables.everything()) + repr(blobs)


# Mission's address and key


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://Mission.Example/", "https://mission.example"),
        ("https://mission.example:8443/site/", "https://mission.example:8443/site"),
        ("https://10.0.0.5", "https://10.0.0.5"),
        ("https://mission", "https://mission"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_of_mission_may_be_private_since_the_agent_calls_it(typed: str, kept: str) -> None:
    assert need_mission_url(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "http://mission.example",
        "http://10.0.0.5",
        "ftp://mission.example",
        "https://",
        "https://user:pass@mission.example",
        "https://mission.example/?key=1",
        "https://mission.example/#x",
        "https://mission.example/a/../b",
        "https://mission example",
        "https://mission.example:99999",
        "https://[::1",
        "https://a..b",
        "mission.example",
    ],
)
def test_other_addresses_are_refused_with_the_reason(typed: str) -> None:
    refused(ErrorCode.MISSION_URL_REFUSED, lambda: need_mission_url(typed))


def test_the_key_is_stored_sealed_and_shown_nowhere() -> None:
    it = Connected()
    assert MISSION_KEY not in everything(it.world)
    view = it.world.services.projects.show(READER, it.project_id)
    assert view.mission_connection is not None
    assert view.mission_connection.url == MISSION_URL
    shown = view.model_dump_json() + it.overview().model_dump_json()
    shown += repr(it.world.services.audit.list(ADMIN, ListQuery()).items)
    assert MISSION_KEY not in shown


def test_the_key_is_given_to_the_agent_of_a_live_attempt_alone() -> None:
    running = running_import()
    world, missions = running.world, running.world.services.missions
    ask = MissionAccessRequest(attempt=1)
    access = missions.for_attempt(running.agent.caller(), running.job_id, ask)
    assert (access.url, access.integration_key) == (MISSION_URL, MISSION_KEY)
    assert MISSION_KEY not in repr(access)
    other = world.online_agent(running.client_id)
    refused(ErrorCode.ATTEMPT_SUPERSEDED, lambda: missions.for_attempt(other.caller(), running.job_id, ask))
    stranger = world.online_agent(world.client(name="Other"))
    refused(ErrorCode.NOT_FOUND, lambda: missions.for_attempt(stranger.caller(), running.job_id, ask))
    older = MissionAccessRequest(attempt=2)
    refused(ErrorCode.ATTEMPT_SUPERSEDED, lambda: missions.for_attempt(running.agent.caller(), running.job_id, older))


def test_nothing_is_given_once_the_attempt_is_cancelled_ended_or_elsewhere() -> None:
    running = running_import()
    missions, ask = running.world.services.missions, MissionAccessRequest(attempt=1)

    def asks() -> object:
        return missions.for_attempt(running.agent.caller(), running.job_id, ask)

    connect_mission(running.world, running.project_id, url="https://elsewhere.example")
    assert "another Mission" in refused(ErrorCode.GRANT_REFUSED, asks).detail
    connect_mission(running.world, running.project_id, integration_key="the-key-that-replaced-it")
    assert missions.for_attempt(running.agent.caller(), running.job_id, ask).integration_key != MISSION_KEY
    missions.disconnect(ADMIN, running.project_id)
    refused(ErrorCode.NO_MISSION_CONNECTION, asks)
    assert running.world.tables.everything()["missionkeys"] == []
    connect_mission(running.world, running.project_id)
    running.world.services.lifecycle.cancel(ADMIN, running.job_id)
    refused(ErrorCode.GRANT_REFUSED, asks)
    running.agent.report(running.job, JobPhase.CANCELLED)
    refused(ErrorCode.GRANT_REFUSED, asks)
    copying = running_job(running.world, container="other")
    refused(ErrorCode.JOB_TYPE_CONFLICT, lambda: missions.for_attempt(copying.agent.caller(), copying.job_id, ask))


def test_a_key_is_bound_to_its_project_and_its_address() -> None:
    it = Connected()
    other = it.world.project(it.client_id, connected=False)
    connect_mission(it.world, other)
    rows = {row.pk: row for row in it.world.tables.everything()["missionkeys"]}
    mine, theirs = rows[f"{ORGANIZATION}|{it.project_id}"], rows[f"{ORGANIZATION}|{other}"]
    it.world.tables.replace("missionkeys", mine.pk, "key", theirs.values, mine.etag)
    project = it.world.tables.get("projects", ORGANIZATION, it.project_id)
    assert project is not None
    refused(ErrorCode.SECRET_UNREADABLE, lambda: it.world.services.missions.open(project))


def test_keys_are_wrapped_anew_after_a_rotation() -> None:
    it = Connected()
    it.world.wrapping.rotate()
    assert it.world.services.sign_in_upkeep.run().rewrapped == 1
    assert it.world.services.sign_in_upkeep.run().rewrapped == 0
    project = it.world.tables.get("projects", ORGANIZATION, it.project_id)
    assert project is not None
    assert it.world.services.missions.open(project).integration_key == MISSION_KEY


def test_a_deleted_project_leaves_no_secret() -> None:
    it = Connected()
    it.rock.test_rockrms(OPERATOR, it.project_id, ANYONE)
    it.world.services.projects.delete(ADMIN, it.project_id)
    tables = it.world.tables.everything()
    assert (tables["missionkeys"], tables["rockrms"]) == ([], [])


def test_a_deleted_client_leaves_no_row_of_an_import() -> None:
    running = running_import()
    services = running.world.services
    running.agent.report(running.job, JobPhase.FAILED)
    services.jobs.delete(ADMIN, running.job_id)
    services.projects.delete(ADMIN, running.project_id)
    services.agents.revoke(ADMIN, running.agent.agent_id)
    services.clients.delete(ADMIN, running.client_id)
    tables = running.world.tables.everything()
    assert [name for name in ("missionkeys", "rockrms", "jobs", "agents", "claims") if tables.get(name)] == []
    assert running.world.blobs.list("imports", "") == []


# Test Connection, Test Mission, trace


def test_a_connection_is_tested_by_the_agent_that_keeps_it() -> None:
    it = Connected()
    it.world.online_agent(it.client_id)
    asked = it.rock.test_rockrms(OPERATOR, it.project_id, ANYONE)
    assert (asked.state, asked.agent_id, asked.asked_by) == (CheckState.WAITING, it.agent.agent_id, "Olga")
    command = it.command()
    assert command.kind == "test_rockrms"
    assert CheckArguments.model_validate(command.arguments).project_id == it.project_id
    report = RockTestReport(sql_version="2022", rock_version="17.1", shown=RockShown(server="sql01"))
    assert it.agent.answer(command.command_id, rock=report)
    assert it.agent.answer(command.command_id, rock=report)
    found = it.overview().rock_test
    assert found is not None
    assert (found.state, found.rock, found.fault) == (CheckState.DONE, report, None)
    assert it.agent.beat().commands == []


def test_an_operator_who_waits_gets_the_short_interval() -> None:
    it = Connected()
    assert it.agent.beat().next_heartbeat_seconds > 40
    it.rock.test_rockrms(OPERATOR, it.project_id, ANYONE)
    assert it.agent.beat().next_heartbeat_seconds < 40


def test_a_connection_that_does_not_work_is_told_with_its_fix() -> None:
    it = Connected()
    it.rock.test_rockrms(OPERATOR, it.project_id, ANYONE)
    report = RockTestReport(code="sql-timeout", detail="No answer from sql01:1433 within 10 s.", fix="Let 10.1.2.3 in.")
    it.agent.answer(it.command().command_id, rock=report)
    found = it.overview().rock_test
    assert found is not None
    assert found.state is CheckState.DONE
    assert found.fault is not None
    assert (found.fault.title, found.fault.fix) == (CATALOGUE[ErrorCode.SQL_TIMEOUT].title, "Let 10.1.2.3 in.")


def test_an_agent_that_cannot_do_it_says_so() -> None:
    it = Connected()
    it.rock.test_rockrms(OPERATOR, it.project_id, ANYONE)
    assert it.agent.answer(it.command().command_id, CommandStatus.FAILED, code="command-unknown", detail="Old.")
    found = it.overview().rock_test
    assert found is not None
    assert found.state is CheckState.FAILED
    assert found.fault is not None
    assert found.fault.code == "command-unknown"


def test_one_check_at_a_time_and_silence_has_an_end() -> None:
    it = Connected()
    it.rock.test_rockrms(OPERATOR, it.project_id, ANYONE)
    fault = refused(ErrorCode.AGENT_CHECK_RUNNING, lambda: it.rock.test_mission(OPERATOR, it.project_id, ANYONE))
    assert "Olga" in fault.detail
    late = it.command()
    it.world.clock.forward(it.world.limits.agent_check_seconds)
    it.beat()
    silent = it.overview().rock_test
    assert silent is not None
    assert silent.state is CheckState.FAILED
    assert silent.fault is not None
    assert silent.fault.code == "agent-check-timeout"
    it.rock.test_rockrms(OPERATOR, it.project_id, ANYONE)
    assert not it.agent.answer(late.command_id, rock=RockTestReport())
    assert it.command().command_id != late.command_id


@pytest.mark.parametrize("kind", ["test_rockrms", "test_mission"])
def test_nobody_waits_for_an_agent_that_does_not_listen(kind: str) -> None:
    it = Connected()
    it.world.clock.forward(400)
    fault = refused(ErrorCode.AGENT_OFFLINE, lambda: getattr(it.rock, kind)(OPERATOR, it.project_id, ANYONE))
    assert "Offline since" in fault.detail


def test_mission_is_tested_with_the_key_that_only_the_open_check_is_given() -> None:
    it = Connected()
    it.rock.test_mission(OPERATOR, it.project_id, ANYONE)
    command = it.command()
    checks = it.world.services.checks
    assert checks.mission_access(it.agent.caller(), command.command_id).integration_key == MISSION_KEY
    other = it.world.online_agent(it.client_id)
    refused(ErrorCode.NOT_FOUND, lambda: checks.mission_access(other.caller(), command.command_id))
    funds = [MissionFund(external_fund_id="general", name="General")]
    report = MissionTestReport(url=MISSION_URL, organization_name="St. Mary", contract_version="1", funds=funds)
    it.agent.answer(command.command_id, mission=report)
    refused(ErrorCode.GRANT_REFUSED, lambda: checks.mission_access(it.agent.caller(), command.command_id))
    assert it.overview().mission_funds == funds
    it.world.clock.forward(1)
    it.rock.test_rockrms(OPERATOR, it.project_id, ANYONE)
    rock = it.command()
    refused(ErrorCode.NOT_FOUND, lambda: checks.mission_access(it.agent.caller(), rock.command_id))
    refused(ErrorCode.NOT_FOUND, lambda: checks.mission_access(it.agent.caller(), "cmd_start-x"))


def test_a_check_that_was_given_up_gives_no_key() -> None:
    it = Connected()
    it.rock.test_mission(OPERATOR, it.project_id, ANYONE)
    command = it.command()
    it.world.clock.forward(it.world.limits.agent_check_seconds)
    caller = it.agent.caller()
    refused(ErrorCode.GRANT_REFUSED, lambda: it.world.services.checks.mission_access(caller, command.command_id))


def test_mission_cannot_be_tested_before_it_is_connected() -> None:
    it = Connected()
    it.world.services.missions.disconnect(ADMIN, it.project_id)
    refused(ErrorCode.NO_MISSION_CONNECTION, lambda: it.rock.test_mission(OPERATOR, it.project_id, ANYONE))
    assert it.overview().missing == ["NO_MISSION_CONNECTION"]


def test_a_record_is_traced_with_the_settings_of_its_job() -> None:
    running = taken_import()
    rock = running.world.services.rock
    body = TraceBody(entity=Entity.PEOPLE, source_id=17, job_id=running.job_id)
    rock.trace(OPERATOR, running.project_id, body)
    (command,) = running.agent.beat().commands
    arguments = TraceArguments.model_validate_json(json.dumps(command.arguments))
    assert (arguments.source_id, arguments.job_id) == (17, running.job_id)
    assert arguments.settings is not None
    assert arguments.settings.time_zone == "America/Chicago"
    report = TraceReport(entity=Entity.PEOPLE, source_id=17, external_id="rock:x:Person:17")
    running.agent.answer(command.command_id, trace=report)
    found = rock.overview(READER, running.project_id).trace
    assert found is not None
    assert found.trace == report
    elsewhere = running.world.project(running.client_id, connected=False)
    refused(ErrorCode.NOT_FOUND, lambda: rock.trace(OPERATOR, elsewhere, body))


# The connection string


def test_a_connection_string_is_sealed_at_once_and_gone_when_it_is_kept() -> None:
    it = Connected()
    body = RockConnectionBody(agent_id=it.agent.agent_id, connection_string=STRING)
    assert "hunter2" not in repr(body)
    it.rock.keep(OPERATOR, it.project_id, body)
    assert "hunter2" not in everything(it.world)
    command = it.command()
    arguments = KeepArguments.model_validate(command.arguments)
    bound_to = associated_data(ORGANIZATION, it.agent.agent_id, it.project_id)
    assert unsealed(arguments.sealed, bound_to) == STRING
    with pytest.raises(InvalidTag):
        unsealed(arguments.sealed, associated_data(ORGANIZATION, it.agent.agent_id, "prj_000000000099"))
    assert it.agent.answer(command.command_id)
    assert arguments.sealed not in everything(it.world)
    kept = it.overview().keep
    assert kept is not None
    assert kept.state is CheckState.DONE
    shown = it.overview().held
    assert [(one.agent_name, one.shown.server, one.shown.user) for one in shown] == [("files01", "sql01", "reader")]


def test_a_later_one_takes_the_place_of_one_on_its_way_and_forgetting_withdraws_it() -> None:
    it = Connected()
    body = RockConnectionBody(agent_id=it.agent.agent_id, connection_string=STRING)
    it.rock.keep(OPERATOR, it.project_id, body)
    it.rock.keep(OPERATOR, it.project_id, body)
    first = KeepArguments.model_validate(it.command().arguments).sealed
    it.rock.forget(OPERATOR, it.project_id, ANYONE)
    assert first not in everything(it.world)
    assert it.command().kind == "forget_connection"
    assert it.overview().keep is None


def test_a_revoked_agents_mailbox_keeps_nothing_that_was_sealed_for_it() -> None:
    it = Connected()
    body = RockConnectionBody(agent_id=it.agent.agent_id, connection_string=STRING)
    it.rock.keep(OPERATOR, it.project_id, body)
    sealed = KeepArguments.model_validate(it.command().arguments).sealed
    it.world.services.agents.revoke(ADMIN, it.agent.agent_id)
    assert sealed not in everything(it.world)
    assert it.overview().held == []


def test_an_agent_without_a_key_is_refused_with_the_fix() -> None:
    it = Connected()
    bare = it.world.online_agent(it.client_id)
    body = RockConnectionBody(agent_id=bare.agent_id, connection_string=STRING)
    fault = refused(ErrorCode.SEALING_KEY_MISSING, lambda: it.rock.keep(OPERATOR, it.project_id, body))
    assert "rockrms set-connection" in fault.fix
    assert [option.can_seal for option in it.overview().agents if option.agent_id == bare.agent_id] == [False]


def test_an_agent_is_chosen_where_there_is_a_choice() -> None:
    world = World()
    client_id = world.client()
    project_id = world.project(client_id, connected=False)
    test = world.services.rock.test_rockrms
    assert "no agent yet" in refused(ErrorCode.REQUEST_INVALID, lambda: test(OPERATOR, project_id, ANYONE)).detail
    first, _ = world.online_agent(client_id), world.online_agent(client_id)
    assert "2 agents" in refused(ErrorCode.REQUEST_INVALID, lambda: test(OPERATOR, project_id, ANYONE)).detail
    stranger = world.online_agent(world.client(name="Other"))
    foreign = AgentChoiceBody(agent_id=stranger.agent_id)
    refused(ErrorCode.AGENT_OF_ANOTHER_CLIENT, lambda: test(OPERATOR, project_id, foreign))
    assert test(OPERATOR, project_id, AgentChoiceBody(agent_id=first.agent_id)).agent_id == first.agent_id


def test_what_dies_between_the_row_and_the_command_can_be_asked_again() -> None:
    it = Connected()

    def dies(table: str, pk: str, rk: str) -> None:
        if table == "agents" and rk.startswith("cmd|"):
            raise Retryable(ErrorCode.STORAGE_UNAVAILABLE)

    it.world.tables.before_write = dies
    with pytest.raises(Retryable):
        it.rock.test_rockrms(OPERATOR, it.project_id, ANYONE)
    it.world.tables.before_write = None
    it.world.clock.forward(it.world.limits.agent_check_seconds)
    it.beat()
    it.rock.test_rockrms(OPERATOR, it.project_id, ANYONE)
    assert it.command().kind == "test_rockrms"


def test_a_job_that_is_not_there_is_not_traced() -> None:
    it = Connected()
    job = new_import(it.world, it.project_id)
    it.world.services.jobs.delete(ADMIN, job.job_id)
    body = TraceBody(entity=Entity.PEOPLE, source_id=1, job_id=job.job_id)
    refused(ErrorCode.NOT_FOUND, lambda: it.rock.trace(OPERATOR, it.project_id, body))
