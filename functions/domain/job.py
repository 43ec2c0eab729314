"""A job and how it moves. Pure: takes a job, returns the job after the move, or refuses.

Nouns: an *attempt* is one run; a *wish* is what an operator asked of a job that an agent holds, kept apart from the
state until the agent has done it; a *dispatch* is one start command (its number tells an edited or resumed start
from the one before); the job is *taken* once its agent has acknowledged the newest dispatch; a *mark* orders the
agent's reports within an attempt: the session's epoch, then the sequence (a machine that was restored from a backup
counts on from an old sequence, but in a newer session).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from functions.domain.views import WishKind
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import (
    BlobDestination,
    FileFilters,
    JobDestination,
    JobFault,
    JobSource,
    JobSpec,
    JobState,
    JobType,
    Outcome,
    TransferSettings,
    Verification,
)
from migrate_contract.rockrms import ImportSettings, MissionDestination
from migrate_contract.sync import MirrorMode, MirrorOrder, SyncSettings
from migrate_contract.wire import Name, WireModel

_S = JobState
MISSION = "mission:"
"""Stands for the account of imports; no data account has such a name."""

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    _S.CREATED: frozenset({_S.SCANNING, _S.FAILED, _S.CANCELLED}),
    _S.SCANNING: frozenset({_S.READY, _S.RUNNING, _S.PAUSED, _S.FAILED, _S.CANCELLED, _S.CREATED}),
    _S.READY: frozenset({_S.RUNNING, _S.PAUSED, _S.FAILED, _S.CANCELLED, _S.CREATED}),
    _S.RUNNING: frozenset({_S.COMPLETED, _S.PAUSED, _S.FAILED, _S.CANCELLED, _S.CREATED}),
    _S.PAUSED: frozenset({_S.CREATED, _S.FAILED, _S.CANCELLED}),
    _S.FAILED: frozenset({_S.CREATED}),
    _S.COMPLETED: frozenset({_S.CREATED}),
    _S.CANCELLED: frozenset({_S.CREATED}),
}
"""The whole table (product page, States)."""
WORKING = frozenset({_S.SCANNING, _S.READY, _S.RUNNING})
"""An agent is at it."""
ENDED = frozenset({_S.FAILED, _S.COMPLETED, _S.CANCELLED})
UNFINISHED = frozenset(JobState) - ENDED


class Mark(NamedTuple):
    """Orders reports of one attempt; the larger is the newer."""

    session_epoch: int
    sequence: int


NO_MARK = Mark(0, -1)
"""Before the first report."""


class JobSettings(WireModel):
    """What the operator asked for; the next attempt's spec is made from it."""

    name: Name
    type: JobType
    source: JobSource
    destination: JobDestination
    rockrms: ImportSettings | None = None
    """Of an import; funds and decisions are those that the attempt began with."""
    filters: FileFilters
    transfer: TransferSettings
    hold_after_scan: bool
    sync: SyncSettings | None = None
    """Of a sync: how it repeats itself, and whether it mirrors."""
    check_readable: bool = False

    @property
    def blob(self) -> BlobDestination:
        """Result: a file job's destination. Raises Fatal(job-type-conflict) for an import."""
        if not isinstance(self.destination, BlobDestination):
            raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, "An import writes to no container.")
        return self.destination

    @property
    def is_import(self) -> bool:
        """Result: whether records are imported, not files copied."""
        return self.type is JobType.ROCKRMS_IMPORT

    @property
    def is_dry_run(self) -> bool:
        """Result: whether the attempt imports nothing, and only says what an import would do."""
        return self.rockrms is not None and self.rockrms.dry_run


@dataclass(frozen=True, slots=True)
class Wish:
    """A pause or cancel that waits for the agent. `taken_at`: when the agent acknowledged the command."""

    kind: WishKind
    by: str
    at: datetime
    number: int
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One unit of work of a project, bound to at most one agent. The row's only writer is the lifecycle."""

    organization: str
    client_id: str
    project_id: str
    job_id: str
    settings: JobSettings
    created_at: datetime
    created_by: str
    state_at: datetime
    """When the state, the attempt or the dispatch last changed."""
    state: JobState = JobState.CREATED
    attempt: int = 1
    agent_id: str | None = None
    dispatch: int = 1
    taken_at: datetime | None = None
    account: str | None = None
    """The data account whose destination is claimed for this job; None before a claim. Of an import: `MISSION`."""
    wish: Wish | None = None
    unpause: bool = False
    """An operator took back a pause that the agent may do all the same: then it is resumed at once."""
    approved_at: datetime | None = None
    approval: int = 0
    """Number of the approve command; 0 where none is wanted."""
    started_at: datetime | None = None
    """When this attempt began to scan."""
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    fault: JobFault | None = None
    followed: Mark = NO_MARK
    """The newest report that moved this attempt: older ones move nothing."""
    entries: int = 0
    """How many history entries there are."""
    retried: tuple[int, ...] = ()
    """Earlier attempts that this one completes by their failed files, oldest first; empty: it is about all files."""
    final: bool = False
    """This attempt is a sync's cutover."""
    due_at: datetime | None = None
    """When the schedule begins the next attempt; None where it begins none."""
    skipped_at: datetime | None = None
    """When the schedule last passed a run over; None once a run has begun after that."""
    skipped_because: str = ""
    mirror_confirmed_at: datetime | None = None
    mirror_confirmed_by: str = ""

    @property
    def waits_for_agent(self) -> bool:
        """Result: whether the newest start command has not been acknowledged."""
        return self.state is JobState.CREATED and self.taken_at is None

    @property
    def held(self) -> bool:
        """Result: whether an agent holds this attempt, so that a pause or cancel must be asked of it."""
        return self.state in WORKING or (self.state is JobState.CREATED and self.taken_at is not None)

    @property
    def failed_of(self) -> int | None:
        """Result: the attempt whose failed files this one is about; None: it is about all files."""
        return self.retried[-1] if self.retried else None

    @property
    def schedule(self) -> str | None:
        """Result: the cron expression that begins attempts; None where there is none."""
        return self.settings.sync.schedule if self.settings.sync else None

    @property
    def mirror(self) -> MirrorOrder | None:
        """Result: what this attempt may do about surplus blobs. One that does not look at every file does nothing."""
        rules = self.settings.sync.mirror if self.settings.sync else None
        if rules is None or self.failed_of is not None:
            return None
        mode = MirrorMode.DELETE if self.mirror_confirmed_at is not None else MirrorMode.PREVIEW
        return MirrorOrder(mode=mode, **rules.model_dump())

    @property
    def spec(self) -> JobSpec:
        """Result: what the attempt's agent is given. A cutover reads every copy back, whatever the job asks for."""
        settings = {name: getattr(self.settings, name) for name in JobSettings.model_fields if name != "sync"}
        if self.final and self.settings.transfer.verification is Verification.BLOCK:
            settings["transfer"] = self.settings.transfer.model_copy(update={"verification": Verification.STORED})
        return JobSpec(
            job_id=self.job_id,
            attempt=self.attempt,
            approved=self.approved_at is not None,
            failed_of=self.failed_of,
            final=self.final,
            mirror=self.mirror,
            **settings,
        )


