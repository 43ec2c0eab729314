"""What agents call: registration, the heartbeat, key rotation, and reports of their jobs."""

from __future__ import annotations

from functions.triggers.edge import Routes
from functions.triggers.edge_call import AgentCall, OpenCall
from migrate_contract.agents import (
    AgentCheckAnswer,
    AgentCheckRequest,
    HeartbeatRequest,
    HeartbeatResponse,
    RegisterRequest,
    RegisterResponse,
    RotateKeyRequest,
    RotateKeyResponse,
)
from migrate_contract.commands import CommandResult, CommandResultAnswer
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import (
    FailedFilesAnswer,
    FailedFilesRequest,
    Grant,
    GrantRequest,
    LedgerAnswer,
    LedgerChunk,
    Progress,
    ProgressAnswer,
)
from migrate_contract.rockrms import (
    MAX_REPORT_BODY_BYTES,
    CommandMissionRequest,
    ImportLogChunk,
    ImportReport,
    ImportReportAnswer,
    MissionAccess,
    MissionAccessRequest,
)
from migrate_contract.wire import MAX_LEDGER_BODY_BYTES, CommandId, JobId

routes = Routes("agent")

_KEY_REFUSALS = (
    ErrorCode.NO_MISSION_CONNECTION,
    ErrorCode.SECRET_UNREADABLE,
    ErrorCode.KEY_VAULT_UNAVAILABLE,
    ErrorCode.CUSTOMER_SIGN_IN_MISSING,
)


@routes.open(
    "POST",
    "api/agent/register",
    refusals=(
        ErrorCode.REGISTRATION_CODE_UNKNOWN,
        ErrorCode.REGISTRATION_CODE_USED,
        ErrorCode.REGISTRATION_CODE_EXPIRED,
        ErrorCode.REGISTRATION_CODE_REVOKED,
        ErrorCode.REGISTRATION_THROTTLED,
        ErrorCode.STORAGE_UNAVAILABLE,
    ),
)
def agent_register(call: OpenCall, body: RegisterRequest) -> RegisterResponse:
    """Redeem a registration code: a new agent and its key, shown this once.

    The same install may ask again within 15 minutes (a lost answer) and gets the same agent with a fresh key.
    """
    return call.services.enrolment.register(body, call.address)


@routes.agent("POST", "api/agent/unregister", session=False)
def agent_unregister(call: AgentCall) -> None:
    """Retire this agent: its key is revoked."""
    call.services.enrolment.unregister(call.agent)


@routes.agent("POST", "api/agent/heartbeat", session=False)
def agent_heartbeat(call: AgentCall, body: HeartbeatRequest) -> HeartbeatResponse:
    """Say that this process lives and what it holds; learn the session epoch, commands and when to come back."""
    return call.services.heartbeats.beat(call.agent, body)


@routes.agent("POST", "api/agent/check", session=False)
def agent_check(call: AgentCall, body: AgentCheckRequest) -> AgentCheckAnswer:
    """Learn whether the key is accepted, and whose it is; changes nothing."""
    return AgentCheckAnswer(agent_id=call.agent.agent_id, agent_name=call.agent.name, server_time=call.services.clock())


@routes.agent("POST", "api/agent/rotate-key")
def agent_rotate_key(call: AgentCall, body: RotateKeyRequest) -> RotateKeyResponse:
    """Get a new key, shown this once; the old one stays valid for the overlap that the answer names."""
    return call.services.enrolment.rotate_key(call.agent)


@routes.agent("POST", "api/agent/commands/{command_id}/result", refusals=(ErrorCode.NOT_FOUND,))
def agent_commands_result(call: AgentCall, command_id: CommandId, body: CommandResult) -> CommandResultAnswer:
    """Acknowledge a command, or say why it failed. Ends its delivery."""
    return call.services.commands.result(call.agent, command_id, body)


@routes.agent(
    "POST",
    "api/agent/commands/{command_id}/mission",
    refusals=(ErrorCode.GRANT_REFUSED, *_KEY_REFUSALS),
)
def agent_commands_mission(call: AgentCall, command_id: CommandId, body: CommandMissionRequest) -> MissionAccess:
    """Get Mission's address and key for an open check of it, to be held in memory only."""
    return call.services.checks.mission_access(call.agent, command_id)


