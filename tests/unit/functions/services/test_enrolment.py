"""Codes become agents, keys become callers (product page, row 10)."""

from __future__ import annotations

import threading

import pytest

from functions.domain.views import CodeState, ListQuery
from migrate_contract.agents import RegisterRequest, RegisterResponse
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from tests.memory.world import ADMIN, AgentHand, World, machine, refused, running_job

ADDRESS = "192.0.2.7"


def register(world: World, code: str, install: str = "install-a", address: str = ADDRESS) -> RegisterResponse:
    body = RegisterRequest(code=code, install_id=install, machine=machine("machine-a"))
    return world.services.enrolment.register(body, address)


def test_a_code_becomes_an_agent_of_its_client() -> None:
    world = World()
    client_id = world.client(name="St. Mary")
    answer = register(world, world.code(client_id).lower().replace("-", " "))
    assert (answer.client_id, answer.client_name, answer.agent_name) == (client_id, "St. Mary", "files01")
    caller = world.services.enrolment.authenticate(answer.agent_key, None, session_required=False)
    assert (caller.agent_id, caller.client_id) == (answer.agent_id, client_id)
    assert world.services.agents.show(ADMIN, answer.agent_id).state == "registered"


def test_no_secret_is_written_down() -> None:
    world = World()
    client_id = world.client()
    code = world.code(client_id)
    answer = register(world, code)
    secret = answer.agent_key.rsplit(".", 1)[1]
    stored = repr(world.tables.everything())
    for hidden in (secret, code, code.replace("-", ""), "install-a", ADDRESS):
        assert hidden not in stored


@pytest.mark.parametrize("typed", ["AAAA-AAAA", "x", "no such", "'; drop"])
def test_an_unknown_code_is_refused_and_counted(typed: str) -> None:
    world = World()
    refused(ErrorCode.REGISTRATION_CODE_UNKNOWN, lambda: register(world, typed))


def test_ten_wrong_codes_close_the_door_for_that_address_only() -> None:
    world = World()
    code = world.code(world.client())
    for _ in range(10):
        refused(ErrorCode.REGISTRATION_CODE_UNKNOWN, lambda: register(world, "AAAAAAAA"))
    throttled = refused(ErrorCode.REGISTRATION_THROTTLED, lambda: register(world, code))
    assert isinstance(throttled, Retryable)
    assert throttled.retry_after_seconds == 900
    assert register(world, code, address="192.0.2.8").agent_id
    world.clock.forward(901)
    refused(ErrorCode.REGISTRATION_CODE_UNKNOWN, lambda: register(world, "AAAAAAAA"))


def test_an_expired_code_says_so() -> None:
    world = World()
    code = world.code(world.client())
    world.clock.forward(24 * 3600)
    refused(ErrorCode.REGISTRATION_CODE_EXPIRED, lambda: register(world, code))
    (view,) = world.services.codes.list(ADMIN, ListQuery()).items
    assert view.state is CodeState.EXPIRED
    world.services.codes.revoke(ADMIN, view.code_id)
    assert world.services.codes.list(ADMIN, ListQuery()).items == [view]


def test_a_revoked_code_says_so_and_a_used_one_stays_used() -> None:
    world = World()
    client_id = world.client()
    code, used = world.code(client_id), world.code(client_id)
    register(world, used)
    listed = world.services.codes.list(ADMIN, ListQuery(), client_id).items
    for view in listed:
        world.services.codes.revoke(ADMIN, view.code_id)
    refused(ErrorCode.REGISTRATION_CODE_REVOKED, lambda: register(world, code))
    states = {view.state for view in world.services.codes.list(ADMIN, ListQuery(), client_id).items}
    assert states == {CodeState.REVOKED, CodeState.USED}


def test_a_used_code_names_the_agent_and_the_time() -> None:
    world = World()
    code = world.code(world.client())
    register(world, code)
    again = refused(ErrorCode.REGISTRATION_CODE_USED, lambda: register(world, code, install="install-b"))
    assert "registered as files01 at 2026-03-02 14:00" in again.detail


def test_a_lost_answer_is_not_a_used_code() -> None:
    world = World()
    code = world.code(world.client())
    first = register(world, code)
    world.clock.forward(899)
    second = register(world, code)
    assert second.agent_id == first.agent_id
    assert second.agent_key != first.agent_key
    caller = world.services.enrolment.authenticate(second.agent_key, None, session_required=False)
    assert caller.agent_id == first.agent_id
    world.clock.forward(2)
    refused(ErrorCode.REGISTRATION_CODE_USED, lambda: register(world, code))


def test_a_crash_between_code_and_agent_is_healed_by_the_same_install() -> None:
    world = World()
    code = world.code(world.client())

    def crash(table: str, pk: str, rk: str) -> None:
        if table == "agents":
            raise Retryable(ErrorCode.STORAGE_UNAVAILABLE, "gone")

    world.tables.before_write = crash
    refused(ErrorCode.STORAGE_UNAVAILABLE, lambda: register(world, code))
    world.tables.before_write = None
    answer = register(world, code)
    assert world.services.agents.show(ADMIN, answer.agent_id).name == "files01"


