"""Heartbeats: one partition query (made by authentication) and one conditional MERGE of the row `beat`."""

from __future__ import annotations

from datetime import datetime

from functions.domain import rows
from functions.domain.agent import (
    ASSIGNMENT_PREFIX,
    BEAT_ROW,
    COMMAND_PREFIX,
    Beat,
    Session,
    SessionVerdict,
    changes_json,
    faults_json,
    held_json,
    jobs_json,
    judge_session,
)
from functions.domain.caller import AgentCaller
from functions.domain.key_ring import KeyRing
from functions.domain.limit_rows import limit_set, version_of
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowChanged, RowMissing, Tables, Tokens, Value
from functions.services.alerts import Alerts, Finding
from functions.services.mailbox import command_of
from migrate_contract.agents import Assignment, HeartbeatRequest, HeartbeatResponse, ProcessMode
from migrate_contract.errors import ErrorCode, Fatal, Retryable

TABLE = "agents"
_TRIES = 5
_MOST_COMMANDS = 20
"""In one answer; the others follow when these are answered."""
_RUNNING = frozenset({ProcessMode.FOREGROUND, ProcessMode.SERVICE})


class Heartbeats:
    """The only writer of `beat` (and of a command's `delivered_at`)."""

    def __init__(self, tables: Tables, clock: Clock, tokens: Tokens, limits: Limits, alerts: Alerts) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._limits = limits
        self._alerts = alerts

    def beat(self, caller: AgentCaller, body: HeartbeatRequest) -> HeartbeatResponse:
        """Result: the session, what to do, and when to come back.

        Raises Fatal(session-superseded), Fatal(agent-cloned).
        """
        tables = OrganizationTables(self._tables, caller.organization)
        agent, row = caller.agent, caller.beat
        for _ in range(_TRIES):
            now = self._clock()
            beat = Beat(row)
            session = judge_session(agent, beat, body, now, self._limits)
            if session.verdict is SessionVerdict.SUPERSEDED:
                raise Fatal(ErrorCode.SESSION_SUPERSEDED, f"Session {beat.epoch} has taken over.")
            interval = self._interval(caller, body)
            if session.verdict is SessionVerdict.REPEAT:
                return self._answer(tables, caller, body, session, interval)
            try:
                tables.merge(
                    TABLE, caller.agent_id, BEAT_ROW, self._columns(beat, body, session, now, interval), beat.etag
                )
            except (RowChanged, RowMissing):
                row = self._again(tables, caller)
                continue
            if session.verdict is SessionVerdict.CLONED:
                raise self._cloned(caller, body)
            return self._answer(tables, caller, body, session, interval)
        raise Retryable(ErrorCode.CHANGED_MEANWHILE, "Several heartbeats of this agent came at once.")

    def _again(self, tables: OrganizationTables, caller: AgentCaller) -> Row:
        """Result: the beat as somebody else has just written it."""
        row = tables.get(TABLE, caller.agent_id, BEAT_ROW)
        if row is None:
            raise Fatal(ErrorCode.AGENT_KEY_INVALID, "The agent was deleted.")
        return row

    def _columns(
        self, beat: Beat, body: HeartbeatRequest, session: Session, now: datetime, interval: float
    ) -> dict[str, Value]:
        """Result: what this heartbeat writes. An enrolment's own heartbeat is no sign of a running process."""
        columns: dict[str, Value] = {
            "last_seen_at": now,
            "mode": body.mode.value,
            "epoch": session.epoch,
            "instance_id": body.instance_id,
            "sequence": body.sequence,
            "interval_seconds": interval,
            "clock_skew_seconds": (body.agent_time - now).total_seconds(),
            "max_jobs": body.max_jobs,
            "disk_free_bytes": body.disk_free_bytes if body.disk_free_bytes is not None else -1,
            "buffered_reports": body.buffered_reports,
            **rows.long_text("machine", body.machine.model_dump_json()),
            **rows.long_text("jobs", jobs_json(body.jobs)),
            **rows.long_text("faults", faults_json(body.faults)),
        }
        if body.mode in _RUNNING:
            columns["running_at"] = now
            columns["sealing_key"] = body.sealing_key
            columns |= rows.long_text("rock_connections", held_json(body.rock_connections))
        if session.changes != beat.changes:
            columns["session_changes"] = changes_json(session.changes)
        if session.verdict is SessionVerdict.CLONED:
            columns["cloned_at"] = now
        return columns

    def _interval(self, caller: AgentCaller, body: HeartbeatRequest) -> float:
        """Result: seconds to the next heartbeat: short while there is work, with jitter so that agents spread out."""
        busy = bool(caller.mailbox) or bool(body.jobs)
        base = self._limits.heartbeat_active_seconds if busy else self._limits.heartbeat_idle_seconds
        return base * (1 + self._limits.heartbeat_jitter * (2 * self._tokens.fraction() - 1))

    def _answer(
        self,
        tables: OrganizationTables,
        caller: AgentCaller,
        body: HeartbeatRequest,
        session: Session,
        interval: float,
    ) -> HeartbeatResponse:
        """Result: the answer. A process that is about to end is given nothing to do."""
        now = self._clock()
        working = body.mode in _RUNNING
        commands = [row for row in caller.mailbox if row.rk.startswith(COMMAND_PREFIX)] if working else []
        commands.sort(key=lambda row: (rows.need_moment(row, "issued_at"), row.rk))
        commands = commands[:_MOST_COMMANDS]
        self._mark_delivered(tables, caller, commands, now)
        assignments = [row for row in caller.mailbox if row.rk.startswith(ASSIGNMENT_PREFIX)] if working else []
        ring = KeyRing.of(caller.agent)
        return HeartbeatResponse(
            server_time=now,
            session_epoch=session.epoch,
            next_heartbeat_seconds=interval,
            commands=[command_of(row) for row in commands],
            assignments=[
                Assignment(job_id=row.rk.removeprefix(ASSIGNMENT_PREFIX), attempt=rows.number(row, "attempt", 1))
                for row in assignments
            ],
            limits=limit_set(caller.mailbox) if working and version_of(caller.mailbox) != body.limits_version else None,
            rotate_key=working and (caller.old_key or ring.is_due(now, self._limits.key_rotation_seconds)),
        )

    def _mark_delivered(
        self, tables: OrganizationTables, caller: AgentCaller, commands: list[Row], now: datetime
    ) -> None:
        """Notes when a command was first handed out."""
        for row in commands:
            if rows.moment(row, "delivered_at") is None:
                try:
                    tables.merge(TABLE, caller.agent_id, row.rk, {"delivered_at": now}, row.etag)
                except (RowChanged, RowMissing):
                    continue  # Delivered by another heartbeat, or withdrawn: either way there is nothing to note.

    def _cloned(self, caller: AgentCaller, body: HeartbeatRequest) -> Fatal:
        """Result: the refusal, after the alert."""
        detail = f"Agent {caller.name}: processes on two machines took over from each other."
        self._alerts.stands(
            Finding(
                caller.organization,
                ErrorCode.AGENT_CLONED,
                caller.agent_id,
                f"{detail} The last one was on {body.machine.hostname}.",
                link=f"/agents/{caller.agent_id}",
                client_id=caller.client_id,
            )
        )
        return Fatal(ErrorCode.AGENT_CLONED, detail)