_JOB = (ErrorCode.NOT_FOUND, ErrorCode.ATTEMPT_SUPERSEDED, ErrorCode.CHANGED_MEANWHILE)


@routes.agent("POST", "api/agent/jobs/{job_id}/progress", refusals=_JOB)
def agent_jobs_progress(call: AgentCall, job_id: JobId, body: Progress) -> ProgressAnswer:
    """Report an attempt's absolute counters and phase. A repeat or an older one changes nothing."""
    return call.services.progress.report(call.agent, job_id, body)


@routes.agent(
    "POST",
    "api/agent/jobs/{job_id}/grant",
    refusals=(
        *_JOB,
        ErrorCode.GRANT_REFUSED,
        ErrorCode.NO_AZURE_CONNECTION,
        ErrorCode.DEPLOYMENT_STORAGE_MISSING,
        ErrorCode.TARGET_ACCESS_DENIED,
        ErrorCode.TARGET_UNREACHABLE,
        ErrorCode.AZURE_CREDENTIALS_EXPIRED,
        ErrorCode.AZURE_ROLE_WAIT,
        ErrorCode.AZURE_ROLE_MISSING,
        ErrorCode.AZURE_ROLE_SCOPE,
        ErrorCode.AZURE_FIREWALL,
        ErrorCode.AZURE_ACCOUNT_DISABLED,
        ErrorCode.AZURE_ACCOUNT_NOT_FOUND,
        ErrorCode.AZURE_WRONG_TENANT,
        ErrorCode.IDENTITY_MISCONFIGURED,
        ErrorCode.IDENTITY_UNAVAILABLE,
        ErrorCode.SECRET_UNREADABLE,
        ErrorCode.KEY_VAULT_UNAVAILABLE,
        ErrorCode.CUSTOMER_SIGN_IN_MISSING,
    ),
)
def agent_jobs_grant(call: AgentCall, job_id: JobId, body: GrantRequest) -> Grant:
    """Get access to the destination container for this attempt, for an hour at most."""
    return call.services.grants.issue(call.agent, job_id, body)


@routes.agent("POST", "api/agent/jobs/{job_id}/ledger", refusals=_JOB, max_body_bytes=MAX_LEDGER_BODY_BYTES)
def agent_jobs_ledger(call: AgentCall, job_id: JobId, body: LedgerChunk) -> LedgerAnswer:
    """Ship consecutive rows of the attempt's ledger. A repeat overwrites itself."""
    return call.services.ledgers.append(call.agent, job_id, body)


@routes.agent("POST", "api/agent/jobs/{job_id}/failed-files", refusals=_JOB)
def agent_jobs_failed_files(call: AgentCall, job_id: JobId, body: FailedFilesRequest) -> FailedFilesAnswer:
    """List the files that an attempt is about which retries failed ones, by the earlier attempt's ledger."""
    return call.services.ledgers.failed_files(call.agent, job_id, body)


@routes.agent(
    "POST",
    "api/agent/jobs/{job_id}/mission",
    refusals=(*_JOB, ErrorCode.GRANT_REFUSED, ErrorCode.JOB_TYPE_CONFLICT, *_KEY_REFUSALS),
)
def agent_jobs_mission(call: AgentCall, job_id: JobId, body: MissionAccessRequest) -> MissionAccess:
    """Get Mission's address and key for this attempt of an import, to be held in memory only."""
    return call.services.missions.for_attempt(call.agent, job_id, body)


_IMPORT = (*_JOB, ErrorCode.JOB_TYPE_CONFLICT)


@routes.agent("POST", "api/agent/jobs/{job_id}/import-log", refusals=_IMPORT, max_body_bytes=MAX_REPORT_BODY_BYTES)
def agent_jobs_import_log(call: AgentCall, job_id: JobId, body: ImportLogChunk) -> LedgerAnswer:
    """Ship consecutive rows of the attempt's import log. A repeat overwrites itself."""
    return call.services.import_logs.append(call.agent, job_id, body)


@routes.agent("POST", "api/agent/jobs/{job_id}/import-report", refusals=_IMPORT, max_body_bytes=MAX_REPORT_BODY_BYTES)
def agent_jobs_import_report(call: AgentCall, job_id: JobId, body: ImportReport) -> ImportReportAnswer:
    """Post the attempt's report, before its last progress; a later one of the attempt replaces it."""
    return call.services.imports.put_report(call.agent, job_id, body)
