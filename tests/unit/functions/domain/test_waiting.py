"""The waiting sentence for each situation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.job import Wish
from functions.domain.views import WishKind
from functions.domain.waiting import Situation, clock_time, waiting_because
from migrate_contract.agents import AgentState
from migrate_contract.jobs import JobState, Waiting, WaitReason
from tests.unit.functions.domain.test_job import NOW, a_job

SEEN = NOW - timedelta(seconds=20)
NEXT = NOW + timedelta(seconds=12)
NEW = a_job()
TAKEN = a_job(taken_at=NOW)
RUNNING = a_job(JobState.RUNNING, taken_at=NOW)
ONLINE = Situation(NEW, "files01", AgentState.ONLINE, SEEN, NEXT)


def wished(kind: WishKind, *, taken: bool = False) -> Situation:
    job = replace(RUNNING, wish=Wish(kind, "Olga", NOW, 1, NOW if taken else None))
    return replace(ONLINE, job=job)


CASES: list[tuple[Situation, str | None]] = [
    (Situation(NEW), "No agent yet: generate a registration code for this client and register an agent."),
    (Situation(NEW, candidates=1), "About to be given to the client's agent."),
    (Situation(NEW, candidates=3), "No agent chosen: the client has 3. Reassign the job to one of them."),
    (
        replace(ONLINE, agent_state=AgentState.REGISTERED, last_seen_at=None),
        "Agent files01 is registered, process not started: type migrate-agent start --service on its machine.",
    ),
    (
        replace(ONLINE, agent_state=AgentState.OFFLINE),
        "Agent files01 is offline since 13:59:40 UTC: type migrate-agent start --service on its machine.",
    ),
    (
        replace(ONLINE, agent_state=AgentState.SUSPENDED),
        "Agent files01 is suspended, because two machines use its key.",
    ),
    (replace(ONLINE, agent_state=AgentState.REVOKED), "Agent files01 is revoked: reassign the job."),
    (ONLINE, "About to be queued for agent files01."),
    (replace(ONLINE, queued=True), "Queued for the next heartbeat of agent files01, by 14:00:12 UTC."),
    (
        replace(ONLINE, queued=True, delivered_at=SEEN),
        "Delivered to agent files01 at 13:59:40 UTC, not acknowledged yet.",
    ),
    (replace(ONLINE, job=TAKEN), "Accepted by agent files01, about to start."),
    (
        replace(ONLINE, job=TAKEN, position=2, busy_with=("Photos", "Mail")),
        "Agent files01 busy with Photos and Mail, position 2.",
    ),
    (replace(ONLINE, job=TAKEN, position=1), "Agent files01 busy with other jobs, position 1."),
    (
        replace(ONLINE, job=RUNNING, agent_state=AgentState.OFFLINE),
        "Agent files01 is offline since 13:59:40 UTC: type migrate-agent start --service on its machine. "
        "The job goes on by itself when the agent is back.",
    ),
    (
        replace(ONLINE, job=a_job(JobState.READY, taken_at=NOW)),
        "Scan complete. Waits for approval: look at the totals, then approve it.",
    ),
    (
        replace(ONLINE, job=a_job(JobState.READY, taken_at=NOW, approved_at=NOW)),
        "Approved; it reaches agent files01 with its next heartbeat, by 14:00:12 UTC.",
    ),
    (replace(ONLINE, job=RUNNING), None),
    (replace(ONLINE, job=RUNNING, waiting=Waiting()), None),
    (
        replace(ONLINE, job=RUNNING, waiting=Waiting(reason=WaitReason.NO_CONNECTION, detail="no connection to x")),
        "no connection to x",
    ),
    (
        replace(ONLINE, job=RUNNING, waiting=Waiting(reason=WaitReason.THROTTLE)),
        "Waits for the bandwidth limit.",
    ),
    (
        wished(WishKind.PAUSE),
        "Pause asked by Olga at 14:00:00 UTC; it reaches agent files01 with its next heartbeat, by 14:00:12 UTC.",
    ),
    (
        wished(WishKind.CANCEL, taken=True),
        "Cancel asked by Olga at 14:00:00 UTC; the agent has taken it and is stopping.",
    ),
    (
        replace(wished(WishKind.PAUSE), agent_state=AgentState.OFFLINE),
        "Pause asked by Olga at 14:00:00 UTC; agent files01 is offline since 13:59:40 UTC: type migrate-agent start "
        "--service on its machine.",
    ),
    (replace(ONLINE, job=a_job(JobState.PAUSED)), "Paused. Resume it to go on where it stopped."),
    (
        replace(ONLINE, job=RUNNING, agent_state=AgentState.OFFLINE, unconfirmed_since=SEEN),
        "Unconfirmed: nothing heard about it since 13:59:40 UTC. Agent files01 is offline since 13:59:40 UTC: type "
        "migrate-agent start --service on its machine. It goes on by itself when the agent returns; if it will not, "
        "reassign the job.",
    ),
]


@pytest.mark.parametrize(("situation", "sentence"), CASES)
def test_each_situation_has_its_sentence(situation: Situation, sentence: str | None) -> None:
    assert waiting_because(situation, NOW) == sentence


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.COMPLETED, JobState.CANCELLED])
def test_an_ended_job_waits_for_nothing(state: JobState) -> None:
    assert waiting_because(replace(ONLINE, job=a_job(state)), NOW) is None


@pytest.mark.parametrize("reason", list(WaitReason))
def test_every_reason_of_the_agent_has_words(reason: WaitReason) -> None:
    sentence = waiting_because(replace(ONLINE, job=RUNNING, waiting=Waiting(reason=reason)), NOW)
    assert (sentence is None) == (reason is WaitReason.NONE)


def test_another_day_shows_its_date() -> None:
    assert clock_time(NOW - timedelta(days=1), NOW) == "2026-03-01 14:00 UTC"
