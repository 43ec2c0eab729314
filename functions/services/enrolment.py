"""Enrolment: a code becomes an agent, and an agent's key becomes a caller.

Nouns: *redeeming* a code marks it used by one conditional write, so that of two agents exactly one wins; a *replay*
is the same install redeeming its own code again because the answer was lost.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from functions.domain import rows
from functions.domain.agent import AGENT_ROW, BEAT_ROW, Beat, suspended_at
from functions.domain.caller import AgentCaller
from functions.domain.ids import new_agent_id
from functions.domain.key_ring import KeyRing
from functions.domain.keys import agent_key, keyed_hash, normal_code, parse_agent_key, secret_hash
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import (
    Clock,
    Operation,
    Row,
    RowChanged,
    RowExists,
    RowMissing,
    Tables,
    Tokens,
    Value,
    Write,
)
from functions.services.agents import TABLE, Agents
from functions.services.audit import Audit
from functions.services.clients import TABLE as CLIENTS
from functions.services.clients import touch_client
from functions.services.codes import ROW as CODE_ROW
from functions.services.codes import TABLE as CODES
from functions.services.throttle import Throttle
from migrate_contract.agents import RegisterRequest, RegisterResponse, RotateKeyResponse
from migrate_contract.errors import ErrorCode, Fatal, Retryable

_TRIES = 8


class _Redeemed(NamedTuple):
    """A code that is this install's."""

    organization: str
    client_id: str
    agent_id: str