def test_of_two_agents_that_race_for_a_code_exactly_one_wins() -> None:
    world = World()
    code = world.code(world.client())
    both_have_read = threading.Barrier(2)
    met = threading.local()

    def wait(table: str, pk: str, rk: str) -> None:
        if table == "codes" and not getattr(met, "done", False):
            met.done = True
            both_have_read.wait(timeout=10)

    world.tables.before_write = wait
    outcomes: list[str] = []

    def race(install: str) -> None:
        try:
            outcomes.append(register(world, code, install=install).agent_id)
        except Fatal as fatal:
            outcomes.append(fatal.code.value)

    threads = [threading.Thread(target=race, args=(f"install-{name}",)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.tables.before_write = None
    assert sorted(outcomes)[1] == "registration-code-used"
    assert [view.agent_id for view in world.services.agents.list(ADMIN, ListQuery()).items] == [sorted(outcomes)[0]]


def test_a_code_of_a_deleted_client_makes_no_agent() -> None:
    world = World()
    client_id = world.client()
    code = world.code(client_id)
    world.services.clients.delete(ADMIN, client_id)
    refused(ErrorCode.REGISTRATION_CODE_UNKNOWN, lambda: register(world, code))


def test_keys_are_missing_wrong_or_of_nobody() -> None:
    world = World()
    agent = world.online_agent(world.client())
    authenticate = world.services.enrolment.authenticate
    refused(ErrorCode.AGENT_KEY_MISSING, lambda: authenticate(None, "1"))
    refused(ErrorCode.AGENT_KEY_INVALID, lambda: authenticate("x", "1"))
    refused(ErrorCode.AGENT_KEY_INVALID, lambda: authenticate(agent.key[:-1] + "x", "1"))
    refused(ErrorCode.AGENT_KEY_INVALID, lambda: authenticate(agent.key.replace("acme", "rival"), "1"))
    refused(ErrorCode.AGENT_KEY_INVALID, lambda: authenticate("acme.agt_zzzzzzzzzzzz." + "s" * 43, "1"))


@pytest.mark.parametrize("header", [None, "", "x", "-1", "1.0", "9" * 40, "²"])
def test_a_session_header_that_is_none_is_refused(header: str | None) -> None:
    world = World()
    agent = world.online_agent(world.client())
    refused(ErrorCode.REQUEST_INVALID, lambda: world.services.enrolment.authenticate(agent.key, header))


def test_a_rotated_key_overlaps_and_then_ends() -> None:
    world = World()
    agent = world.online_agent(world.client())
    old = agent.key
    world.clock.forward(world.limits.key_rotation_seconds - 1)
    assert not agent.beat().rotate_key
    world.clock.forward(1)
    assert agent.beat().rotate_key
    agent.key = world.services.enrolment.rotate_key(agent.caller()).agent_key
    assert not agent.beat().rotate_key
    backup = AgentHand(world, old, agent.agent_id, agent.client_id, instance_id="instance-old", epoch=agent.epoch)
    assert backup.caller().old_key
    world.clock.forward(world.limits.key_overlap_seconds)
    refused(ErrorCode.AGENT_KEY_EXPIRED, backup.caller)
    assert not agent.caller().old_key


def test_a_lost_answer_to_a_rotation_is_repaired_by_the_old_key() -> None:
    world = World()
    agent = world.online_agent(world.client())
    world.services.enrolment.rotate_key(agent.caller())
    assert agent.beat().rotate_key
    agent.key = world.services.enrolment.rotate_key(agent.caller()).agent_key
    world.clock.forward(world.limits.key_overlap_seconds + 1)
    assert not agent.beat().rotate_key


def test_a_revoked_agent_is_told_so_and_its_code_cannot_be_replayed() -> None:
    world = World()
    code = world.code(world.client())
    answer = register(world, code)
    world.services.agents.revoke(ADMIN, answer.agent_id)
    authenticate = world.services.enrolment.authenticate
    refused(ErrorCode.AGENT_REVOKED, lambda: authenticate(answer.agent_key, None, session_required=False))
    refused(ErrorCode.REGISTRATION_CODE_USED, lambda: register(world, code))


def test_an_agent_that_unregisters_leaves_its_job_to_another() -> None:
    running = running_job()
    world = running.world
    caller = world.services.enrolment.authenticate(running.agent.key, None, session_required=False)
    world.services.enrolment.unregister(caller)
    assert (running.job.state, running.job.attempt, running.job.agent_id) == ("created", 2, None)
    refused(ErrorCode.AGENT_REVOKED, running.agent.caller)
    other = world.online_agent(running.client_id)
    world.drain()
    other.take(running.job)
    assert running.job.agent_id == other.agent_id
