"""The transition table and what each move does, over the whole product of states."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from functions.domain.job import (
    ENDED,
    NO_MARK,
    TRANSITIONS,
    UNFINISHED,
    WORKING,
    Job,
    JobSettings,
    Mark,
    Wish,
    advance,
    renewed,
    route,
)
from functions.domain.job_rows import job_columns, job_of
from functions.domain.ports import Row
from functions.domain.views import WishKind
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import (
    BlobDestination,
    FileFilters,
    JobFault,
    JobState,
    JobType,
    LocalSource,
    Outcome,
    TransferSettings,
)

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

PRODUCT_PAGE = """
created: scanning, failed, cancelled
scanning: ready, running, paused, failed, cancelled, created
ready: running, paused, failed, cancelled, created
running: completed, paused, failed, cancelled, created
paused: created, failed, cancelled
failed: created
completed: created
cancelled: created
"""


def a_job(state: JobState = JobState.CREATED, **fields: object) -> Job:
    job = Job(
        organization="acme",
        client_id="cli_000000000001",
        project_id="prj_000000000001",
        job_id="job_000000000001000000000002",
        settings=JobSettings(
            name="Copy",
            type=JobType.MIGRATE_FILES,
            source=LocalSource(path="/data"),
            destination=BlobDestination(container="files", prefix="a/b"),
            filters=FileFilters(include=["*.txt"] * 3),
            transfer=TransferSettings(),
            hold_after_scan=False,
        ),
        created_at=NOW,
        created_by="Ada",
        state_at=NOW,
        state=state,
        agent_id="agt_000000000003",
    )
    return replace(job, **fields)  # type: ignore[arg-type]


def test_the_table_is_the_product_pages() -> None:
    table = {}
    for line in PRODUCT_PAGE.strip().splitlines():
        start, ends = line.split(": ")
        table[JobState(start)] = {JobState(end) for end in ends.split(", ")}
    assert table == TRANSITIONS
    assert WORKING | ENDED | {JobState.CREATED, JobState.PAUSED} == set(JobState)
    assert set(JobState) - ENDED == UNFINISHED


@pytest.mark.parametrize(("start", "end"), list(product(JobState, JobState)))
def test_every_move_is_made_or_refused_as_the_table_says(start: JobState, end: JobState) -> None:
    job = a_job(start, taken_at=NOW)
    if end not in TRANSITIONS[start]:
        with pytest.raises(Fatal) as caught:
            advance(job, end, now=LATER)
        assert caught.value.code is ErrorCode.JOB_STATE_CONFLICT
        return
    moved = advance(job, end, now=LATER)
    assert (moved.state, moved.state_at) == (end, LATER)
    raised = end is JobState.CREATED and start is not JobState.PAUSED
    assert moved.attempt == job.attempt + raised
    assert (moved.ended_at == LATER) == (end in ENDED)


@pytest.mark.parametrize("end", [*sorted(ENDED), JobState.PAUSED])
def test_ending_and_pausing_withdraw_the_wish(end: JobState) -> None:
    wish = Wish(WishKind.PAUSE, "Olga", NOW, 4)
    moved = advance(a_job(JobState.RUNNING, wish=wish, approval=3), end, now=LATER)
    assert (moved.wish, moved.approval) == (None, 0)


def test_a_resumed_job_keeps_its_attempt_and_is_dispatched_anew() -> None:
    paused = a_job(JobState.PAUSED, taken_at=NOW, started_at=NOW, approved_at=NOW, followed=Mark(2, 9), unpause=True)
    resumed = advance(paused, JobState.CREATED, now=LATER)
    assert (resumed.attempt, resumed.dispatch) == (paused.attempt, paused.dispatch + 1)
    assert resumed.waits_for_agent
    assert (resumed.started_at, resumed.approved_at, resumed.followed) == (NOW, NOW, Mark(2, 9))
    assert not resumed.unpause
    assert resumed.spec.approved


@pytest.mark.parametrize("state", sorted(set(JobState) - {JobState.CREATED}))
def test_a_new_attempt_begins_with_nothing_of_the_last_one(state: JobState) -> None:
    job = a_job(
        state,
        taken_at=NOW,
        started_at=NOW,
        ended_at=NOW,
        approved_at=NOW,
        approval=1,
        outcome=Outcome.COMPLETE,
        fault=JobFault(code="x", detail="y"),
        wish=Wish(WishKind.CANCEL, "Olga", NOW, 1),
        followed=Mark(3, 3),
        unpause=True,
    )
    fresh = advance(job, JobState.CREATED, now=LATER, new_attempt=True)
    expected = replace(
        a_job(), attempt=2, dispatch=2, state_at=LATER, entries=job.entries, followed=NO_MARK, state=JobState.CREATED
    )
    assert fresh == expected
    assert renewed(job, LATER).state is state


@pytest.mark.parametrize(("start", "end"), list(product(JobState, JobState)))
def test_a_report_is_routed_only_over_moves_of_the_table(start: JobState, end: JobState) -> None:
    if end is JobState.CREATED:
        return
    job = a_job(start)
    for state in route(start, end):
        job = advance(job, state, now=LATER)
    if start in ENDED or start is end:
        assert job.state is start
    elif end in ENDED or end is JobState.PAUSED:
        assert job.state is end
    order = [JobState.CREATED, JobState.SCANNING, JobState.READY, JobState.RUNNING]
    if start in order and end in order:
        assert job.state is order[max(order.index(start), order.index(end))]


def test_reports_that_skip_states_go_through_them() -> None:
    assert route(JobState.CREATED, JobState.COMPLETED) == (JobState.SCANNING, JobState.RUNNING, JobState.COMPLETED)
    assert route(JobState.READY, JobState.COMPLETED) == (JobState.RUNNING, JobState.COMPLETED)
    assert route(JobState.RUNNING, JobState.SCANNING) == ()
    assert route(JobState.CREATED, JobState.FAILED) == (JobState.FAILED,)
    assert route(JobState.PAUSED, JobState.RUNNING) == (JobState.CREATED, JobState.SCANNING, JobState.RUNNING)


def test_a_job_survives_its_row() -> None:
    full = a_job(
        JobState.RUNNING,
        attempt=3,
        dispatch=7,
        taken_at=NOW,
        account="data",
        wish=Wish(WishKind.PAUSE, "Olga", NOW, 9, LATER),
        unpause=True,
        approved_at=NOW,
        approval=5,
        started_at=NOW,
        ended_at=LATER,
        outcome=Outcome.COMPLETE_WITH_FAILURES,
        fault=JobFault(code="source-not-found", detail="\x00\n" * 900),
        followed=Mark(4, 2**40),
        entries=12,
    )
    for job in (full, a_job(agent_id=None)):
        assert job_of(Row("p", "r", {k: v for k, v in job_columns(job).items() if v is not None}, "e")) == job