class Enrolment:
    """Writes the key columns of an agent's row, and the use of a code."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        tokens: Tokens,
        limits: Limits,
        audit: Audit,
        agents: Agents,
        throttle: Throttle,
        key: bytes,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._limits = limits
        self._audit = audit
        self._agents = agents
        self._throttle = throttle
        self._key = key

    def register(self, body: RegisterRequest, address: str) -> RegisterResponse:
        """Result: the agent and its key. Raises the registration-* codes (product page, row 10)."""
        self._throttle.check(address)
        code = normal_code(body.code)
        install = keyed_hash(self._key, body.install_id)
        redeemed = self._redeem(keyed_hash(self._key, code), install) if code else None
        if redeemed is None:
            self._throttle.count(address)
            raise Fatal(ErrorCode.REGISTRATION_CODE_UNKNOWN, "No code reads like this one.")
        return self._issue(redeemed, body, install)

    def authenticate(
        self, key_header: str | None, session_header: str | None, *, session_required: bool = True
    ) -> AgentCaller:
        """Result: the agent that sent this key, with the rows of its partition: one query.

        Raises the agent-key-* codes, agent-revoked, agent-cloned, session-superseded.
        """
        if not key_header:
            raise Fatal(ErrorCode.AGENT_KEY_MISSING, "The X-Agent-Key header is missing.")
        key = parse_agent_key(key_header)
        if key is None:
            raise Fatal(ErrorCode.AGENT_KEY_INVALID, "The key is not of the form organization.agent.secret.")
        found = OrganizationTables(self._tables, key.organization).partition(TABLE, key.agent_id)
        agent = next((row for row in found if row.rk == AGENT_ROW), None)
        beat = next((row for row in found if row.rk == BEAT_ROW), None)
        ring = KeyRing.of(agent) if agent else KeyRing.nobody()
        current = ring.judge(key.secret, self._clock())
        if agent is None or beat is None:
            raise Fatal(ErrorCode.AGENT_KEY_INVALID, "No agent has this key.")
        if rows.moment(agent, "revoked_at") is not None:
            raise Fatal(ErrorCode.AGENT_REVOKED, f"Agent {rows.text(agent, 'name')} was revoked.")
        _refuse_clone(agent, beat)
        return AgentCaller(
            organization=key.organization,
            agent_id=key.agent_id,
            client_id=rows.text(agent, "client_id"),
            name=rows.text(agent, "name"),
            agent=agent,
            beat=beat,
            mailbox=tuple(row for row in found if row.rk not in (AGENT_ROW, BEAT_ROW)),
            session_epoch=_session(session_header, Beat(beat), required=session_required),
            old_key=not current,
        )

    def rotate_key(self, caller: AgentCaller) -> RotateKeyResponse:
        """Result: a new key; the one that was current stays valid for the overlap.

        An answer that was lost is repaired by asking again: the key in the agent's hands stays valid as long.
        """
        secret = self._tokens.secret()
        self._replace_key(caller.organization, caller.agent_id, secret)
        self._audit.record(
            caller.organization, caller.name, "agent.rotate-key", caller.agent_id, client_id=caller.client_id
        )
        return RotateKeyResponse(
            agent_key=agent_key(caller.organization, caller.agent_id, secret),
            old_key_valid_seconds=self._limits.key_overlap_seconds,
        )

    def unregister(self, caller: AgentCaller) -> None:
        """The agent retires itself: its key ends, its jobs go back to wait for another agent."""
        self._agents.retire(caller.organization, caller.agent_id, by=f"agent {caller.name}", reason="unregistered")

    def _redeem(self, hashed: str, install: str) -> _Redeemed | None:
        """Result: the code, now used by this install; None where there is no such code."""
        for _ in range(_TRIES):
            row = self._tables.get(CODES, hashed, CODE_ROW)
            if row is None:
                return None
            now = self._clock()
            if rows.moment(row, "used_at") is not None:
                return self._replay(row, install, now)
            if rows.moment(row, "revoked_at") is not None:
                raise Fatal(ErrorCode.REGISTRATION_CODE_REVOKED, "An operator revoked this code.")
            if now >= rows.need_moment(row, "expires_at"):
                raise Fatal(
                    ErrorCode.REGISTRATION_CODE_EXPIRED,
                    f"It expired at {rows.need_moment(row, 'expires_at'):%Y-%m-%d %H:%M} UTC.",
                )
            agent_id = new_agent_id(self._tokens)
            use: dict[str, Value] = {"used_at": now, "agent_id": agent_id, "install": install}
            try:
                self._tables.merge(CODES, hashed, CODE_ROW, use, row.etag)
            except (RowChanged, RowMissing):
                continue  # Another agent was faster, or an operator revoked it: look again.
            return _Redeemed(rows.text(row, "organization"), rows.text(row, "client_id"), agent_id)
        raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The code is being used by several agents at once.")

    def _replay(self, row: Row, install: str, now: datetime) -> _Redeemed:
        """Result: the same agent again, for its own install and soon after; raises Fatal(registration-code-used)."""
        used_at = rows.need_moment(row, "used_at")
        redeemed = _Redeemed(rows.text(row, "organization"), rows.text(row, "client_id"), rows.text(row, "agent_id"))
        tables = OrganizationTables(self._tables, redeemed.organization)
        agent = tables.get(TABLE, redeemed.agent_id, AGENT_ROW)
        recent = now < used_at + timedelta(seconds=self._limits.code_replay_seconds)
        retired = agent is not None and rows.moment(agent, "revoked_at") is not None
        if recent and not retired and rows.text(row, "install") == install:
            return redeemed
        name = rows.text(agent, "name") if agent else redeemed.agent_id
        raise Fatal(
            ErrorCode.REGISTRATION_CODE_USED,
            f"No action needed if this is it: registered as {name} at {used_at:%Y-%m-%d %H:%M} UTC.",
        )

    def _issue(self, redeemed: _Redeemed, body: RegisterRequest, install: str) -> RegisterResponse:
        """Result: the agent with a fresh key; its rows are made, or its key replaced on a replay."""
        tables = OrganizationTables(self._tables, redeemed.organization)
        client = tables.get(CLIENTS, "", redeemed.client_id)
        if client is None:
            raise Fatal(ErrorCode.REGISTRATION_CODE_REVOKED, "The client of this code was deleted.")
        secret = self._tokens.secret()
        name = body.name or body.machine.hostname.strip()[:120] or "agent"
        try:
            self._insert(tables, redeemed, body, KeyRing.first(secret_hash(secret), self._clock()), name, install)
        except RowExists:
            self._replace_key(redeemed.organization, redeemed.agent_id, secret)
        agent = tables.get(TABLE, redeemed.agent_id, AGENT_ROW)
        return RegisterResponse(
            organization_id=redeemed.organization,
            client_id=redeemed.client_id,
            client_name=rows.text(client, "name"),
            agent_id=redeemed.agent_id,
            agent_name=rows.text(agent, "name", name) if agent else name,
            agent_key=agent_key(redeemed.organization, redeemed.agent_id, secret),
            heartbeat_interval_seconds=self._limits.heartbeat_idle_seconds,
        )

    def _insert(
        self,
        tables: OrganizationTables,
        redeemed: _Redeemed,
        body: RegisterRequest,
        ring: KeyRing,
        name: str,
        install: str,
    ) -> None:
        """Makes the agent's rows. Raises RowExists on a replay."""
        agent = {
            "organization": redeemed.organization,
            "client_id": redeemed.client_id,
            "agent_id": redeemed.agent_id,
            "name": name,
            "install": install,
            "created_at": self._clock(),
            **ring.columns(),
        }
        beat = {
            "epoch": 0,
            "sequence": -1,
            "sealing_key": body.sealing_key,
            **rows.long_text("machine", body.machine.model_dump_json()),
        }
        tables.transact(
            TABLE,
            redeemed.agent_id,
            [Operation(Write.INSERT, AGENT_ROW, agent), Operation(Write.INSERT, BEAT_ROW, beat)],
        )
        try:
            touch_client(tables, redeemed.client_id, self._clock)
        except Fatal:
            tables.delete(TABLE, redeemed.agent_id, AGENT_ROW)
            tables.delete(TABLE, redeemed.agent_id, BEAT_ROW)
            raise
        self._audit.record(
            redeemed.organization,
            f"agent {name}",
            "agent.register",
            redeemed.agent_id,
            client_id=redeemed.client_id,
            detail=body.machine.hostname,
        )

    def _replace_key(self, organization: str, agent_id: str, secret: str) -> None:
        """Puts a new key in front of the ring."""
        tables = OrganizationTables(self._tables, organization)
        for _ in range(_TRIES):
            agent = tables.get(TABLE, agent_id, AGENT_ROW)
            if agent is None:
                raise Fatal(ErrorCode.AGENT_KEY_INVALID, "The agent was deleted.")
            now = self._clock()
            until = now + timedelta(seconds=self._limits.key_overlap_seconds)
            ring = KeyRing.of(agent).turned(secret_hash(secret), now, until)
            try:
                tables.merge(TABLE, agent_id, AGENT_ROW, ring.columns(), agent.etag)
            except (RowChanged, RowMissing):
                continue
            return
        raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The agent's row was changed several times just now.")


def _refuse_clone(agent: Row, beat: Row) -> None:
    """Raises Fatal(agent-cloned) until an operator has lifted the suspension."""
    since = suspended_at(agent, Beat(beat))
    if since is not None:
        raise Fatal(
            ErrorCode.AGENT_CLONED,
            f"Agent {rows.text(agent, 'name')} is suspended since {since:%Y-%m-%d %H:%M} UTC.",
        )


def _session(header: str | None, beat: Beat, *, required: bool) -> int:
    """Result: the session epoch; raises Fatal(session-superseded) for an older one.

    A higher one than ours is from before a restore of our tables: its agent goes on, and the next heartbeat tells us.
    """
    if header is None:
        if required:
            raise Fatal(ErrorCode.REQUEST_INVALID, "The X-Agent-Session header is missing: send a heartbeat first.")
        return 0
    if not (header.isascii() and header.isdigit() and len(header) <= 16):
        raise Fatal(ErrorCode.REQUEST_INVALID, "The X-Agent-Session header is not a session epoch.")
    epoch = int(header)
    if required and epoch < beat.epoch:
        raise Fatal(
            ErrorCode.SESSION_SUPERSEDED,
            f"This process has session {epoch}; session {beat.epoch} has taken over.",
        )
    return epoch
