"""What each check does (runtime/checks.py): tests of both connections, keeping and forgetting one, a trace."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import orjson

from migrate_agent.identity import KeyRing
from migrate_agent.network import Network
from migrate_agent.redaction import redactor
from migrate_agent.rockrms.connection_store import ConnectionStore
from migrate_agent.rockrms.mission.adapter import HttpMission, shown_url
from migrate_agent.rockrms.mission.port import MissionClient
from migrate_agent.rockrms.mission.scrub import shortened
from migrate_agent.rockrms.probe import probe_rock
from migrate_agent.runtime.checks import DONE, Handler
from migrate_agent.sealing import SealingKeys
from migrate_contract.commands import Command, CommandKind, CommandResult, CommandStatus
from migrate_contract.errors import ErrorCode, MigrateError
from migrate_contract.rockrms import (
    CheckArguments,
    KeepArguments,
    MissionAccess,
    MissionFund,
    MissionTestReport,
    RockTestReport,
    TraceArguments,
    TraceReport,
)

_NO_INSTALL = "00000000-0000-0000-0000-000000000000"
_MAX_FUNDS = 1_000
_NAME = 200
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 8.0
"""A person waits for a test: an import has more patience."""

OpenMission = Callable[[MissionAccess], HttpMission]
Trace = Callable[[TraceArguments, MissionClient | None], TraceReport]
"""Follows one record; without a client where Mission cannot be reached."""


class CheckHandlers:
    """Made once per process."""

    def __init__(
        self,
        mission_access: Callable[[str], MissionAccess],
        open_mission: OpenMission,
        keys: KeyRing,
        sealing: SealingKeys,
        store: ConnectionStore,
        trace: Trace,
        *,
        on_kept: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`mission_access`: by a command's id. `on_kept`: the next heartbeat should say what this agent keeps now."""
        self._mission_access, self._open_mission = mission_access, open_mission
        self._keys, self._sealing, self._store = keys, sealing, store
        self._trace, self._on_kept, self._monotonic = trace, on_kept, monotonic

    def by_kind(self) -> dict[str, Handler]:
        """Result: for `Checks`."""
        return {
            CommandKind.TEST_ROCKRMS.value: self.test_rockrms,
            CommandKind.TEST_MISSION.value: self.test_mission,
            CommandKind.TRACE_RECORD.value: self.trace_record,
            CommandKind.KEEP_CONNECTION.value: self.keep_connection,
            CommandKind.FORGET_CONNECTION.value: self.forget_connection,
        }

    def test_rockrms(self, command: Command) -> CommandResult:
        """Result: what the connection that is kept for the project gives."""
        project_id = CheckArguments.model_validate_json(orjson.dumps(command.arguments)).project_id
        try:
            report = probe_rock(self._store.connection(project_id))
        except MigrateError as error:
            report = RockTestReport(code=error.code.value, detail=error.detail[:2000], fix=error.fix)
        return CommandResult(status=CommandStatus.ACCEPTED, rock=report)

    def test_mission(self, command: Command) -> CommandResult:
        """Result: whether Mission is reached, takes the key, and may be read back."""
        CheckArguments.model_validate_json(orjson.dumps(command.arguments))
        started = self._monotonic()
        found: dict[str, Any] = {}
        try:
            access = self._mission_access(command.command_id)
            found["url"] = shown_url(access.url)
            mission = self._open_mission(access)
            try:
                found |= mission_facts(mission)
            finally:
                mission.close()
        except MigrateError as error:
            found |= {"code": error.code.value, "detail": error.detail[:2000], "fix": error.fix}
        report = MissionTestReport(**found, seconds=max(self._monotonic() - started, 0.0))
        return CommandResult(status=CommandStatus.ACCEPTED, mission=report)

    def trace_record(self, command: Command) -> CommandResult:
        """Result: one record on its way. Raises MigrateError where Rock itself cannot be asked."""
        arguments = TraceArguments.model_validate_json(orjson.dumps(command.arguments))
        mission: HttpMission | None = None
        try:
            mission = self._open_mission(self._mission_access(command.command_id))
        except MigrateError as error:
            report = self._trace(arguments, None)
            if report.code is None:
                report = report.model_copy(
                    update={"code": error.code.value, "detail": error.detail[:2000], "fix": error.fix}
                )
        else:
            try:
                report = self._trace(arguments, mission)
            finally:
                mission.close()
        return CommandResult(status=CommandStatus.ACCEPTED, trace=report)

    def keep_connection(self, command: Command) -> CommandResult:
        """Result: the connection string that was sealed for this agent and this project is kept here."""
        arguments = KeepArguments.model_validate_json(orjson.dumps(command.arguments))
        organization, agent = names_of(self._keys)
        text = self._sealing.open(
            arguments.sealed, organization=organization, agent=agent, project=arguments.project_id
        )
        redactor.hide(text)
        self._store.keep(arguments.project_id, text)
        self._on_kept()
        return DONE

    def forget_connection(self, command: Command) -> CommandResult:
        """Result: nothing is kept for the project any more."""
        self._store.forget(CheckArguments.model_validate_json(orjson.dumps(command.arguments)).project_id)
        self._on_kept()
        return DONE


def mission_for_checks(network: Network) -> OpenMission:
    """Result: what opens Mission with the patience of a person."""
    quick = dataclasses.replace(
        network, connect_timeout_seconds=_CONNECT_SECONDS, stall_timeout_seconds=_ANSWER_SECONDS
    )
    return lambda access: HttpMission(access, quick)


def names_of(keys: KeyRing) -> tuple[str, str]:
    """Result: the organization and the agent that the key belongs to (`<organization>.<agent>.<secret>`)."""
    known = keys.credentials
    organization, _, rest = keys.key.partition(".")
    agent, _, _ = rest.partition(".")
    return known.organization_id or organization, known.agent_id or agent


def mission_facts(mission: HttpMission) -> dict[str, Any]:
    """Result: the fields of a report. Raises MigrateError where Mission cannot be used."""
    status = mission.require_contract()
    found: dict[str, Any] = {
        "organization_name": shortened(" ".join(status.organization.split()), _NAME),
        "contract_version": shortened(status.contract_version, _NAME),
    }
    try:
        mission.counts(_NO_INSTALL)
        funds = mission.funds()
    except MigrateError as error:
        if error.code is not ErrorCode.MISSION_READBACK_MISSING:
            raise
        return found | {"can_read_back": False, "detail": error.detail[:2000], "fix": error.fix}
    shown = [
        MissionFund(
            external_fund_id=fund.external_id,
            name=shortened(" ".join(fund.name.split()), _NAME),
            is_active=fund.is_active,
        )
        for fund in funds[:_MAX_FUNDS]
    ]
    return found | {"can_read_back": True, "funds": shown}