class Place(NamedTuple):
    """What a job claims, so that no other unfinished one writes there, too."""

    container: str
    prefix: str


def claimed_place(job: Job, destination: JobDestination) -> Place:
    """Result: the container and prefix; of an import its project, of which one import at a time writes to Mission."""
    if isinstance(destination, MissionDestination):
        return Place(job.project_id, "")
    return Place(destination.container, destination.prefix)


def conflict(job: Job, action: str, allowed: str) -> Fatal:
    """Result: the refusal of an action that the job's state does not allow; `allowed` says when it is possible."""
    return Fatal(
        ErrorCode.JOB_STATE_CONFLICT, f"The job is {job.state.value}; {action} is possible only while it is {allowed}."
    )


def advance(
    job: Job,
    to: JobState,
    *,
    now: datetime,
    new_attempt: bool = False,
    outcome: Outcome | None = None,
    fault: JobFault | None = None,
) -> Job:
    """Result: the job in state `to`. Raises Fatal(job-state-conflict) for a move that is not in the table.

    To `created` the attempt is raised, unless a paused job is resumed (`new_attempt` False). Ending or pausing
    withdraws the wish: it is fulfilled, or there is nothing left to ask for.
    """
    if to not in TRANSITIONS[job.state]:
        raise Fatal(ErrorCode.JOB_STATE_CONFLICT, f"A job cannot go from {job.state.value} to {to.value}.")
    if to is JobState.CREATED:
        return _back_to_created(job, now, new_attempt=new_attempt or job.state is not JobState.PAUSED)
    moved = replace(job, state=to, state_at=now, taken_at=job.taken_at or now)
    if to is JobState.SCANNING:
        return replace(moved, started_at=job.started_at or now)
    if to is JobState.RUNNING:
        return replace(moved, approval=0)
    if to in ENDED or to is JobState.PAUSED:
        moved = replace(moved, wish=None, approval=0)
    if to in ENDED:
        moved = replace(moved, ended_at=now, unpause=False, outcome=outcome, fault=fault)
    return moved


def _back_to_created(job: Job, now: datetime, *, new_attempt: bool) -> Job:
    """Result: waiting for an agent to take it, again."""
    if new_attempt:
        return renewed(replace(job, state=JobState.CREATED), now)
    return replace(
        job,
        state=JobState.CREATED,
        state_at=now,
        dispatch=job.dispatch + 1,
        taken_at=None,
        wish=None,
        unpause=False,
    )


def renewed(job: Job, now: datetime) -> Job:
    """Result: the job's next attempt, in the state it is in; what the last one had come to is gone from it."""
    return replace(
        job,
        attempt=job.attempt + 1,
        dispatch=job.dispatch + 1,
        state_at=now,
        taken_at=None,
        wish=None,
        unpause=False,
        approved_at=None,
        approval=0,
        started_at=None,
        ended_at=None,
        outcome=None,
        fault=None,
        followed=NO_MARK,
    )


_ORDER = {_S.CREATED: 0, _S.SCANNING: 1, _S.READY: 2, _S.RUNNING: 3}
_THROUGH = {
    _S.SCANNING: (_S.SCANNING,),
    _S.READY: (_S.SCANNING, _S.READY),
    _S.RUNNING: (_S.SCANNING, _S.RUNNING),
    _S.PAUSED: (_S.SCANNING, _S.PAUSED),
    _S.COMPLETED: (_S.SCANNING, _S.RUNNING, _S.COMPLETED),
    _S.FAILED: (_S.FAILED,),
    _S.CANCELLED: (_S.CANCELLED,),
}


def route(start: JobState, end: JobState) -> tuple[JobState, ...]:
    """Result: the states to go through from `start` to where the agent says it is, `end` included.

    Empty where there is nothing to do: an ended job stays ended, and a report never leads backwards (a scan goes on
    while files are copied). A paused job whose agent works is taken through `created`, since that is the only way.
    """
    if start is end or start in ENDED:
        return ()
    if start is JobState.PAUSED:
        return (end,) if end in (JobState.FAILED, JobState.CANCELLED) else (JobState.CREATED, *_THROUGH[end])
    if end in _ORDER and _ORDER[end] <= _ORDER[start]:
        return ()
    position = _ORDER[start]
    return tuple(state for state in _THROUGH[end] if _ORDER.get(state, 99) > position)
